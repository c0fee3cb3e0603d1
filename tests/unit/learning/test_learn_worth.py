"""Paid, not opened: channels count by what their answers brought beyond silence, and pay for their complaints."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from contact_scheduler.learning import PlanOptions, make_plan
from contact_scheduler.learning.worth import WORTH_RANGE, Costs, Tally, Worth, weigh_channels
from tests.unit.learning.learning_cases import crowd, posterior


def tally(**counts: list[int]) -> Tally:
    return Tally(**{name: np.array(values, dtype=np.float64) for name, values in counts.items()})


def test_clicks_that_bring_no_payment_count_for_little() -> None:
    """A channel of many answers and few payments weighs less than one of few answers that pay."""
    found = weigh_channels(
        tally(
            contacts=[5_000, 5_000, 5_000], complaints=[15, 15, 15], answered=[500, 2_000, 300],
            reached_after_answer=[150, 60, 120], reached_after_silence=[45, 30, 47],
        ),
        Costs(),
    )  # fmt: skip

    assert found.of_answer[1] < 0.3 < 1.5 < found.of_answer[0] < found.of_answer[2]


def test_payments_that_the_silent_make_too_are_no_merit() -> None:
    """Where whoever answers pays as often as whoever does not, no channel is preferred for it."""
    found = weigh_channels(
        tally(
            contacts=[3_000, 3_000, 3_000], complaints=[0, 0, 0], answered=[1_000, 1_000, 1_000],
            reached_after_answer=[100, 110, 90], reached_after_silence=[205, 205, 200],
        ),
        Costs(),
    )  # fmt: skip

    assert (1.0, 1.0, 1.0) == found.of_answer


def test_few_payments_say_nothing_yet() -> None:
    """Below thirty, all channels count alike."""
    few = tally(
        contacts=[100, 100, 100], complaints=[0, 0, 0], answered=[20, 20, 20], reached_after_answer=[20, 5, 4],
        reached_after_silence=[0, 0, 0],
    )  # fmt: skip

    assert Worth().of_answer == weigh_channels(few, Costs()).of_answer


def test_a_channel_that_draws_opt_outs_pays_for_them() -> None:
    """One in fifty opts out on the phone: at a price of two answers each call costs 0.03 to 0.04 more than a text."""
    found = weigh_channels(
        tally(
            contacts=[5_000, 5_000, 5_000], complaints=[10, 10, 100], answered=[0, 0, 0],
            reached_after_answer=[0, 0, 0], reached_after_silence=[0, 0, 0],
        ),
        Costs((0.008, 0.0004, 0.014), 2.0),
    )  # fmt: skip

    assert 0.03 < found.cost[2] - found.cost[0] < 0.04


@given(st.lists(st.integers(0, 10_000), min_size=12, max_size=12), st.floats(0.0, 100.0))
def test_whatever_was_counted_worth_and_cost_stay_within_bounds(counts: list[int], price: float) -> None:
    """No division by nothing, no negative worth, no cost below the operator's own."""
    contacts = [counts[k] + counts[k + 3] for k in range(3)]
    answered = counts[:3]
    after_answer = [min(counts[k + 6], answered[k]) for k in range(3)]
    after_silence = [min(counts[k + 9], contacts[k] - answered[k]) for k in range(3)]
    found = weigh_channels(
        tally(
            contacts=contacts, complaints=[c // 2 for c in contacts], answered=answered,
            reached_after_answer=after_answer, reached_after_silence=after_silence,
        ),
        Costs((0.1, 0.2, 0.3), price),
    )  # fmt: skip

    assert all(WORTH_RANGE[0] <= value <= WORTH_RANGE[1] for value in found.of_answer)
    assert all(cost >= own for cost, own in zip(found.cost, (0.1, 0.2, 0.3), strict=True))


def test_the_plan_moves_to_the_channel_whose_answers_pay() -> None:
    """The same people and model: with answers by e-mail worth a tenth, mail is left for the others."""
    borrowers, lawful, horizon = crowd(2_000)
    capacity = np.full((3, 168), 2_000, dtype=np.int64)
    known = posterior()
    plans = [
        make_plan(known, borrowers, lawful, horizon, capacity, PlanOptions(1, 1, explore_share=0.0, worth=worth))
        for worth in (Worth(), Worth((1.0, 0.1, 1.0)))
    ]
    has_choice = lawful.patterns[lawful.pattern_of].any(axis=2).sum(axis=1) > 1
    mails = [int((plan.channel[has_choice] == 1).sum()) for plan in plans]

    assert 0 == mails[1] < 50 < mails[0]
    has = plans[1].channel >= 0
    expected = plans[1].probability[has] * np.where(plans[1].channel[has] == 1, 0.1, 1.0)
    np.testing.assert_allclose(plans[1].value[has], expected, rtol=1e-5)
