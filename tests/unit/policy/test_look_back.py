"""How far back the gate remembers: as far as the longest window of any rule that may bar what it sends."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channel_dispatcher import gate
from forbear_domain.policy import Channel, Purpose
from forbear_domain.policy.checks import check_of
from forbear_domain.policy.checks.counts import Cap, CoolingOff, Window
from forbear_domain.policy.look_back import look_back, reach
from forbear_domain.policy.packs import Packs
from forbear_domain.policy.tenant_policy import REMEMBERED
from tests.unit.policy.policy_facts import PACKS

CHANNELS, PURPOSES = frozenset(gate.CHANNELS.values()), frozenset(gate.PURPOSES.values())
MONTH = timedelta(days=33)


def with_window(days: int, rule_id: str = "US-MA-2IN7") -> Packs:
    """The packs that ship, with one cap counting over so many days."""

    def changed(rule):  # type: ignore[no-untyped-def]
        return replace(rule, parameters={**rule.parameters, "window": {"days": days}}) if rule.id == rule_id else rule

    return Packs(replace(pack, rules=tuple(changed(rule) for rule in pack.rules)) for pack in PACKS.all)


def test_a_month_is_remembered_today() -> None:
    """What each claim reads; a pack that makes it longer is seen here, because every claim then costs more."""
    assert gate.remembered(PACKS) == look_back(PACKS, CHANNELS, PURPOSES) == MONTH


def test_a_pack_with_a_longer_window_makes_the_gate_remember_longer() -> None:
    """The pair: half a year of a cap on reminders is read; of a cap on notices, which are not sent here, it is not."""
    assert timedelta(days=182) == gate.remembered(with_window(180))
    assert MONTH == gate.remembered(with_window(365, "REGX-39B-NOTICE"))
    assert timedelta(days=182) == look_back(PACKS, CHANNELS, PURPOSES | {Purpose.DUTY_NOTICE})
    assert timedelta(days=3652) == look_back(PACKS, CHANNELS, PURPOSES | {Purpose.LOCATION})


def test_no_rule_that_may_speak_reaches_further_than_is_remembered() -> None:
    """Asked rule by rule, without the scopes that the computation goes by: those that reach further never speak."""
    far = [
        rule
        for pack in PACKS.all
        for rule in pack.rules
        if isinstance(check := check_of(rule), (Cap, CoolingOff)) and reach(check.window) > gate.remembered(PACKS)
    ]

    assert {"REGX-39B-NOTICE", "REGF-10-LOC"} == {rule.id for rule in far}
    assert not [rule for rule in far if rule.scope.purposes & PURPOSES]


def test_tenants_rules_reach_no_further() -> None:
    """What a tenant may write is what is remembered whatever the packs say."""
    assert REMEMBERED + timedelta(days=2) <= look_back(Packs([]), frozenset({Channel.SMS}), frozenset({Purpose.REPLY}))


@given(
    st.timedeltas(timedelta(0), timedelta(days=730)).map(lambda after: datetime(2026, 1, 1, tzinfo=UTC) + after),
    st.one_of(
        st.integers(1, 200).map(lambda days: Window(days=days)),
        st.integers(1, 5_000).map(lambda hours: Window(duration=timedelta(hours=hours))),
        st.sampled_from(["day", "week", "month"]).map(lambda name: Window(calendar=name)),
    ),
    st.sampled_from([("America/New_York",), ("Pacific/Honolulu", "Asia/Tokyo"), ("Pacific/Kiritimati",)]),
)
def test_a_window_never_starts_before_its_reach(at: datetime, window: Window, names: tuple[str, ...]) -> None:
    """Over two years, every kind of window, and zones that are a day apart."""
    assert window.start(at, tuple(ZoneInfo(name) for name in names)) >= at - reach(window)


@pytest.mark.parametrize("days", [29, 30, 60])
def test_a_shorter_window_shortens_nothing(days: int) -> None:
    """A month is always remembered, for tenants' own rules."""
    assert max(MONTH, timedelta(days=days + 2)) == gate.remembered(with_window(days))
