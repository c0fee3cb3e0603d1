"""What bodies of requests have in common."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, field_validator

NUL = "\x00"
NUL_MEND = "leave out the character NUL, which nothing here can keep"

ChannelName = Literal["sms", "email", "voice"]


class Strict(BaseModel):
    """A body whose unknown fields are refused, and whose texts can be kept."""

    model_config = ConfigDict(extra="forbid")

    @field_validator("*")
    @classmethod
    def _refuse_nul(cls, value: Any) -> Any:
        if _holds_nul(value):
            raise ValueError(NUL_MEND)
        return value


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return NUL in value
    if isinstance(value, dict):
        return any(_holds_nul(part) for item in value.items() for part in item)
    return isinstance(value, list) and any(_holds_nul(part) for part in value)


def _in_our_time(instant: datetime) -> datetime:
    if not datetime(1970, 1, 2, tzinfo=UTC) <= instant < datetime(2200, 1, 1, tzinfo=UTC):
        raise ValueError("give an instant between 1970 and 2200")
    return instant


Instant = Annotated[AwareDatetime, AfterValidator(_in_our_time)]
"""An instant that stays one in every time zone and some years later."""
