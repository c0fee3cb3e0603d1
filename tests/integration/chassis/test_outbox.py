"""The outbox loses nothing and repeats what it must, whatever commits while it hands over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import grpc
import pytest

from forbear_chassis.outbox import one_by_one, relay
from tests.kit.databases import Database

TABLE = "CREATE TABLE outbox (id bigserial PRIMARY KEY, topic text NOT NULL, body bytea NOT NULL)"
WRITE = "INSERT INTO outbox (topic, body) VALUES ('t', $1)"


class Taker:
    """Takes batches; `between` happens after a batch was received and before it is acknowledged."""

    def __init__(self, between: Any = None, failures: int = 0) -> None:
        self.batches: list[tuple[str, list[bytes]]] = []
        self._between = between
        self._failures = failures

    def __call__(self, requests: AsyncIterator[Any], *, timeout: float) -> Any:
        return self._run(requests)

    async def _run(self, requests: AsyncIterator[Any]) -> AsyncIterator[None]:
        async for batch in requests:
            self.batches.append(batch)
            if self._between is not None:
                await self._between()
            if self._failures:
                self._failures -= 1
                raise grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata())
            yield None

    @property
    def bodies(self) -> list[bytes]:
        """Return everything taken, in order."""
        return [body for _, batch in self.batches for body in batch]


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Any]:
    """A database with an empty outbox."""
    async with asyncpg.create_pool(database.url(), min_size=1, max_size=4) as opened:
        await opened.execute(TABLE)
        yield opened


def pair(request_id: str, bodies: list[bytes]) -> tuple[str, list[bytes]]:
    """Make a request as it is."""
    return request_id, bodies


@pytest.mark.needs_postgres
async def test_a_row_that_commits_late_with_a_smaller_id_is_kept(pool: Any) -> None:
    """Ids are drawn before they are committed: an older id may appear after a younger one was handed over."""
    async with pool.acquire() as slow:
        transaction = slow.transaction()
        await transaction.start()
        await slow.execute(WRITE, b"slow")
        await pool.execute(WRITE, b"quick")
        taker = Taker(between=transaction.commit)

        await relay(pool, "t", taker, pair)
    await relay(pool, "t", taker := Taker(), pair)

    assert [b"slow"] == taker.bodies
    assert 0 == await pool.fetchval("SELECT count(*) FROM outbox")


@pytest.mark.needs_postgres
async def test_a_batch_that_grew_before_it_is_sent_again_has_another_name(pool: Any) -> None:
    """The taker answers a known request id without looking: a new row must not travel under it."""
    async with pool.acquire() as slow:
        transaction = slow.transaction()
        await pool.execute(WRITE, b"first")
        await transaction.start()
        await slow.execute(WRITE, b"slow")
        await pool.execute(WRITE, b"last")
        failing = Taker(failures=1)
        with pytest.raises(grpc.aio.AioRpcError):
            await relay(pool, "t", failing, pair)
        await transaction.commit()
    again = Taker()

    await relay(pool, "t", again, pair)

    assert [b"first", b"slow", b"last"] == again.bodies
    assert failing.batches[0][0] != again.batches[0][0]


@pytest.mark.needs_postgres
async def test_what_was_not_acknowledged_is_sent_again_under_the_same_name(pool: Any) -> None:
    """A taker that failed after it took a batch sees the repeat as one."""
    await pool.execute(WRITE, b"once")
    failing = Taker(failures=1)
    with pytest.raises(grpc.aio.AioRpcError):
        await relay(pool, "t", failing, pair)
    again = Taker()

    await relay(pool, "t", again, pair)

    assert failing.batches == again.batches


@pytest.mark.needs_postgres
async def test_what_follows_waits_for_what_it_follows_in_the_same_look(pool: Any) -> None:
    """An answer that is written just after somebody looked for receipts must not overtake its receipt."""
    await pool.execute("INSERT INTO outbox (topic, body) VALUES ('first', 'receipt'), ('t', 'answer')")
    taker = Taker()

    held = await relay(pool, "t", taker, pair, after="first")
    await relay(pool, "first", Taker(), pair)
    sent = await relay(pool, "t", taker, pair, after="first")

    assert (0, 1) == (held.done, sent.done)
    assert [b"answer"] == taker.bodies


@pytest.mark.needs_postgres
async def test_a_taker_of_single_requests_gets_each_row_as_one_and_all_again_after_a_failure(pool: Any) -> None:
    """A call that fails keeps every row of the pass; the taker knows the repeat by its name."""
    for body in (b"1", b"2", b"3"):
        await pool.execute(WRITE, body)
    taken: list[tuple[str, list[bytes]]] = []
    failing_at = 2

    async def take(request: tuple[str, list[bytes]], *, timeout: float) -> None:
        taken.append(request)
        if len(taken) == failing_at:
            raise ConnectionError

    with pytest.raises(ConnectionError):
        await relay(pool, "t", one_by_one(take), pair, batch_rows=1)
    await relay(pool, "t", one_by_one(take), pair, batch_rows=1)

    assert [[b"1"], [b"2"], [b"1"], [b"2"], [b"3"]] == [bodies for _, bodies in taken]
    assert [name for name, _ in taken[:2]] == [name for name, _ in taken[2:4]]
