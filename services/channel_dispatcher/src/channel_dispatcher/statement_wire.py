"""Statements as they come over the wire: each field checked, and only those kept that say something."""

from __future__ import annotations

from typing import Any

from channel_dispatcher.statements import NewStatement
from channel_dispatcher.wire import bad, constant, instant_of, uuid_of
from forbear.dispatcher.v1 import dispatcher_service_pb2 as pb
from forbear_domain.ledger import Kind

COMMITMENT_BYTES = 32
LABELS_MAX = 30
PERSON_CHARS_MAX = 80
_KINDS = {pb.STATEMENT_KIND_WORDS: Kind.WORDS, pb.STATEMENT_KIND_OVERRIDE: Kind.OVERRIDE}


def statement_of(wire: pb.Statement, at: str) -> NewStatement:
    """Return a statement; `at` is its place in the request. Raises Fault for a field that must be mended."""
    kind = _KINDS.get(wire.kind)
    if kind is None:
        raise bad(at + "kind", "give a kind that this version knows")
    if len(wire.commitment) not in (0, COMMITMENT_BYTES):
        raise bad(at + "commitment", f"give {COMMITMENT_BYTES} bytes or none")
    if len(wire.labels) > LABELS_MAX:
        raise bad(at + "labels", f"give at most {LABELS_MAX}")
    if len(wire.person) > PERSON_CHARS_MAX or not f"{wire.person} ".isprintable():
        raise bad(at + "person", f"give a name of up to {PERSON_CHARS_MAX} printable characters")
    if not wire.HasField("event_time"):
        raise bad(at + "event_time", "say when it happened")
    told: dict[str, Any] = {
        "channel": wire.channel,
        "commitment": wire.commitment,
        "labels": list(wire.labels),
        "language": wire.language[:16],
        "person": wire.person,
        "act": constant(wire.act, at + "act") if wire.act else "",
        "case": uuid_of(wire.case_id, at + "case_id") if wire.case_id else None,
        "reason": constant(wire.reason, at + "reason") if wire.reason else "",
        "detail": wire.detail[:64],
        "suppression": uuid_of(wire.suppression_id, at + "suppression_id") if wire.suppression_id else None,
    }
    return NewStatement(
        uuid_of(wire.statement_id, at + "statement_id"),
        uuid_of(wire.tenant_id, at + "tenant_id"),
        uuid_of(wire.borrower_id, at + "borrower_id"),
        kind,
        {"event_at": instant_of(wire.event_time)} | {name: value for name, value in told.items() if value},
    )
