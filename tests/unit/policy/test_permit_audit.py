"""The verifier of permits: real entries of the dispatcher pass, planted ones are found."""

from __future__ import annotations

import types
import uuid
from dataclasses import is_dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Union, get_args, get_origin, get_type_hints

import orjson
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from channel_dispatcher import evidence
from channel_dispatcher.evidence import facts_record
from forbear_client.permit_audit import PermitAudit, audit, facts_of_permit
from forbear_domain.ledger import EXPORT_FORM, Kind, encode
from forbear_domain.messages import Rendered
from forbear_domain.policy import (
    CallResult,
    Channel,
    Facts,
    MessageMarks,
    PastContact,
    Suppression,
    SuppressionKind,
    decide,
    read_tenant_policy,
)
from forbear_providers.contract import SendOutcome, SendState
from tests.unit.policy.policy_facts import NOW, ORDINARY, PACKS, rules_of

TENANT, BORROWER, LOAN = uuid.UUID(int=1), uuid.UUID(int=3), uuid.UUID(int=4)
RENDERED = Rendered("reminder.gentle", "c0ffee", "en", "", "Hello", "", 1)
STOPPED = (Suppression(SuppressionKind.ADDRESS_OPT_OUT, NOW - timedelta(days=1), address="a"),)


def claim_of(facts: Facts, at: datetime = NOW, number: int = 1) -> Any:
    """What the dispatcher holds when it writes a permit's entry."""
    contact = SimpleNamespace(
        contact_id=uuid.UUID(int=100 + number), campaign_id=None, loan_id=LOAN, address_key="a", borrower_id=BORROWER
    )
    judged = SimpleNamespace(contact=contact, facts=facts, verdict=decide(facts, rules_of(facts), at))
    permit = SimpleNamespace(
        attempt_id=uuid.UUID(int=200 + number),
        contact_id=contact.contact_id,
        tenant_id=TENANT,
        borrower_id=BORROWER,
        issued_at=at,
        signature=b"signed",
    )
    draft = SimpleNamespace(judged=judged, number=number, provider="twilio_sms", rendered=RENDERED)
    return SimpleNamespace(draft=draft, permit=permit)


def permit(facts: Facts, at: datetime = NOW, number: int = 1) -> bytes:
    """The bytes of a permit's entry, as the dispatcher writes them."""
    return evidence.of_permit(claim_of(facts, at, number)).body


def settlement(number: int = 1, at: datetime = NOW, outcome: str = "ACCEPTED") -> bytes:
    """The bytes of a settlement's entry, as the dispatcher writes them."""
    told = SendOutcome(SendState[outcome], provider_ref="SM1")
    sent: Any = SimpleNamespace(claim=claim_of(ORDINARY, number=number), outcome=told)
    return evidence.of_settlement(sent, at, "accepted", "").body


def breaches(*bodies: bytes) -> list[str]:
    """What the verifier tells about a ledger of these entries."""
    auditor = PermitAudit(PACKS)
    for sequence, body in enumerate(bodies):
        auditor.take(sequence, orjson.loads(body))
    return [str(breach) for breach in auditor.finish()]


def test_facts_come_back_from_the_entry_as_they_went_in() -> None:
    """Shows that nothing the dispatcher records is lost on the way to the verifier."""
    past = (PastContact(NOW - timedelta(days=9), Channel.EMAIL, result=CallResult.DELIVERED, debts=("D1",)),)
    facts = replace(ORDINARY, past=past, suppressions=(replace(STOPPED[0], address="b"),))
    call = replace(facts, channel=Channel.VOICE, message=MessageMarks(artificial_voice=True, autodialled=True))

    assert facts == facts_of_permit(orjson.loads(permit(facts)))
    assert call == facts_of_permit(orjson.loads(permit(call)))


INSTANTS = st.integers(0, 365 * 86_400).map(lambda second: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second))
DAYS = st.dates(date(2026, 1, 1), date(2026, 12, 31))
WORDS = st.sampled_from(["", "a", "D1", "home"])


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Any value of a field of the facts, by its type."""
    if hint in (datetime, date):
        return INSTANTS if hint is datetime else DAYS
    if hint is time:
        return st.times().map(lambda clock: clock.replace(second=0, microsecond=0))
    if hint is str:
        return WORDS
    if get_origin(hint) in (Union, types.UnionType):
        return st.none() | values_of(next(arg for arg in get_args(hint) if arg is not type(None)))
    if get_origin(hint) is tuple:
        return st.lists(values_of(get_args(hint)[0]), max_size=2).map(tuple)
    if get_origin(hint) is frozenset:
        return st.frozensets(values_of(get_args(hint)[0]), max_size=2)
    if is_dataclass(hint):
        return st.builds(hint, **{name: values_of(one) for name, one in get_type_hints(hint).items()})
    if hint is int:
        return st.integers(0, 6)
    return st.sampled_from(list(hint)) if issubclass(hint, Enum) else st.from_type(hint)


@settings(max_examples=100, deadline=None)
@given(values_of(Facts))
def test_no_fact_of_any_kind_is_lost_between_the_gate_and_the_verifier(facts: Facts) -> None:
    """Every field of the facts, whatever it holds, comes back from the entry: the verifier assumes nothing."""
    assert facts == facts_of_permit(
        {"facts": orjson.loads(encode(Kind.PERMIT, NOW, facts=facts_record(facts)))["facts"]}
    )


def test_a_lawful_permit_that_was_settled_passes() -> None:
    """Shows the twin of every breach below."""
    assert [] == breaches(permit(ORDINARY), settlement())


def test_an_unlawful_permit_is_found_with_its_rule() -> None:
    """Shows a permit to somebody who has opted out, planted with all its papers in order."""
    found = breaches(permit(replace(ORDINARY, suppressions=STOPPED)), settlement())

    assert 1 == len(found)
    assert "entry 0" in found[0]
    assert "TCPA-A10-REVOKE does not allow it" in found[0]


def test_a_permit_under_fewer_packs_than_the_place_asks_for_is_found() -> None:
    """Shows that leaving out a law is no way around it."""
    entry = orjson.loads(permit(ORDINARY)) | {"packs": ["HOUSE@2026.11"]}

    found = breaches(orjson.dumps(entry), settlement())

    assert "it was not decided under US-FED" in found[0]


def test_a_permit_that_forgets_an_earlier_one_is_found() -> None:
    """Shows that the facts of a permit are held against the ledger itself, for seven days."""
    first, later = NOW - timedelta(days=2), NOW
    remembered = replace(ORDINARY, past=(PastContact(first, Channel.SMS, debts=("D1",)),))

    forgetful = breaches(permit(ORDINARY, first, 1), settlement(1), permit(ORDINARY, later, 2), settlement(2))
    honest = breaches(permit(ORDINARY, first, 1), settlement(1), permit(remembered, later, 2), settlement(2))
    refused = breaches(
        permit(ORDINARY, first, 1), settlement(1, first, "REFUSED_FINAL"), permit(ORDINARY, later, 2), settlement(2)
    )
    old = breaches(
        permit(ORDINARY, first, 1), settlement(1), permit(ORDINARY, first + timedelta(days=8), 2), settlement(2)
    )

    assert ["leave out" in what for what in forgetful] == [True]
    assert [] == honest
    assert [] == refused
    assert [] == old


def test_permits_and_settlements_are_matched() -> None:
    """Shows a permit nobody settled, one still in flight, a settlement out of nowhere, and a permit given twice."""
    later = NOW + timedelta(minutes=15)

    assert "never settled" in breaches(permit(ORDINARY), settlement(2, later))[0]
    assert [] == breaches(permit(ORDINARY))
    assert "without a permit" in breaches(settlement())[0]
    assert "a second permit" in breaches(permit(ORDINARY), permit(ORDINARY), settlement())[0]


def test_an_entry_without_facts_is_a_breach_not_a_crash() -> None:
    """Shows that a permit whose facts nobody can read is told."""
    entry = orjson.loads(permit(ORDINARY))
    del entry["facts"]["actor"]

    assert "its facts cannot be read" in breaches(orjson.dumps(entry), settlement())[0]


@pytest.mark.parametrize(("suppressions", "code"), [((), 0), (STOPPED, 1)])
def test_the_command_reads_an_export_and_ends_with_its_code(
    tmp_path: Path, suppressions: tuple[Suppression, ...], code: int
) -> None:
    """Shows the command on a file, as an officer runs it."""
    bodies = [permit(replace(ORDINARY, suppressions=suppressions)), settlement()]
    entries = [{"sequence": at, "body": body.decode(), "proof": []} for at, body in enumerate(bodies)]
    file = tmp_path / "export.json"
    file.write_bytes(orjson.dumps({"form": EXPORT_FORM, "borrower": str(BORROWER), "entries": entries}))

    result = CliRunner().invoke(audit, ["--export", str(file)])

    assert code == result.exit_code
    assert "1 permits and 1 settlements read" in result.output


@pytest.mark.parametrize("text", ["{", "{}", '{"form": "other/1"}'])
def test_what_is_no_export_could_not_be_checked(tmp_path: Path, text: str) -> None:
    """Shows exit code 2, also without any source."""
    file = tmp_path / "export.json"
    file.write_text(text, encoding="utf-8")

    assert 2 == CliRunner().invoke(audit, ["--export", str(file)]).exit_code
    assert 2 == CliRunner().invoke(audit, [], env={"FORBEAR_AUDITOR_DATABASE_URL": ""}).exit_code


def test_a_permit_must_stand_under_the_tenant_s_rules_of_its_day() -> None:
    """Shows both directions: rules in force that a permit leaves out, and rules it names that were never in force."""
    text = (
        'jurisdiction = "HARBOR"\ntitle = "t"\nversion = "1"\n[[rule]]\nid = "HARBOR-1"\nkind = "clock_window"\n'
        'summary = "s"\nsource = "s"\ngrade = "policy"\n[rule.parameters]\nopens = "08:00"\ncloses = "21:00"\n'
    )
    policy = read_tenant_policy(text, 1, PACKS)
    rules = evidence.entry(Kind.POLICY, NOW, TENANT, None, version=1, label=policy.label, text=text).body
    other = evidence.entry(Kind.POLICY, NOW, TENANT, None, version=1, label="HARBOR@1#f00d", text=text).body
    named = orjson.loads(permit(ORDINARY))
    under = orjson.dumps(named | {"packs": [*named["packs"], policy.label]})

    assert [] == breaches(rules, under, settlement())
    assert f"it was not decided under {policy.label}" in breaches(rules, permit(ORDINARY), settlement())[0]
    assert f"it was decided under {policy.label}, which are not the rules" in breaches(under, settlement())[0]
    assert "the tenant's own rules are not HARBOR@1#f00d" in breaches(other)[0]
