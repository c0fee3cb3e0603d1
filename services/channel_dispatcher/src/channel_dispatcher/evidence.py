"""What the ledger says about each thing that happens: entries from decisions and outcomes. Pure.

A permit's entry holds all facts that its verdict follows from, so that a verifier can decide again from the entry
alone. Nobody is named: borrowers by id, addresses by keyed hash.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any
from uuid import UUID

from channel_dispatcher.model import Claim, Contact, Judged, Sent
from channel_dispatcher.store.ledger import Entry
from forbear_domain.ledger import Kind, encode_fields
from forbear_domain.policy import Facts, MessageMarks, Verdict
from forbear_providers.contract import SendState

NAMES = ("kind", "at", "tenant", "borrower", "contact", "attempt")
ENDS = frozenset({Kind.SETTLEMENT, Kind.RECONCILIATION})
_READABLE = {kind: (*NAMES, "outcome", "step") if kind in ENDS else NAMES for kind in Kind}
"""What of a borrower's entry stays readable after an erasure: which contact and attempt, and how an attempt ended."""


def entry(kind: Kind, at: datetime, tenant: UUID, borrower: UUID | None, **fields: Any) -> Entry:
    """Make one entry; what it says of a borrower is sealed when it is appended."""
    return _entry(kind, at, tenant, borrower, fields)


def _entry(kind: Kind, at: datetime, tenant: UUID, borrower: UUID | None, fields: dict[str, Any]) -> Entry:
    """Make one entry of fields that nobody else holds."""
    fields["tenant"] = str(tenant)
    if borrower is None:
        return Entry(kind, tenant, None, encode_fields(kind, at, fields))
    fields["borrower"] = str(borrower)
    body = encode_fields(kind, at, fields)
    return Entry(kind, tenant, borrower, body, {name: fields[name] for name in _READABLE[kind] if name in fields})


def of_permit(claim: Claim) -> Entry:
    """State that an attempt may be made, under which rules and facts, and what will be said."""
    draft, permit = claim.draft, claim.permit
    judged, rendered = draft.judged, draft.rendered
    fields = _contact_fields(judged.contact)
    fields["attempt"] = str(permit.attempt_id)
    fields["number"] = draft.number
    fields["provider"] = draft.provider
    fields["template"] = rendered.template
    fields["template_hash"] = rendered.template_hash
    fields["text_hash"] = sha256(rendered.text.encode()).hexdigest()
    fields["parts"] = rendered.parts
    fields["packs"] = judged.verdict.packs
    fields["permit"] = permit.signature.hex()
    fields["facts"] = facts_record(judged.facts)
    return _entry(Kind.PERMIT, permit.issued_at, permit.tenant_id, permit.borrower_id, fields)


def of_verdict(kind: Kind, judged: Judged, at: datetime, reason: str) -> Entry:
    """State that a contact was refused, postponed or expired, by which rule and why."""
    contact = judged.contact
    return entry(
        kind,
        at,
        contact.tenant_id,
        contact.borrower_id,
        **_contact_fields(contact),
        reason=reason,
        verdict=verdict_record(judged.verdict),
        facts=facts_record(judged.facts),
    )


def of_settlement(sent: Sent, at: datetime, step: str, reason: str) -> Entry:
    """State how an attempt ended."""
    permit, outcome = sent.claim.permit, sent.outcome
    fields = {
        "contact": str(permit.contact_id),
        "attempt": str(permit.attempt_id),
        "outcome": _OUTCOMES[outcome.state],
        "provider_ref": outcome.provider_ref,
        "code": outcome.code,
        "reason": reason,
        "step": step,
    }
    return _entry(Kind.SETTLEMENT, at, permit.tenant_id, permit.borrower_id, fields)


def of_erasure(tenant: UUID, borrower: UUID, at: datetime, *, asked: bool, kept_until: datetime) -> Entry:
    """State that a borrower's entries can be read no more, or until when law keeps them; never sealed itself."""
    fields = {"asked": asked, "done": kept_until <= at, "kept_until": kept_until}
    body = encode_fields(Kind.ERASURE, at, {"tenant": str(tenant), "borrower": str(borrower), **fields})
    return Entry(Kind.ERASURE, tenant, borrower, body)


def verdict_record(verdict: Verdict) -> dict[str, Any]:
    """Return what decided, what else fired, and the packs that were asked."""
    record: dict[str, Any] = {"outcome": verdict.outcome.name.lower(), "why": verdict.why, "packs": verdict.packs}
    if verdict.rule:
        record |= {
            "rule": verdict.rule,
            "source": verdict.source,
            "fired": [finding.rule for finding in verdict.fired],
            "counted": verdict.counted,
        }
    if verdict.not_before:
        record["not_before"] = verdict.not_before
    return record


def facts_record(facts: Facts) -> dict[str, Any]:
    """Return every fact that the verdict may follow from; those that say nothing, as ever by default, are left out."""
    record: dict[str, Any] = {
        "actor": facts.actor,
        "channel": facts.channel,
        "purpose": facts.purpose,
        "zones": _in_order(facts.place.zones),
        "jurisdictions": _in_order(facts.place.jurisdictions),
        "debts": facts.debts,
        "address": facts.address,
    }
    for name, default in _OPTIONAL_FACTS:
        value = getattr(facts, name)
        if value != default:
            record[name] = value
    if facts.message is not PLAIN_MESSAGE and (told := _told(facts.message)):
        record["message"] = told
    return record


@lru_cache(maxsize=256)
def _told(message: MessageMarks) -> dict[str, Any]:
    """Return the marks of a message that are not as by default; messages have few sorts."""
    return {name: getattr(message, name) for name, default in _MARKS if getattr(message, name) != default}


PLAIN_MESSAGE = MessageMarks()
_MARKS = tuple((one.name, one.default) for one in fields(MessageMarks))
_RECORDED = frozenset({"actor", "channel", "purpose", "place", "debts", "address", "message"})
_OPTIONAL_FACTS = tuple((one.name, one.default) for one in fields(Facts) if one.name not in _RECORDED)
_OUTCOMES = {state: state.name.lower() for state in SendState}


def _contact_fields(contact: Contact) -> dict[str, Any]:
    return {
        "contact": str(contact.contact_id),
        "campaign": contact.campaign_id and str(contact.campaign_id),
        "loan": str(contact.loan_id),
        "address_key": contact.address_key,
    }


@lru_cache(maxsize=4096)
def _in_order(names: frozenset[str]) -> tuple[str, ...]:
    """Most borrowers live in few places, so the order of their names is kept."""
    return tuple(sorted(names))
