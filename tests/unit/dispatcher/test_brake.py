"""The sequential test of the brake: its false-alarm rate, what it finds and how soon, and its arithmetic."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channel_dispatcher.brake import FASTER, SLOW_AT, STOP_AT, Counts, Level, Signal, level_of, log_evidence

RUNS, LENGTH = 3000, 2000


def paths(share: float, tolerated: float, *, seed: int) -> np.ndarray:
    """Simulate RUNS cells of LENGTH contacts with a true share of events; return the evidence after each contact."""
    events = (np.random.default_rng(seed).random((RUNS, LENGTH)) < share).cumsum(axis=1)
    misses = np.arange(1, LENGTH + 1) - events
    shares = [tolerated * factor if tolerated < 0.5 else 1 - (1 - tolerated) / factor for factor in FASTER]
    evidence = np.full((RUNS, LENGTH), -np.inf)
    for each in shares:
        log_ratio = events * math.log(each / tolerated) + misses * math.log((1 - each) / (1 - tolerated))
        evidence = np.logaddexp(evidence, log_ratio)
    return evidence - math.log(len(shares))


@pytest.mark.parametrize("signal", [Signal.OPTED_OUT, Signal.COMPLAINED, Signal.UNANSWERED])
def test_a_cell_at_the_tolerated_share_is_seldom_slowed_and_hardly_ever_stopped(signal: Signal) -> None:
    """Looked at after each of 2,000 contacts, in 3,000 cells: at most 2 % are slowed and 0.1 % stopped, as stated.

    The bounds leave three standard deviations of the simulation itself.
    """
    highest = paths(signal.tolerated, signal.tolerated, seed=7).max(axis=1)

    assert (highest >= SLOW_AT).mean() <= 0.02 + 3 * math.sqrt(0.02 * 0.98 / RUNS)
    assert (highest >= STOP_AT).mean() <= 0.001 + 3 * math.sqrt(0.001 * 0.999 / RUNS)


@pytest.mark.parametrize(("times", "contacts"), [(2.0, 1000), (3.0, 300), (5.0, 100)])
def test_a_bad_template_is_stopped_within_so_many_contacts(times: float, contacts: int) -> None:
    """Opt-outs of twice, three and five times what is tolerated: nine of ten cells are stopped by then."""
    tolerated = Signal.OPTED_OUT.tolerated
    stopped = paths(tolerated * times, tolerated, seed=11) >= STOP_AT

    assert 0.9 <= stopped[:, :contacts].any(axis=1).mean()


def test_the_simulation_computes_what_the_brake_computes() -> None:
    """The same evidence, from the same counts."""
    evidence = paths(0.1, 0.04, seed=3)[0]
    events = (np.random.default_rng(3).random((RUNS, LENGTH)) < 0.1)[0].cumsum()

    for contacts in (1, 50, LENGTH):
        counts = Counts(contacts, int(events[contacts - 1]))
        assert log_evidence(counts, 0.04) == pytest.approx(evidence[contacts - 1])


@given(st.sampled_from(list(Signal)), st.integers(0, 12))
def test_the_evidence_is_a_fair_bet_against_the_tolerated_share(signal: Signal, trials: int) -> None:
    """At the tolerated share its expectation is exactly one after any number of contacts: waiting gains nothing."""
    tolerated = signal.tolerated
    expected = sum(
        math.comb(trials, events) * tolerated**events * (1 - tolerated) ** (trials - events)
        * math.exp(log_evidence(Counts(trials, events), tolerated))
        for events in range(trials + 1)
    )  # fmt: skip

    assert expected == pytest.approx(1.0)


@given(st.sampled_from(list(Signal)), st.integers(1, 500), st.data())
def test_one_event_more_never_lowers_the_evidence(signal: Signal, trials: int, data: st.DataObject) -> None:
    """So events that come late can only have been missing."""
    events = data.draw(st.integers(0, trials - 1))

    assert log_evidence(Counts(trials, events), signal.tolerated) < log_evidence(
        Counts(trials, events + 1), signal.tolerated
    )


def test_levels_are_what_the_evidence_calls_for() -> None:
    """Ten opt-outs in a hundred slow, fifteen stop, four do nothing."""
    levels = [level_of(Counts(100, events), Signal.OPTED_OUT.tolerated) for events in (4, 12, 17)]

    assert [Level.NONE, Level.SLOW, Level.STOP] == levels
    assert Fraction(1, 50) == Fraction(math.exp(-SLOW_AT)).limit_denominator(1000)
