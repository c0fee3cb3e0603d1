"""Reads and writes the wire's values: ids, constants, instants. What is wrong is told by field, with its mend."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

from channel_dispatcher.store import answers
from forbear_chassis.clock import Clock, from_epoch_us, to_epoch_us
from forbear_chassis.errors import FieldViolation, invalid
from forbear_chassis.postgres import UUID, Connection, Pool


class Message(Protocol):
    """A response that can be kept and read again."""

    def SerializeToString(self) -> bytes: ...  # protobuf's name


A = TypeVar("A", bound=Message)


class Once:
    """Acts once for a request id, in one transaction with its answer; a repeat gets the first answer."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def __call__(
        self, request_id: str, method: str, kind: type[A], act: Callable[[Connection], Awaitable[A]]
    ) -> A:
        """Act, or give the first answer. Raises Fault where the id is no UUID."""
        request = request_id_of(request_id)
        async with self._pool.acquire() as connection, connection.transaction():
            first = await answers.find(connection, request, method)
            if first is not None:
                again: A = kind.FromString(first)  # type: ignore[attr-defined]  # every protobuf message has it
                return again
            answer = await act(connection)
            await answers.keep(connection, request, method, answer.SerializeToString(), self._clock.now())
            return answer


def bad(field: str, description: str) -> Exception:
    return invalid("FIELD_INVALID", f"{field}: {description}", FieldViolation(field, description))


def uuid_of(value: bytes, field: str) -> Any:
    if len(value) != 16:
        raise bad(field, "give 16 bytes of a UUID")
    return UUID(value)


def request_id_of(value: str) -> Any:
    try:
        return UUID(value)
    except ValueError:
        raise bad("request_id", "give a UUID in text form") from None


def constant(value: str, field: str) -> str:
    if not 0 < len(value) <= 64 or not value.replace("_", "").isalnum() or not value.isascii():
        raise bad(field, 'give a short constant such as "paid"')
    return value


def instant_of(wire: Any) -> Any:
    return from_epoch_us(wire.seconds * 1_000_000 + wire.nanos // 1000)


def set_time(field: Any, instant: Any) -> None:
    seconds, microseconds = divmod(to_epoch_us(instant), 1_000_000)
    field.seconds, field.nanos = seconds, microseconds * 1000
