"""Counts what hurts, and slows or stops the one cell that hurts, in the very transaction that learns of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import add
from typing import NamedTuple, Self
from uuid import UUID

import structlog

from channel_dispatcher import evidence, metrics
from channel_dispatcher.brake import Counts, Level, Signal, level_of, log_evidence
from channel_dispatcher.model import Claim, Sent
from channel_dispatcher.store import brake_cells, switches, tolerances
from channel_dispatcher.store.brake_cells import NO_CAMPAIGN, Watched
from channel_dispatcher.store.ledger import Entry
from channel_dispatcher.store.receipts import NewReceipt
from channel_dispatcher.store.suppressions import NewSuppression
from channel_dispatcher.store.tolerances import Tolerances
from channel_dispatcher.switches import Cell, Switch, segment_of
from forbear_chassis.postgres import Connection
from forbear_domain.ids import EVERYONE
from forbear_domain.ledger import Kind
from forbear_domain.model import Channel, SuppressionKind
from forbear_providers import twilio_sms, vonage_sms
from forbear_providers.contract import ReceiptState, SendState

SOURCE = "brake"
FILTERED = frozenset(
    [str(code) for code, meaning in twilio_sms.CODES.items() if meaning.reason in ("filtered_by_carrier", "blocked")]
    + [code for code, reason in vonage_sms.DELIVERY_CODES.items() if reason in ("filtered_by_carrier", "blocked")]
)
_HARMS = {SuppressionKind.OPT_OUT: Signal.OPTED_OUT, SuppressionKind.WRONG_PARTY: Signal.WRONG_PARTY}
_TAKEN = frozenset({SendState.ACCEPTED, SendState.UNKNOWN})
_ANSWERED = frozenset({ReceiptState.ANSWERED, ReceiptState.CONVERSED})
_UNANSWERED = frozenset({ReceiptState.MACHINE, ReceiptState.DELIVERED, ReceiptState.NOT_CONNECTED})

log = structlog.get_logger(__name__)


class Scope(NamedTuple):
    """What is measured together, and stopped together: a cell in one campaign, or in all of a tenant's others."""

    tenant_id: UUID
    cell: Cell
    campaign_id: UUID | None

    def ordered(self) -> tuple[UUID, Cell, UUID]:
        """Return what puts scopes in the same order in every transaction."""
        return self.tenant_id, self.cell, self.campaign_id or NO_CAMPAIGN


class Finding(NamedTuple):
    """What was counted of a signal, by what it is measured, and what its evidence calls for."""

    signal: Signal
    level: Level
    counts: Counts
    tolerated: float

    @classmethod
    def of(cls, signal: Signal, counts: Counts, tolerated: float) -> Self:
        """Measure counts by a tolerance."""
        return cls(signal, level_of(counts, tolerated), counts, tolerated)


async def count_sent(connection: Connection, group: Sequence[Sent]) -> None:
    """Count what providers took, or may have taken."""
    await brake_cells.count(connection, "sent", [_cell(one.claim) for one in group if one.outcome.state in _TAKEN])


def _cell(claim: Claim) -> Watched:
    contact = claim.draft.judged.contact
    cell = Cell(contact.template, claim.draft.request.sender, segment_of(contact))
    return Watched(contact.tenant_id, cell, contact.campaign_id or NO_CAMPAIGN)


async def heed_suppressions(connection: Connection, rows: Sequence[NewSuppression], now: datetime) -> list[Entry]:
    """Count opt-outs, complaints and wrong parties against the contact before them; return entries of the ledger."""
    harms = [row for row in rows if row.kind in _HARMS and row.borrower_id and row.tenant_id != EVERYONE]
    whom = [(row.borrower_id, row.channel, row.start_at) for row in harms if row.borrower_id]
    found = await brake_cells.blamed(connection, whom)
    by_signal: dict[Signal, list[Watched]] = {}
    for number, watched in found.items():
        row = harms[number]
        is_complaint = row.source == "provider" and row.channel == Channel.EMAIL
        by_signal.setdefault(Signal.COMPLAINED if is_complaint else _HARMS[row.kind], []).append(watched)
    return await _judge(connection, by_signal, now)


async def heed_receipts(connection: Connection, rows: Sequence[NewReceipt], now: datetime) -> list[Entry]:
    """Count filtered messages, and calls that nobody answered; return entries of the ledger."""
    filtered = [row for row in rows if row.state is ReceiptState.UNDELIVERED and row.code in FILTERED]
    rung = [row for row in rows if row.channel == Channel.VOICE and row.state in _ANSWERED | _UNANSWERED]
    if not filtered and not rung:
        return []
    cells = await brake_cells.of_attempts(connection, [row.attempt_id for row in (*filtered, *rung) if row.attempt_id])

    def those(rows: Sequence[NewReceipt]) -> list[Watched]:
        return [cells[row.attempt_id] for row in rows if row.attempt_id in cells]

    await brake_cells.count(connection, Signal.UNANSWERED.of, those(rung))
    by_signal = {
        Signal.FILTERED: those(filtered),
        Signal.UNANSWERED: those([row for row in rung if row.state in _UNANSWERED]),
    }
    return await _judge(connection, by_signal, now)


async def _judge(connection: Connection, by_signal: dict[Signal, list[Watched]], now: datetime) -> list[Entry]:
    for signal, cells in by_signal.items():
        await brake_cells.count(connection, signal.column, cells)
    counted = await brake_cells.read(connection, [one for cells in by_signal.values() for one in cells])
    if not counted:
        return []
    set_by = await tolerances.of_tenants(connection, {watched.tenant_id for watched in counted})
    entries = []
    for scope, measured in sorted(measures(counted, set_by).items(), key=lambda each: each[0].ordered()):
        worst = max(measured, key=lambda one: one.level)
        if worst.level is not Level.NONE:
            entries += await _brake(connection, scope, worst, now)
    return entries


def measures(counted: Mapping[Watched, Mapping[Signal, Counts]], set_by: Tolerances) -> dict[Scope, list[Finding]]:
    """Return what is found of each signal in each scope. Pure.

    A campaign that has a tolerance of its own is measured by it, alone, and stops itself alone. All others of the
    tenant are measured together, without it: what it tolerates more does not stop them, and what they do not hides it.
    """
    together: dict[tuple[Scope, Signal], Counts] = {}
    found: dict[Scope, list[Finding]] = {}
    for (tenant, cell, campaign), counts in counted.items():
        for signal in Signal:
            own = set_by.own(tenant, campaign, signal)
            if own is None:
                whole = Scope(tenant, cell, None)
                before = together.get((whole, signal), Counts(0, 0))
                together[whole, signal] = Counts(*map(add, before, counts[signal]))
            else:
                scope = Scope(tenant, cell, campaign)
                found.setdefault(scope, []).append(Finding.of(signal, counts[signal], own.tolerated))
    for (scope, signal), counts_of_all in together.items():
        tolerated = set_by.of_tenant(scope.tenant_id, signal)
        found.setdefault(scope, []).append(Finding.of(signal, counts_of_all, tolerated))
    return found


async def _brake(connection: Connection, scope: Scope, finding: Finding, now: datetime) -> list[Entry]:
    """Slow or stop a cell, unless it is slowed or stopped already."""
    signal, level, counts, tolerated = finding
    tenant, cell, campaign = scope
    switch = Switch(0, tenant, campaign, None, None, cell, signal.column, SOURCE, now, is_slow=level is Level.SLOW)
    number, is_new = await switches.throw(connection, switch)
    if not is_new:
        return []
    metrics.SWITCHES_THROWN.labels(SOURCE).inc()
    act = "cell_slowed" if switch.is_slow else "cell_stopped"
    log.warning(act, switch=number, signal=signal.column, trials=counts.trials, events=counts.events)
    entry = evidence.entry(
        Kind.OVERRIDE,
        now,
        tenant,
        None,
        act=act,
        switch=number,
        **({} if campaign is None else {"campaign": campaign}),
        cell=list(cell),
        signal=signal.column,
        source=SOURCE,
        trials=counts.trials,
        events=counts.events,
        tolerated=tolerated,
        log_evidence=round(log_evidence(counts, tolerated), 3),
    )
    return [entry]
