"""The response model: probability of a response per borrower and slot, one memory per tenant over a shared prior.

Each tenant learns alone from its own outcomes (`EvidenceBank`). What tenants have in common reaches them only through
the prior, which `refresh_pool` rebuilds from all the others with every tenant's pull clipped: a tenant whose
feedback is wrong or poisoned moves the others by a bounded hair, and only at a refresh. A new tenant starts from the
pool.

Who is still silent inside the attribution window is no "no": such rows are learned provisionally, by the likelihood of
being silent so far, and taken back at the next call. Calls are deterministic: the same sequence of updates gives the
same bytes on the same machine. Not safe for use by several threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contact_scheduler.learning.evidence import EvidenceBank, Matrix, OpenContacts, Prior, sigmoid
from contact_scheduler.learning.features import FEATURES
from contact_scheduler.learning.lots import PURPOSE_GROUP, draw_key
from contact_scheduler.learning.monitor import Alarm, Monitor
from contact_scheduler.learning.scoring import DRAW_GROUPS
from contact_scheduler.learning.slots import CHANNELS, HOURS_PER_WEEK, SLOTS, FloatArray, IntArray
from contact_scheduler.learning.terms import TERMS

BATCH_ROWS: Final = 4_096  # larger feedback is learned in pieces of this size, so memory stays bounded
TENANT_SHARE: Final = 0.5  # how far tenants differ, as a share of the prior's standard deviation
CLIP_SD: Final = 2.0  # a tenant pulls the pool at most this many tenant standard deviations
POOL_ROUNDS: Final = 5
WEIGHT_MAX: Final = 10.0


@dataclass(frozen=True, slots=True)
class Feedback:
    """Outcomes of contacts of one tenant, sorted by (time, id) by the caller; arrays of length n.

    `slot` is channel x 168 + local hour of week at which the contact reached the borrower; `features` are those logged
    with the decision. `label` is 1 for a response, 0 for none (so far). `silent_chance` is for contacts whose window is
    still open: the probability that somebody who will respond is silent at this age (`DelayCurve.survival`). `weight`
    defaults to 1.
    """

    features: FloatArray
    slot: IntArray
    label: FloatArray
    silent_chance: FloatArray | None = None
    weight: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.slot)


@dataclass(frozen=True, slots=True)
class TenantSummary:
    """What the shared prior sees of one tenant: its coefficients, and its own evidence on each (the Gram diagonal)."""

    mean: Matrix
    known: Matrix

    def to_bytes(self) -> bytes:
        """Returns both as little-endian float64."""
        return np.concatenate((self.mean, self.known)).astype("<f8").tobytes()

    @classmethod
    def from_bytes(cls, blob: bytes) -> TenantSummary | None:
        """Rebuilds a summary; None for one of a model with other terms."""
        if len(blob) != 16 * len(TERMS):
            return None
        mean, known = np.frombuffer(blob, dtype="<f8").reshape(2, -1)
        return cls(mean, known)


@dataclass(frozen=True, slots=True)
class UpdateReport:
    """What one update did: rows learned, rows refused (impossible slot, label or weight), and alarms that now stand."""

    learned: int
    refused: int
    alarms: tuple[Alarm, ...]


@dataclass(frozen=True, slots=True)
class Posterior:
    """A frozen view of one tenant's model: what plans and explanations read."""

    coefficients: Matrix
    weights: FloatArray  # [FEATURES, SLOTS]: features @ weights = log-odds of every slot
    outcomes: float
    bank: EvidenceBank = field(repr=False)

    def probability(self, features: FloatArray, slot: IntArray) -> FloatArray:
        """Probability of a response of each row in one slot each."""
        log_odds = np.einsum("ij,ij->i", np.nan_to_num(features), self.weights.T[slot])
        return sigmoid(log_odds.astype(np.float64)).astype(np.float32)

    def plan_weights(self, seed: int, tick: int, *, spread: float) -> NDArray[np.float32]:
        """Returns weights [groups + 1, FEATURES, CHANNELS, 168]: draws around the mean, then the mean.

        `spread` scales the posterior's standard deviation in the draws; with 0 there is only the mean.
        """
        mean = self.weights.reshape(1, FEATURES, CHANNELS, HOURS_PER_WEEK)
        if not spread > 0.0:
            return mean
        generator = np.random.Generator(np.random.Philox(draw_key(seed, PURPOSE_GROUP, tick)))
        drawn = self.bank.draw(spread * generator.standard_normal((DRAW_GROUPS, len(TERMS))))
        shape = (1, FEATURES, CHANNELS, HOURS_PER_WEEK)
        return np.concatenate([*(TERMS.weights(one).astype(np.float32).reshape(shape) for one in drawn), mean])


class ResponseModel:
    """All tenants' memories and the prior they share."""

    def __init__(self, pool: Prior | None = None) -> None:
        self.pool = pool or Prior.normal(TERMS.prior_mean, TERMS.prior_sd)
        self.tenants: dict[str, EvidenceBank] = {}
        self.monitors: dict[str, Monitor] = {}

    def update(self, tenant: str, feedback: Feedback) -> UpdateReport:
        """Learns final outcomes of one tenant; no other tenant changes.

        What was provisional is taken back first: it speaks of the same contacts, which would count twice, and the
        memories would be compared on outcomes that they half know already. Call `provisional` again afterwards.
        """
        bank, monitor = self._of(tenant)
        bank.clear_provisional()
        kept = _usable(feedback)
        features = monitor.note_features(feedback.features[kept])
        slot, label = feedback.slot[kept], feedback.label[kept].astype(np.float64)
        weight = _weights(feedback, kept)
        for first in range(0, len(slot), BATCH_ROWS):
            part = slice(first, first + BATCH_ROWS)
            design = TERMS.design(features[part], slot[part])
            monitor.note_outcomes(slot[part], label[part], sigmoid(design @ bank.mean))
            bank.update(design, label[part], weight[part])
        return UpdateReport(len(slot), len(feedback) - len(slot), monitor.alarms())

    def provisional(self, tenant: str, still_open: Feedback) -> UpdateReport:
        """Replaces what the contacts with an open window say; an empty feedback takes it back altogether.

        Pass *all* of them, answered and silent: a cohort whose quick answers were final while its silence was not would
        look better than it is, and one whose answers faded sooner than its silence would look worse.
        """
        bank, monitor = self._of(tenant)
        kept = _usable(still_open)
        features = np.nan_to_num(still_open.features[kept].astype(np.float64))
        silent = np.ones(len(features))
        if still_open.silent_chance is not None:
            silent = still_open.silent_chance[kept].astype(np.float64)
        weight, slot = _weights(still_open, kept), still_open.slot[kept]
        label = still_open.label[kept].astype(np.float64)

        def parts() -> Iterator[OpenContacts]:
            for first in range(0, len(slot), BATCH_ROWS):
                part = slice(first, first + BATCH_ROWS)
                design = TERMS.design(features[part], slot[part])
                yield OpenContacts(design, label[part], silent[part], weight[part])

        bank.learn_provisional(parts)
        return UpdateReport(len(slot), len(still_open) - len(slot), monitor.alarms())

    def for_tenant(self, tenant: str) -> Posterior:
        """Returns what is known about a tenant now; an unknown one gets the pool's prior."""
        bank = self.tenants.get(tenant) or _new_bank(self.pool)
        mean = bank.mean
        return Posterior(mean, TERMS.weights(mean).astype(np.float32), bank.outcomes, bank)

    def alarms(self, tenant: str) -> tuple[Alarm, ...]:
        """What is wrong with a tenant's data or model at present."""
        monitor = self.monitors.get(tenant)
        return monitor.alarms() if monitor else ()

    def summary(self, tenant: str) -> TenantSummary:
        """Returns what other tenants' priors may see of a tenant."""
        bank, _ = self._of(tenant)
        return TenantSummary(bank.mean, np.diagonal(bank.trusted_gram).copy())

    def refresh_pool(self) -> None:
        """Rebuilds the shared prior from all tenants, each clipped; each then gets that of the *others* (nightly)."""
        summaries = {name: self.summary(name) for name in self.tenants}
        self.pool = _pool_of(list(summaries.values()))
        for name in summaries:
            self._lean(name, _pool_of([one for other, one in summaries.items() if other != name]))

    def lean_on(self, tenant: str, others: list[TenantSummary]) -> None:
        """Gives one tenant the prior that the others make: `refresh_pool` where each tenant is stored apart."""
        self._lean(tenant, _pool_of(others))

    def _lean(self, tenant: str, prior: Prior) -> None:
        bank, _ = self._of(tenant)
        bank.prior = prior
        bank.solve()

    def _of(self, tenant: str) -> tuple[EvidenceBank, Monitor]:
        if tenant not in self.tenants:
            self.tenants[tenant] = _new_bank(self.pool)
            self.monitors[tenant] = Monitor.new()
        return self.tenants[tenant], self.monitors[tenant]


def _new_bank(pool: Prior) -> EvidenceBank:
    return EvidenceBank(pool, level_column=TERMS.level, family=TERMS.family)


def _pool_of(summaries: list[TenantSummary]) -> Prior:
    seed = Prior.normal(TERMS.prior_mean, TERMS.prior_sd)
    if not summaries:
        return seed
    return pooled_prior(seed, np.stack([one.mean for one in summaries]), np.stack([one.known for one in summaries]))


def pooled_prior(seed: Prior, means: Matrix, known: Matrix) -> Prior:
    """Combines tenants' coefficients [tenants, D] into a prior; `known` is each one's own evidence (Gram diagonal).

    Tenants are taken to differ with standard deviation tau = TENANT_SHARE x prior sd. Each counts with precision
    1 / (tau^2 + 1 / known) and pulls at most CLIP_SD x tau away from the common mean (Huber's rule, a few rounds).
    """
    tau_squared = TENANT_SHARE**2 / seed.precision
    share = known / (1.0 + known * tau_squared)
    total = seed.precision + share.sum(axis=0)
    reach = CLIP_SD * np.sqrt(tau_squared)
    mean = seed.mean.copy()
    for _ in range(POOL_ROUNDS):
        pulled = mean + np.clip(means - mean, -reach, reach)
        mean = (seed.precision * seed.mean + (share * pulled).sum(axis=0)) / total
    return Prior(mean, 1.0 / (tau_squared + 1.0 / total))


def _usable(feedback: Feedback) -> NDArray[np.int64]:
    """Rows whose slot, label and weight are possible; the rest is refused and counted."""
    fine = (feedback.slot >= 0) & (feedback.slot < SLOTS) & (feedback.label >= 0.0) & (feedback.label <= 1.0)
    if feedback.weight is not None:
        fine &= (feedback.weight >= 0.0) & (feedback.weight <= WEIGHT_MAX)
    if feedback.silent_chance is not None:
        fine &= (feedback.silent_chance >= 0.0) & (feedback.silent_chance <= 1.0)
    return np.flatnonzero(fine)


def _weights(feedback: Feedback, kept: NDArray[np.int64]) -> Matrix:
    return np.ones(len(kept)) if feedback.weight is None else feedback.weight[kept].astype(np.float64)
