"""Redis: a client with time-outs, and functions that run on the server in one step.

Redis coordinates and is never the truth: it may lose everything at any moment. Whoever uses it must treat a failure
as "no". Services without Redis do not load its client, so its errors are known here only.
"""

from __future__ import annotations

from importlib import resources
from typing import Any

import redis.asyncio
import redis.exceptions

TIMEOUT_S = 2.0


class RedisUnavailable(ConnectionError):
    """Redis did not answer, or could not do what it was asked."""


def open_redis(url: str) -> redis.asyncio.Redis:
    """Make a client; it connects on first use and again after a failure."""
    return redis.asyncio.from_url(
        url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, health_check_interval=15
    )


class Script:
    """A Lua script of ours, sent by digest and again in full when the server has forgotten it."""

    def __init__(self, client: redis.asyncio.Redis, package: str, name: str) -> None:
        text = resources.files(package).joinpath(name).read_text(encoding="utf-8")
        self._script = client.register_script(text)

    async def __call__(self, keys: list[str], args: list[Any]) -> Any:
        """Run it in one step. Raises RedisUnavailable when Redis does not answer."""
        try:
            return await self._script(keys=keys, args=args)
        except redis.exceptions.RedisError as error:
            raise RedisUnavailable(f"{type(error).__name__}; nothing is granted until Redis answers") from error
