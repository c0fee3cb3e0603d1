"""Values of cells from sums of an hour's and a day's part, the largest of a column, and who keeps a full cell."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from contact_scheduler.learning import SLOTS, Horizon
from contact_scheduler.learning.blocks import Layout, kin_of
from contact_scheduler.learning.leaders import leaders
from contact_scheduler.learning.prices import within_capacity
from tests.unit.learning.learning_cases import posterior

KNOWN = posterior().weights.T
FEATURES = KNOWN.shape[1]
UNRELATED = np.random.default_rng(8).normal(0.0, 0.3, (SLOTS, FEATURES)).astype(np.float32)


def values(table: np.ndarray, mask: np.ndarray, horizon: Horizon, features: np.ndarray) -> np.ndarray:
    """Returns worth x probability [rows, channels x hours], 0 where no cell is, worth being 2."""
    layout = Layout.of(mask, horizon, 0, kin_of(table[None])[0])
    parts = layout.columns(table) @ features.T
    found = np.empty((len(layout.cells), len(features)), dtype=np.float32)
    layout.fill(parts, np.full((3, len(features)), 2.0, dtype=np.float32), found)
    result = np.zeros((len(features), mask.size), dtype=np.float32)
    result[:, layout.cells] = found.T
    return result


def expected(table: np.ndarray, mask: np.ndarray, horizon: Horizon, features: np.ndarray) -> np.ndarray:
    """The same by one product with the whole table."""
    slot = (np.arange(3)[:, None] * 168 + horizon.local_hour[0]).ravel()
    log_odds = features.astype(np.float64) @ table[slot].T.astype(np.float64)
    return np.where(mask.ravel(), 2.0 / (1.0 + np.exp(-log_odds)), 0.0)


@settings(max_examples=60, deadline=None)
@given(
    start=st.integers(0, 167),
    hours=st.integers(1, 168),
    clock_change=st.sampled_from([-1, 0, 1]),
    at=st.integers(0, 167),
    share=st.sampled_from([0.0, 0.2, 0.9, 1.0]),
    kind=st.sampled_from(["model", "one day by hand", "unrelated"]),
    seed=st.integers(0, 99),
)
def test_values_in_blocks_are_those_of_the_whole_product(
    start: int, hours: int, clock_change: int, at: int, share: float, kind: str, seed: int
) -> None:
    """Any horizon, a clock change inside it (an hour twice, or none), any mask, tables with parallel days or none."""
    draw = np.random.default_rng(seed)
    local = (start + np.arange(hours) + np.where(np.arange(hours) >= at, clock_change, 0)) % 168
    horizon = Horizon(local[None].astype(np.int16))
    mask = draw.random((3, hours)) < share
    features = draw.normal(0.0, 1.0, (5, FEATURES)).astype(np.float32)
    table = {"model": KNOWN, "unrelated": UNRELATED, "one day by hand": KNOWN.copy()}[kind]
    if kind == "one day by hand":
        table[168 + 30 : 168 + 33] += np.float32(0.2)

    found = values(table, mask, horizon, features)

    np.testing.assert_allclose(found, expected(table, mask, horizon, features), rtol=2e-4, atol=1e-7)


def test_parallel_days_share_their_columns_and_others_do_not() -> None:
    """Daytime of a week: 13 hours and 7 days a channel; a day changed by hand costs its own hours more."""
    local = np.arange(168)
    mask = np.repeat(((local % 24 >= 8) & (local % 24 < 21))[None], 3, axis=0)
    by_hand = KNOWN.copy()
    by_hand[168 + 30 : 168 + 33] += np.float32(0.2)

    columns = [
        len(Layout.of(mask, Horizon(local[None].astype(np.int16)), 0, kin_of(table[None])[0]).slot)
        for table in (KNOWN, by_hand, UNRELATED)
    ]

    assert columns == [3 * (13 + 7), 3 * (13 + 7) + 13, 3 * 7 * (13 + 1)]


def test_values_stay_numbers_where_the_weights_are_absurd() -> None:
    """Log-odds of ten thousand either way, of hours and of days that cancel."""
    table = KNOWN.copy()
    table[:, 0] = np.where(np.arange(SLOTS) % 24 < 12, 1e4, -1e4)
    table[:168, 1] = np.repeat(np.linspace(-1e4, 1e4, 7), 24)
    local = np.arange(168)

    found = values(
        table, np.ones((3, 168), np.bool_), Horizon(local[None].astype(np.int16)), np.eye(2, FEATURES, dtype=np.float32)
    )

    assert np.isfinite(found).all()
    assert (found >= 0.0).all()
    assert (found <= 2.0).all()


@settings(max_examples=60, deadline=None)
@given(
    cells=st.integers(1, 70),
    rows=st.integers(1, 40),
    levels=st.sampled_from([1, 3, 1_000_000]),
    seed=st.integers(0, 99),
)
def test_the_leader_of_a_column_is_its_largest_value(cells: int, rows: int, levels: int, seed: int) -> None:
    """Also among many equals, where the leading group and the leading member belong to different cells."""
    value = np.random.default_rng(seed).integers(0, levels, (cells, rows)).astype(np.float32) - levels // 2

    place, top = leaders(value)

    np.testing.assert_array_equal(top, value.max(axis=0))
    np.testing.assert_array_equal(value[place, np.arange(rows)], top)


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(0, 200), cells=st.integers(1, 9), levels=st.sampled_from([1, 4, 100_000]), seed=st.integers(0, 99)
)
def test_a_full_cell_keeps_its_best_rows_and_of_equals_the_first(
    count: int, cells: int, levels: int, seed: int
) -> None:
    """Against a sort in plain Python; merits of both signs and both zeros."""
    draw = np.random.default_rng(seed)
    cell, room = draw.integers(0, cells, count), draw.integers(0, max(count // cells, 1) + 1, cells)
    merit = (draw.integers(-levels, levels + 1, count) / np.float32(levels)).astype(np.float32)
    merit[::5] *= np.float32(0.0)
    best: set[int] = set()
    for number in range(cells):
        members = [row for row in range(count) if cell[row] == number]
        best.update(sorted(members, key=lambda row: (-float(merit[row]), row))[: room[number]])

    kept = within_capacity(cell, merit, room)

    assert set(np.flatnonzero(kept).tolist()) == best
