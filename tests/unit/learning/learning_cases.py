"""Small builders shared by the tests of the decision core."""

from __future__ import annotations

import numpy as np

from bench.learn_world import ZONES_OFFSETS_H, borrowers_of, facts_of, lawful_patterns
from contact_scheduler.learning import (
    SLOTS,
    Borrowers,
    Feedback,
    Horizon,
    LawfulSlots,
    Posterior,
    ResponseModel,
    encode,
)
from contact_scheduler.learning.terms import TERMS


def week() -> Horizon:
    """A week ahead in four American zones."""
    return Horizon.from_offsets(0, 168, ZONES_OFFSETS_H)


def crowd(count: int, seed: int = 1, control: float = 0.0) -> tuple[Borrowers, LawfulSlots, Horizon]:
    """A mixed population with its lawful slots."""
    draw = np.random.default_rng([seed, 5])
    zone = draw.integers(0, len(ZONES_OFFSETS_H), count).astype(np.int16)
    horizon = week()
    pattern = (zone * 7 + draw.integers(0, 7, count)).astype(np.int32)
    borrowers = borrowers_of(encode(facts_of(count, seed)), zone, seed, control)
    return borrowers, LawfulSlots(lawful_patterns(horizon), pattern), horizon


def even_capacity(lawful: LawfulSlots, places: int) -> np.ndarray:
    """About `places` places, spread over the cells lawful for anybody."""
    is_open = lawful.patterns.any(axis=0)
    return np.where(is_open, -(-places // int(is_open.sum())), 0).astype(np.int64)


def taught(outcomes: int = 6_000, seed: int = 3, tenant: str = "acme") -> ResponseModel:
    """A model that has learned some random contacts of a made-up truth."""
    model = ResponseModel()
    model.update(tenant, random_feedback(outcomes, seed))
    return model


def posterior(seed: int = 3) -> Posterior:
    """What that model knows."""
    return taught(seed=seed).for_tenant("acme")


def random_feedback(count: int, seed: int, shift: float = 0.0) -> Feedback:
    """Outcomes of random contacts; the truth lies within the prior's reach, `shift` moves its level."""
    draw = np.random.default_rng([seed, 6])
    truth = TERMS.prior_mean + 0.7 * TERMS.prior_sd * np.random.default_rng(8).normal(size=len(TERMS))
    features = encode(facts_of(count, seed))
    slot = draw.integers(0, SLOTS, count)
    log_odds = TERMS.design(features.astype(np.float64), slot) @ truth + shift
    label = (draw.random(count) < 1.0 / (1.0 + np.exp(-log_odds))).astype(np.float32)
    return Feedback(features, slot, label)
