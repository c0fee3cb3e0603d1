"""Counts what hurts, and slows or stops the one cell that hurts, in the very transaction that learns of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import structlog

from channel_dispatcher import evidence, metrics
from channel_dispatcher.brake import Counts, Level, Signal, level_of, log_evidence
from channel_dispatcher.model import Claim, Sent, SuppressionKind
from channel_dispatcher.store import brake_cells, switches, tolerances
from channel_dispatcher.store.brake_cells import Watched
from channel_dispatcher.store.ledger import Entry
from channel_dispatcher.store.receipts import NewReceipt
from channel_dispatcher.store.suppressions import NewSuppression
from channel_dispatcher.switches import Cell, Switch, segment_of
from forbear_chassis.postgres import Connection
from forbear_domain.ids import EVERYONE
from forbear_domain.ledger import Kind
from forbear_domain.model import Channel
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


class Finding(NamedTuple):
    """The signal that hurts most in a cell, and what its evidence calls for."""

    signal: Signal
    level: Level
    counts: Counts
    tolerated: float


async def count_sent(connection: Connection, group: Sequence[Sent]) -> None:
    """Count what providers took, or may have taken."""
    await brake_cells.count(connection, "sent", [_cell(one.claim) for one in group if one.outcome.state in _TAKEN])


def _cell(claim: Claim) -> Watched:
    contact = claim.draft.judged.contact
    return Watched(contact.tenant_id, Cell(contact.template, claim.draft.request.sender, segment_of(contact)))


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
    for watched, counts in sorted(counted.items()):
        tolerated = {
            signal: set_by[key].tolerated if (key := (watched.tenant_id, signal)) in set_by else signal.tolerated
            for signal in Signal
        }
        levels = {signal: level_of(counts[signal], tolerated[signal]) for signal in Signal}
        worst = max(Signal, key=levels.__getitem__)
        if levels[worst] is not Level.NONE:
            finding = Finding(worst, levels[worst], counts[worst], tolerated[worst])
            entries += await _brake(connection, watched, finding, now)
    return entries


async def _brake(connection: Connection, watched: Watched, finding: Finding, now: datetime) -> list[Entry]:
    """Slow or stop a cell, unless it is slowed or stopped already."""
    signal, level, counts, tolerated = finding
    switch = Switch(
        0, watched.tenant_id, None, None, None, watched.cell, signal.column, SOURCE, now, is_slow=level is Level.SLOW
    )
    number, is_new = await switches.throw(connection, switch)
    if not is_new:
        return []
    metrics.SWITCHES_THROWN.labels(SOURCE).inc()
    act = "cell_slowed" if switch.is_slow else "cell_stopped"
    log.warning(act, switch=number, signal=signal.column, trials=counts.trials, events=counts.events)
    entry = evidence.entry(
        Kind.OVERRIDE,
        now,
        watched.tenant_id,
        None,
        act=act,
        switch=number,
        cell=list(watched.cell),
        signal=signal.column,
        source=SOURCE,
        trials=counts.trials,
        events=counts.events,
        tolerated=tolerated,
        log_evidence=round(log_evidence(counts, tolerated), 3),
    )
    return [entry]
