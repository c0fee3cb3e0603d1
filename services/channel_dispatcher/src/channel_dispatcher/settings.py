"""The dispatcher's settings, from the environment."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from channel_dispatcher.validation import MAIL, PHONE
from forbear_chassis.settings import ServiceSettings
from forbear_domain.model import Channel
from forbear_providers.accounts import Account, read_accounts
from forbear_providers.dkim import DkimKey


class Settings(ServiceSettings):
    """Everything that differs from one deployment to the next."""

    model_config = SettingsConfigDict(env_prefix="FORBEAR_DISPATCHER_")

    rpc_listen: str = Field(default="127.0.0.1:9081", description="host:port of the gRPC server")
    admin_listen: str = Field(default="127.0.0.1:9181", description="host:port of /metrics, /livez and /readyz")
    redis_url: SecretStr = Field(description="Redis URL; without Redis nothing is sent")
    scheduler_target: str = Field(description="host:port of the scheduler's gRPC server")
    tracker_target: str = Field(description="host:port of the tracker's gRPC server")
    callback_url: str = Field(pattern=r"^https?://[^/\s]+$", description="public base URL of the tracker")
    link_secret: SecretStr = Field(
        min_length=16, description="secret of the links in messages, shared with the tracker"
    )
    signing_key_file: Path | None = Field(
        default=None,
        description="PEM file of the Ed25519 key that signs the ledger; may be missing in a simulation only",
    )

    twilio_account_sid: str = Field(default="", description="Twilio account; empty: no SMS and no calls")
    twilio_auth_token: SecretStr = Field(default=SecretStr(""), description="Twilio's token of that account")
    twilio_base_url: str = Field(default="https://api.twilio.com", description="Twilio's API, or a stand-in")
    twilio_transport: Literal["library", "lean"] = Field(
        default="library",
        description="What carries the official client's requests: the HTTP library it uses, or our own small client",
    )
    sms_senders: str = Field(default="", description="numbers that send SMS, E.164, with commas between")
    voice_senders: str = Field(default="", description="numbers that call, E.164, with commas between")
    smtp_host: str = Field(default="", description="mail relay; empty: no e-mail")
    smtp_port: int = Field(default=587, ge=1, le=65535, description="port of the mail relay")
    smtp_username: str = Field(default="", description="user at the mail relay; empty: none")
    smtp_password: SecretStr = Field(default=SecretStr(""), description="password at the mail relay")
    smtp_starttls: bool = Field(default=True, description="whether the relay is spoken to under TLS")
    smtp_sender: str = Field(default="", description="address that mail comes from")
    dkim_key_file: Path | None = Field(
        default=None, description="PEM file of the key that signs mail of the sender's domain; empty: no signature"
    )
    dkim_selector: str = Field(default="forbear", pattern=r"^[\w.-]{1,63}$", description="DNS selector of that key")
    reply_domain: str = Field(default="", description="domain of the addresses that replies and bounces go to")

    sms_price: float = Field(default=0.0, ge=0, description="price of one SMS part at Twilio; 0: unknown")
    email_price: float = Field(default=0.0, ge=0, description="price of one mail at the relay; 0: unknown")
    voice_price: float = Field(default=0.0, ge=0, description="price of one minute at Twilio; 0: unknown")
    accounts_file: Path | None = Field(
        default=None, description="TOML file of further accounts at providers; docs/PROVIDERS.md shows one"
    )

    limit_sms_per_sender_s: int = Field(default=1, ge=1, description="SMS parts a second for each number")
    limit_sms_per_account_s: int = Field(default=100, ge=1, description="SMS parts a second for the account")
    limit_email_per_s: int = Field(default=50, ge=1, description="mails a second")
    limit_voice_per_s: int = Field(default=1, ge=1, description="calls a second")
    limit_tenant_per_s: int = Field(default=100, ge=1, description="parts, mails and calls a second for each tenant")
    limit_tenant_per_minute: int = Field(default=0, ge=0, description="the same for a minute; 0: no such limit")
    sms_concurrency: int = Field(default=32, ge=1, le=512, description="requests to the SMS provider side by side")
    email_concurrency: int = Field(default=16, ge=1, le=512, description="mails handed to the relay side by side")
    voice_concurrency: int = Field(default=8, ge=1, le=512, description="requests to the voice provider side by side")
    slowed_to_one_in_sms: int = Field(
        default=10, ge=2, le=50, description="of an SMS cell that is slowed, one in so many goes"
    )
    slowed_to_one_in_email: int = Field(default=10, ge=2, le=50, description="the same for mail")
    slowed_to_one_in_voice: int = Field(default=10, ge=2, le=50, description="the same for calls")
    batch_size: int = Field(default=500, ge=1, le=1000, description="contacts that are claimed at a time")

    def slowed_to(self) -> dict[Channel, int]:
        """Return how many contacts of a slowed cell one goes of, by channel."""
        return {
            Channel.SMS: self.slowed_to_one_in_sms,
            Channel.EMAIL: self.slowed_to_one_in_email,
            Channel.VOICE: self.slowed_to_one_in_voice,
        }

    def accounts(self) -> tuple[Account, ...]:
        """Return the accounts of the file. Raises AccountError, which is a ValueError."""
        return read_accounts(self.accounts_file) if self.accounts_file else ()

    def dkim_key(self) -> DkimKey | None:
        """Return the key that signs mail. Raises ValueError, naming the file."""
        if self.dkim_key_file is None:
            return None
        try:
            pem = self.dkim_key_file.read_bytes()
            return DkimKey.from_pem(self.smtp_sender.rpartition("@")[2], self.dkim_selector, pem)
        except (OSError, ValueError, TypeError) as error:
            raise ValueError(
                f"{self.dkim_key_file} is no key to sign mail with ({type(error).__name__}): make one with"
                " `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048`"
            ) from None

    @model_validator(mode="after")
    def _files_can_be_read(self) -> Self:
        self.accounts()
        self.dkim_key()
        return self

    @field_validator("sms_senders", "voice_senders")
    @classmethod
    def _senders_are_numbers(cls, value: str) -> str:
        if not all(PHONE.fullmatch(number) for number in split_list(value)):
            raise ValueError("write E.164 numbers with commas between, such as +12125550100,+12125550101")
        return value

    @field_validator("smtp_sender")
    @classmethod
    def _sender_is_an_address(cls, value: str) -> str:
        if value and not MAIL.fullmatch(value):
            raise ValueError("write one mail address")
        return value

    @model_validator(mode="after")
    def _simulation_stays_at_home(self) -> Self:
        """A simulated clock must never meet real people."""
        if self.clock == "system":
            return self
        hosts = [urlsplit(self.twilio_base_url).hostname or ""] if self.twilio_account_sid else []
        hosts += [self.smtp_host] if self.smtp_host else []
        hosts += [host for account in self.accounts() for host in account.hosts()]
        for host in hosts:
            if not _is_loopback(host):
                raise ValueError(f"the clock is simulated, but a provider is not on this machine: {host}")
        return self


def split_list(value: str) -> tuple[str, ...]:
    """Return the items of a list with commas."""
    return tuple(item.strip() for item in value.split(",") if item.strip())


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
