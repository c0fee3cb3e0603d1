"""Settings of the contact scheduler, read from `FORBEAR_SCHEDULER_*`."""

from __future__ import annotations

from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from forbear_chassis.settings import ServiceSettings
from forbear_providers.number_lookup import LOOKUP_URL


class Settings(ServiceSettings):
    """What the contact scheduler needs to run."""

    model_config = SettingsConfigDict(
        env_prefix="FORBEAR_SCHEDULER_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    rpc_listen: str = Field(default="127.0.0.1:9080", description="host:port of the gRPC server")
    admin_listen: str = Field(default="127.0.0.1:9180", description="host:port of /metrics, /livez and /readyz")
    http_listen: str = Field(default="127.0.0.1:8080", description="host:port of the campaign API and the console")
    dispatcher_target: str = Field(default="127.0.0.1:9081", description="gRPC target of the channel dispatcher")
    tracker_target: str = Field(default="127.0.0.1:9082", description="gRPC target of the response tracker")
    plan_hour_utc: int = Field(
        default=9, ge=0, le=23, description="hour of the day (UTC) at which campaigns are planned"
    )
    seed: int = Field(default=1, ge=0, description="seed of every lot that is drawn; the same seed gives the same plan")
    capacity_sms_per_hour: int = Field(default=3_600, ge=0, description="assumed when the dispatcher does not answer")
    capacity_email_per_hour: int = Field(
        default=36_000, ge=0, description="assumed when the dispatcher does not answer"
    )
    capacity_voice_per_hour: int = Field(default=600, ge=0, description="assumed when the dispatcher does not answer")
    cost_sms: float = Field(default=0.008, ge=0, description="cost of one text message, in the unit of worth")
    cost_email: float = Field(default=0.0004, ge=0, description="cost of one mail, in the unit of worth")
    cost_voice: float = Field(default=0.014, ge=0, description="cost of one call, in the unit of worth")
    cost_complaint: float = Field(
        default=2.0,
        ge=0,
        description="cost of one opt-out, in the unit of worth (an average answer)",
    )
    score_cards: Path | None = Field(
        default=None, description="folder that `train-scores` wrote; absent: the designed cards that ship"
    )
    number_checks_per_day: int = Field(
        default=0,
        ge=0,
        le=1_000_000,
        description="numbers that Twilio Lookup is asked about by itself in a day; 0: none",
    )
    lookup_account_sid: str = Field(default="", description="Twilio account that asks; it pays for each question")
    lookup_auth_token: SecretStr = Field(default=SecretStr(""), description="Twilio's token of that account")
    lookup_url: str = Field(
        default=LOOKUP_URL, pattern=r"^https?://[^/\s]+$", description="Twilio's Lookup API, or a stand-in"
    )
    import_bytes_max: int = Field(default=4 << 30, gt=0, description="largest portfolio file taken, in bytes")
    pool_size_max: int = Field(default=10, ge=4, le=100, description="connections to PostgreSQL")

    @model_validator(mode="after")
    def _questions_are_paid_and_real(self) -> Self:
        if not self.number_checks_per_day:
            return self
        if not (self.lookup_account_sid and self.lookup_auth_token.get_secret_value()):
            raise ValueError("number_checks_per_day needs lookup_account_sid and lookup_auth_token")
        if self.clock != "system" and urlsplit(self.lookup_url).hostname not in ("127.0.0.1", "::1", "localhost"):
            raise ValueError("the clock is simulated, but lookup_url is not on this machine")
        return self
