"""Settings from the environment: one frozen object per service, validated before anything starts.

A setting `database_url` of a service with prefix `FORBEAR_SCHEDULER_` is read from `FORBEAR_SCHEDULER_DATABASE_URL`,
or from the file named by `FORBEAR_SCHEDULER_DATABASE_URL_FILE` (secrets mounted as files). A wrong value stops the
process with the name of the setting and how to mend it. Secrets are `SecretStr`, so that printing the settings masks
them.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

EXIT_BAD_SETTINGS = 2


class ServiceSettings(BaseSettings):
    """What every service needs. Subclasses set `env_prefix` and add their own fields."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    database_url: SecretStr = Field(description="PostgreSQL URL of the service's role")
    migration_database_url: SecretStr | None = Field(
        default=None, description="URL of the schema's owner; when set, the service migrates its schema at start"
    )
    rpc_listen: str = Field(description="host:port of the gRPC server")
    admin_listen: str = Field(description="host:port of /metrics, /livez and /readyz")
    clock: str = Field(
        default="system", pattern=r"^(system|simulated://[\w.-]+:\d+)$", description="system, or simulated://host:port"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="lowest level logged")
    drain_s: float = Field(
        default=0.0, ge=0, le=60, description="seconds between NOT_SERVING and the stop of the servers"
    )
    grace_s: float = Field(
        default=20.0, gt=0, le=300, description="seconds that calls and passes in flight may take to finish"
    )
    reflection: bool = Field(default=False, description="whether gRPC reflection is served")


S = TypeVar("S", bound=ServiceSettings)


def load(kind: type[S]) -> S:
    """Read the settings of a service, or print what is wrong, by name, and end the process with code 2."""
    read_secret_files(kind.model_config.get("env_prefix", ""))
    try:
        return kind()  # type: ignore[call-arg]  # pydantic reads the fields from the environment
    except ValidationError as error:
        prefix = kind.model_config.get("env_prefix", "")
        for item in error.errors():
            name = prefix + "_".join(str(part) for part in item["loc"]).upper()
            field = kind.model_fields.get(str(item["loc"][0])) if item["loc"] else None
            meaning = f" ({field.description})" if field is not None and field.description else ""
            wrong = "is not set" if item["type"] == "missing" else item["msg"]
            sys.stderr.write(f"setting {name}{meaning}: {wrong}\n")
        raise SystemExit(EXIT_BAD_SETTINGS) from None


def split_address(value: str) -> tuple[str, int]:
    """Split "host:port". Raises ValueError, naming the value, when it is not of that form."""
    host, separator, port = value.rpartition(":")
    if not separator or not port.isdigit() or not 0 <= int(port) <= 65535:
        raise ValueError(f"{value!r} is not host:port")
    return host or "127.0.0.1", int(port)


def read_secret_files(prefix: str) -> None:
    """Put the contents of the files that `<prefix>..._FILE` name into the environment, unless the setting is there."""
    for name, path in list(os.environ.items()):
        if name.startswith(prefix) and name.endswith("_FILE") and name.removesuffix("_FILE") not in os.environ:
            try:
                os.environ[name.removesuffix("_FILE")] = Path(path).read_text(encoding="utf-8").strip()
            except OSError as error:
                sys.stderr.write(f"setting {name}: cannot read {path}: {error.strerror}\n")
                raise SystemExit(EXIT_BAD_SETTINGS) from None
