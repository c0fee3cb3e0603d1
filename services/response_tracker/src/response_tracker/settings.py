"""Settings of the response-tracker, read from `FORBEAR_TRACKER_*`."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from forbear_chassis.settings import ServiceSettings
from forbear_providers.accounts import Account, read_accounts


class Settings(ServiceSettings):
    """What the tracker needs beyond what every service needs."""

    model_config = SettingsConfigDict(
        env_prefix="FORBEAR_TRACKER_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    rpc_listen: str = Field(default="127.0.0.1:9082", description="host:port of the gRPC server")
    admin_listen: str = Field(default="127.0.0.1:9182", description="host:port of /metrics, /livez and /readyz")
    http_listen: str = Field(default="127.0.0.1:8082", description="host:port of webhooks, unsubscribe and pages")
    smtp_listen: str = Field(default="127.0.0.1:2526", description="host:port of inbound mail")
    public_url: str = Field(
        pattern=r"^https?://[^\s/]+(/[^\s]*[^\s/])?$",
        description="base URL under which providers and borrowers reach us, without a slash at its end",
    )
    dispatcher_target: str = Field(description="gRPC target of the channel-dispatcher")
    scheduler_target: str = Field(description="gRPC target of the contact-scheduler")
    twilio_auth_token: SecretStr = Field(description="auth token that signs the provider's callbacks")
    link_secret: SecretStr = Field(
        min_length=16, description="secret of the links in our messages, 16 characters or more"
    )
    accounts_file: Path | None = Field(
        default=None, description="TOML file of further accounts at providers, the dispatcher's; docs/PROVIDERS.md"
    )

    def accounts(self) -> tuple[Account, ...]:
        """Return the accounts of the file. Raises AccountError, which is a ValueError."""
        return read_accounts(self.accounts_file) if self.accounts_file else ()

    @model_validator(mode="after")
    def _accounts_can_be_read(self) -> Self:
        self.accounts()
        return self
