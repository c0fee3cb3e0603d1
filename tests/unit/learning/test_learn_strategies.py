"""Who decides: released only when logged contacts show a gain, widened step by step, taken back where it does harm."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from contact_scheduler.learning.explore import OPTIONS, option_of
from contact_scheduler.learning.ope import (
    HARM_ROWS_MIN,
    ROWS_MIN,
    Estimate,
    LoggedChoices,
    Verdict,
    compare_policies,
    release_gate,
    value_daily,
)
from contact_scheduler.learning.strategies import (
    COMPLAINTS_LIMIT,
    EVEN,
    LEARNING,
    STEP_REST,
    STEPS,
    Counts,
    Decision,
    DrawnLog,
    Evidence,
    Live,
    Move,
    Standing,
    Table,
    coefficients_from,
    compare_live,
    decide_next,
    one_hot,
    stand_after,
)
from contact_scheduler.learning.terms import TERMS
from contact_scheduler.learning.worth import Worth
from tests.unit.learning.learning_cases import crowd

NOW = datetime(2026, 3, 2, 9, 5, tzinfo=UTC)
TRUTH = np.array([0.05, 0.10, 0.10, 0.30, 0.15, 0.05, 0.05, 0.10, 0.02, 0.04, 0.12, 0.02])
GOOD, MIDDLING, BAD = 3, 4, 8  # the options that three strategies always take
NO_COMPLAINTS = Estimate(0.001, 0.0, 0.002, 5_000.0)


def evidence(
    new: int, present: int, rows: int, seed: int, truth: np.ndarray = TRUTH, live: Live | None = None
) -> Evidence:
    """Evidence from `rows` evenly drawn contacts about two strategies that always take one option each."""
    draw = np.random.default_rng(seed)
    option = draw.integers(0, OPTIONS, rows)
    reward = (draw.random(rows) < truth[option]).astype(np.float64)
    log = LoggedChoices(option, np.full(rows, 1 / OPTIONS), reward)
    targets = [one_hot(np.full(rows, choice)) for choice in (new, present)]
    complaints = value_daily(LoggedChoices(option, log.propensity, np.zeros(rows)), targets[0])
    return Evidence(compare_policies(log, targets[0], targets[1]), complaints, live)


def beside(own: tuple[int, int], others: tuple[int, int]) -> Live:
    """Answers and contacts of two strategies, all by text, at the worth of one and no cost."""
    counts = [Counts(np.array([contacts, 0, 0]), np.array([answers, 0, 0])) for answers, contacts in (own, others)]
    return compare_live(counts[0], counts[1], Worth())


def gate(found: Evidence) -> Verdict:
    return release_gate(found.comparison, found.complaints, COMPLAINTS_LIMIT).verdict


def test_a_planted_bad_strategy_is_refused_from_logs_alone_and_a_good_one_is_released() -> None:
    """Fifty logs of contacts that neither strategy made: the bad one never passes, the good one always does."""
    bad = [gate(evidence(BAD, MIDDLING, 12_000, seed)) for seed in range(50)]
    good = [gate(evidence(GOOD, MIDDLING, 12_000, seed)) for seed in range(50)]

    assert {Verdict.REFUSE} == set(bad)
    assert {Verdict.RELEASE} == set(good)


def test_a_strategy_that_is_no_better_is_not_released_however_often_it_asks() -> None:
    """Two options of the same truth, asked about on a hundred days of growing logs: no day says release."""
    for seed in range(5):
        draw = np.random.default_rng(seed)
        option = draw.integers(0, OPTIONS, 20_000)
        reward = (draw.random(20_000) < TRUTH[option]).astype(np.float64)
        for rows in range(200, 20_001, 200):
            log = LoggedChoices(option[:rows], np.full(rows, 1 / OPTIONS), reward[:rows])
            found = compare_policies(log, one_hot(np.full(rows, 1)), one_hot(np.full(rows, 2)))
            assert release_gate(found, NO_COMPLAINTS, COMPLAINTS_LIMIT).verdict is Verdict.WAIT


def test_few_contacts_release_nothing_and_the_gate_says_what_is_missing() -> None:
    """Below the effective number of contacts even a fine estimate waits; complaints stop it too."""
    few = evidence(GOOD, BAD, OPTIONS * (ROWS_MIN - 200), 1)
    many = evidence(GOOD, BAD, 12_000, 1)
    angry, maybe = Estimate(0.05, 0.03, 0.07, 900.0), Estimate(0.015, 0.005, 0.025, 900.0)

    assert "effective contacts; 500 are needed" in release_gate(few.comparison, few.complaints, 0.02).reason
    assert Verdict.REFUSE is release_gate(many.comparison, angry, 0.02).verdict
    assert Verdict.WAIT is release_gate(many.comparison, maybe, 0.02).verdict
    assert HARM_ROWS_MIN < ROWS_MIN


def test_comparing_row_by_row_is_narrower_than_comparing_two_values() -> None:
    """Two strategies that differ for a tenth of the borrowers: what they share cancels."""
    draw = np.random.default_rng(4)
    option = draw.integers(0, OPTIONS, 6_000)
    reward = (draw.random(6_000) < TRUTH[option]).astype(np.float64)
    log = LoggedChoices(option, np.full(6_000, 1 / OPTIONS), reward)
    choice = np.full(6_000, MIDDLING)
    other = np.where(draw.random(6_000) < 0.1, GOOD, choice)

    found = compare_policies(log, one_hot(other), one_hot(choice))

    assert found.difference.high - found.difference.low < 0.5 * (found.new.high - found.new.low)
    assert found.difference.low <= 0.1 * (TRUTH[GOOD] - TRUTH[MIDDLING]) <= found.difference.high


def live_through(
    days: int, truth_on: dict[int, np.ndarray], candidate: int, live: Live | None = None
) -> list[Decision]:
    """Ask every day for a strategy that competes with the model, which always takes the middling option."""
    choices = {"new": candidate, LEARNING: MIDDLING, EVEN: 0}
    standing = Standing()
    record: list[Decision] = []
    for day in range(days):
        truth = truth_on[max(start for start in truth_on if start <= day)]

        def weigh(new: str, present: str, day: int = day, truth: np.ndarray = truth) -> Evidence:
            return evidence(choices[new], choices[present], 12_000, day, truth, live if new == "new" else None)

        out = any(one.move is not Move.RELEASED and one.move is not Move.WIDENED for one in record)
        waiting = [] if out or standing.strategy == "new" else ["new"]
        decision = decide_next(standing, waiting, weigh, NOW + timedelta(days=day))
        if decision is not None:
            record.append(decision)
            standing = stand_after(standing, decision, NOW + timedelta(days=day))
    return record


def test_a_good_strategy_climbs_the_steps_with_rest_between_them() -> None:
    """5 %, 25 %, 100 %, at least three days on each; then it stays."""
    record = live_through(20, {0: TRUTH}, GOOD)

    assert [Move.RELEASED, Move.WIDENED, Move.WIDENED] == [one.move for one in record]
    assert list(STEPS) == [one.share for one in record]
    assert timedelta(days=3) == STEP_REST


def test_a_strategy_that_turns_bad_is_taken_back_by_itself_and_the_former_one_decides() -> None:
    """The world changes on day twelve: roll-back on that day, to what decided before."""
    turned = TRUTH.copy()
    turned[GOOD] = 0.01

    record = live_through(20, {0: TRUTH, 12: turned}, GOOD)

    assert (Move.ROLLED_BACK, "new", LEARNING) == (record[3].move, record[3].strategy, record[3].against)
    assert Standing(LEARNING, 1.0, EVEN, NOW) == stand_after(Standing("new", 1.0, LEARNING), record[3], NOW)


def test_a_ramp_is_taken_back_by_its_own_contacts_too() -> None:
    """The logs like it, but those whom it contacted answered less than the others: the contacts win."""
    worse = beside((10, 400), (90, 1_000))

    record = live_through(2, {0: TRUTH}, GOOD, worse)

    assert [Move.RELEASED, Move.ROLLED_BACK] == [one.move for one in record]
    assert "its own 400 contacts brought 0.0250 each, the 1,000 others 0.0900" in record[1].reason


def test_what_its_own_contacts_brought_goes_before_what_a_few_drawn_ones_let_expect() -> None:
    """The drawn contacts speak against the model; a thousand of its own bring more than the control group's: it stays.

    With few of its own, or with too many complaints, it goes.
    """
    against = evidence(BAD, MIDDLING, 12_000, 1)
    better, few = beside((150, 1_000), (20, 400)), beside((15, 100), (2, 100))
    angry = Estimate(0.05, 0.03, 0.07, 900.0)

    def decided(live: Live | None, complaints: Estimate = against.complaints) -> Decision | None:
        found = Evidence(against.comparison, complaints, live)
        return decide_next(Standing(), [], lambda *_: found, NOW)

    assert decided(better) is None
    for taken_back in (decided(None), decided(few), decided(better, angry)):
        assert taken_back is not None
        assert taken_back.move is Move.ROLLED_BACK


def test_contacts_are_compared_by_what_answers_are_worth_on_their_channel() -> None:
    """As many answers on both sides, but the one has them where they pay: against plain arithmetic, row by row."""
    worth = Worth((2.0, 0.5, 1.0), (0.01, 0.0, 0.02))
    texts = Counts(np.array([500, 0, 0]), np.array([50, 0, 0]))
    mails = Counts(np.array([0, 500, 20]), np.array([0, 50, 2]))
    one_by_one = np.concatenate([np.full(50, 0.5), np.zeros(450), np.full(2, 0.98), np.full(18, -0.02)])

    found = compare_live(texts, mails, worth)

    assert found.low > 0.0
    assert (500, 520) == (found.own, found.others)
    assert found.others_value == pytest.approx(one_by_one.mean())
    own = np.concatenate([np.full(50, 1.99), np.full(450, -0.01)])
    reach = 3.0 * np.sqrt(own.var() / 500 + one_by_one.var() / 520)
    assert found.high - found.low == pytest.approx(2 * reach)


def test_a_model_that_is_as_good_as_even_choice_is_not_taken_back_by_chance_in_four_weeks() -> None:
    """Sixty tenants begin, each asked from few drawn contacts on; answers are rare and no option is better."""
    draw = np.random.default_rng(5)
    share = np.array([1.0, 3.0, 4.0, 4.0] * 3) / 36.0
    taken_back = 0
    for _ in range(60):
        option = draw.choice(OPTIONS, size=2_400, p=share)
        reward = (draw.random(2_400) < 0.08).astype(np.float64)
        best = one_hot(draw.choice(OPTIONS, size=2_400, p=share[::-1]))
        even = np.tile(share, (2_400, 1))
        for rows in range(300, 2_401, 300):
            log = LoggedChoices(option[:rows], share[option[:rows]], reward[:rows])
            found = compare_policies(log, best[:rows], even[:rows])
            if release_gate(found, NO_COMPLAINTS, COMPLAINTS_LIMIT).verdict is Verdict.REFUSE:
                taken_back += 1
                break

    assert 0 == taken_back


def test_a_model_that_does_worse_than_even_choice_loses_its_place_and_may_win_it_back() -> None:
    """The model is under the same gate: even choice stands in, and the model asks again."""
    choices = {LEARNING: BAD, EVEN: MIDDLING}
    lost = decide_next(Standing(), [], lambda new, old: evidence(choices[new], choices[old], 12_000, 1), NOW)
    assert lost is not None
    standing = stand_after(Standing(), lost, NOW)
    choices[LEARNING] = GOOD
    back = decide_next(standing, [LEARNING], lambda new, old: evidence(choices[new], choices[old], 12_000, 2), NOW)

    assert (Move.ROLLED_BACK, EVEN) == (lost.move, standing.strategy)
    assert back is not None
    assert (Move.RELEASED, LEARNING, EVEN) == (back.move, back.strategy, back.against)


def test_a_table_chooses_the_open_cell_it_likes_best_net_of_cost() -> None:
    """Against plain arithmetic, row by row, with cells closed at random."""
    borrowers, _, _ = crowd(200)
    draw = np.random.default_rng(9)
    table = Table("mine", TERMS.prior_mean + TERMS.prior_sd * draw.normal(size=len(TERMS)))
    is_open = draw.random((200, 3, 24)) < 0.4
    first = draw.integers(0, 168, 200)
    worth = Worth((1.3, 0.8, 1.0), (0.008, 0.0004, 0.014))

    weights = table.weights

    found = DrawnLog(borrowers.features, is_open, first).choices(table, worth)

    for row in range(200):
        values = {}
        for channel, hour in np.argwhere(is_open[row]):
            local = (first[row] + hour) % 168
            log_odds = float(borrowers.features[row] @ weights[:, channel * 168 + local])
            values[int(option_of(np.array([channel]), np.array([local]))[0]), int(hour), int(channel)] = (
                worth.of_answer[channel] / (1 + np.exp(-log_odds)) - worth.cost[channel]
            )
        assert found[row] == max(values, key=lambda key: values[key])[0]


def test_a_table_with_an_unknown_term_or_an_impossible_weight_is_refused_by_name() -> None:
    """The first fault is named; a term that is not named keeps its prior."""
    name = TERMS.name(5)
    with pytest.raises(ValueError, match="there is no term 'evenings'"):
        coefficients_from({"evenings": 1.0})
    for weight in (float("nan"), float("inf"), 21.0):
        with pytest.raises(ValueError, match="must lie between"):
            coefficients_from({name: weight})
    found = coefficients_from({name: 0.5})

    assert 0.5 == found[5]
    assert (np.delete(found, 5) == np.delete(TERMS.prior_mean, 5)).all()
