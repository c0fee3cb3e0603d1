"""A refusal for an opt-out is drift only where the borrower's own stop never comes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from channel_dispatcher.drift import DRIFT_AFTER, Drift
from forbear_domain import ids
from forbear_providers.contract import SendOutcome, SendRequest, SendState
from tests.integration.dispatcher.stage import Stage, make_contact, phone_of
from tests.integration.dispatcher.test_changes import stop

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_valkey]

STRANGERS = ids.tenant_id("another lender").bytes


async def refuse(_: SendRequest) -> SendOutcome:
    """Answer as a provider does at which the borrower has opted out."""
    return SendOutcome(SendState.REFUSED_FINAL, code="21610", reason="opted_out_at_carrier", is_opted_out=True)


async def send(stage: Stage, *numbers: int) -> None:
    """Hand in a contact for each borrower and let it be refused."""
    stage.provider.answer = refuse
    await stage.submit(*[make_contact(number, stage.clock.now()) for number in numbers])
    await stage.run()


def drifted() -> float:
    """Return how many text messages have drifted in this process."""
    return REGISTRY.get_sample_value("forbear_dispatcher_opt_out_drift_total", {"channel": "sms"}) or 0.0


async def count_drift(stage: Stage) -> float:
    """Let the time be over and return how many more have drifted."""
    before = drifted()
    worker = Drift(stage.pool, stage.clock)
    early = await worker.run_once()
    assert early.next_due_at is not None
    assert 0 == early.done
    stage.clock.move_to(early.next_due_at)
    while (await worker.run_once()).done:
        pass
    return drifted() - before


async def test_an_opt_out_that_nobody_else_tells_us_of_has_drifted(stage: Stage) -> None:
    """It is counted when the time is over, not before, and once, however many ask."""
    await send(stage, 1)

    first = await count_drift(stage)
    again = await Drift(stage.pool, stage.clock).run_once()

    assert 1 == first
    assert (0, None) == again


@pytest.mark.parametrize("late", [timedelta(), timedelta(minutes=1), DRIFT_AFTER - timedelta(seconds=1)])
async def test_a_stop_that_crosses_a_message_is_no_drift(stage: Stage, late: timedelta) -> None:
    """The provider had it first, and we had it in time."""
    await send(stage, 1)
    stage.clock.advance(late)
    await stage.rpc.ApplySuppressions(stop(stage, 1), None)

    assert 0 == await count_drift(stage)


async def test_a_stop_that_was_written_down_before_the_refusal_is_no_drift(stage: Stage) -> None:
    """It was said at the tracker's hour, and came while the provider was answering."""
    said = stop(stage, 1)
    stage.clock.advance(timedelta(minutes=2))
    await send(stage, 1)
    await stage.rpc.ApplySuppressions(said, None)

    assert 0 == await count_drift(stage)


@pytest.mark.parametrize(
    "other",
    [
        {"address": phone_of(2)},
        {"tenant_id": STRANGERS},
        {"source": "provider"},
    ],
    ids=lambda other: next(iter(other)),
)
async def test_what_somebody_else_said_hides_no_drift(stage: Stage, other: dict[str, object]) -> None:
    """Another number's stop, another tenant's, and what a provider says again tell nothing of this borrower."""
    await send(stage, 1)
    await stage.rpc.ApplySuppressions(stop(stage, 1, **other), None)

    assert 1 == await count_drift(stage)
