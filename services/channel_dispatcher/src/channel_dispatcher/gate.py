"""The gate: from rows to facts, from facts to a verdict. Pure; the law itself is in forbear_domain.policy.

A fact that cannot be told counts against the contact: evidence of a place without a zone leaves no zone at all, a
consent without a date is none, an unknown kind of suppression holds the borrower.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from functools import lru_cache
from operator import attrgetter
from uuid import UUID

from channel_dispatcher.model import INCONVENIENT, Contact, Judged
from channel_dispatcher.store.claims import AttemptRow, History, InboundRow, SuppressionRow
from channel_dispatcher.store.policies import NEVER_WRITTEN, UNKNOWN_POLICY, InForce
from channel_dispatcher.store.suppressions import DAY_MINUTES
from forbear_domain import policy
from forbear_domain.ids import EVERYONE
from forbear_domain.lifecycle import State
from forbear_domain.messages.crisis import CARE, DISTRESS
from forbear_domain.model import Channel, Purpose, SuppressionKind
from forbear_domain.policy.look_back import look_back
from forbear_domain.policy.notices import is_told_of_agency
from forbear_providers.contract import ReceiptState

CHANNELS: dict[int, policy.Channel] = {
    Channel.SMS: policy.Channel.SMS,
    Channel.EMAIL: policy.Channel.EMAIL,
    Channel.VOICE: policy.Channel.VOICE,
}
PURPOSES: dict[int, policy.Purpose] = {
    Purpose.REMINDER: policy.Purpose.REMINDER,
    Purpose.REPLY: policy.Purpose.REPLY,
    Purpose.OPT_OUT_CONFIRMATION: policy.Purpose.OPT_OUT_CONFIRMATION,
    Purpose.FOLLOW_UP: policy.Purpose.PROMISE_FOLLOW_UP,
    Purpose.DUTY: policy.Purpose.DUTY_LIVE_CONTACT,
    Purpose.CARE: policy.Purpose.CARE,
    Purpose.CONFIRMATION: policy.Purpose.CONFIRMATION,
}
_SENT_BY, _SENT_FOR = frozenset(CHANNELS.values()), frozenset(PURPOSES.values())
ACTORS = {actor.value: actor for actor in policy.Actor}
CONSENTS = {
    Channel.SMS: (policy.ConsentKind.SMS,),
    Channel.EMAIL: (policy.ConsentKind.EMAIL,),
    Channel.VOICE: (policy.ConsentKind.VOICE, policy.ConsentKind.ROBOCALL),
}
SUPPRESSIONS = {
    SuppressionKind.OPT_OUT: policy.SuppressionKind.ADDRESS_OPT_OUT,
    SuppressionKind.CEASE: policy.SuppressionKind.CEASE,
    SuppressionKind.ATTORNEY: policy.SuppressionKind.ATTORNEY,
    SuppressionKind.BANKRUPTCY: policy.SuppressionKind.BANKRUPTCY,
    SuppressionKind.WRONG_PARTY: policy.SuppressionKind.WRONG_PARTY,
    SuppressionKind.DECEASED: policy.SuppressionKind.DECEASED,
    SuppressionKind.DISPUTE: policy.SuppressionKind.DISPUTE,
    SuppressionKind.MILITARY: policy.SuppressionKind.MILITARY,
    SuppressionKind.DISTRESS: policy.SuppressionKind.DISTRESS,
    SuppressionKind.HARDSHIP: policy.SuppressionKind.HARDSHIP,
    SuppressionKind.PROMISE: policy.SuppressionKind.PROMISE,
    SuppressionKind.ARRANGEMENT: policy.SuppressionKind.DEFERRAL,
    SuppressionKind.PAID: policy.SuppressionKind.PAID,
    SuppressionKind.CHANNEL_REFUSED: policy.SuppressionKind.MEDIUM_STOP,
    SuppressionKind.WORK_BARRED: policy.SuppressionKind.WORK_BARRED,
}
RESULTS: dict[int | None, policy.CallResult] = {
    ReceiptState.DELIVERED: policy.CallResult.DELIVERED,
    ReceiptState.UNDELIVERED: policy.CallResult.UNDELIVERED,
    ReceiptState.ANSWERED: policy.CallResult.DROPPED,
    ReceiptState.CONVERSED: policy.CallResult.CONVERSATION,
    ReceiptState.MACHINE: policy.CallResult.VOICEMAIL,
    ReceiptState.NOT_CONNECTED: policy.CallResult.NO_CONNECTION,
}
"""A receipt that says less (SENT, or none yet) leaves the result unknown, which counts as if it had arrived."""
ADDRESS_KINDS = {kind.value: kind for kind in policy.AddressKind}
DEBT_KINDS = {"mortgage": "mortgage", "card": "credit_card"}
EVIDENCE = {1: "residential_address", 2: "mobile_area_code", 3: "landline_area_code", 4: "stated"}


POLICY_WAIT = timedelta(minutes=5)  # until a contact is looked at again whose tenant's rules have not come yet


def remembered(packs: policy.Packs) -> timedelta:
    """Return how far back the contacts of a borrower are looked at: as the longest window that may bar one of ours."""
    return look_back(packs, _SENT_BY, _SENT_FOR)


def judge(
    contacts: Sequence[Contact],
    history: History,
    packs: policy.Packs,
    in_force: Mapping[UUID, InForce],
    now: datetime,
) -> list[Judged]:
    """Decide each contact at this instant, in the given order: under the law and its tenant's own rules."""
    judged = []
    for contact in contacts:
        facts = facts_of(contact, history)
        rules = policy.rules_for(packs, facts.place.jurisdictions, now.date())
        own = in_force.get(contact.tenant_id, NEVER_WRITTEN)
        if own.policy is not None:
            rules = policy.with_tenant_policy(rules, own.policy)
        is_known = contact.policy_version <= own.version
        verdict = policy.decide(facts, rules, now) if is_known else _unknown_policy(contact, own, rules, now)
        closes_at = policy.closes_at(facts, rules, now) if verdict.allowed else now
        judged.append(Judged(contact, facts, verdict, closes_at))
    return judged


def _unknown_policy(contact: Contact, own: InForce, rules: policy.RuleSet, now: datetime) -> policy.Verdict:
    """Nobody is contacted under rules that the tenant has replaced: the contact waits until the new ones are here."""
    why = f"Version {contact.policy_version} of the tenant's own rules is not known here yet, only {own.version}."
    until = now + POLICY_WAIT
    source = "house policy: fail closed"
    finding = policy.Finding(UNKNOWN_POLICY, policy.Outcome.NOT_BEFORE, why, source, until)
    return policy.Verdict(finding.outcome, why, UNKNOWN_POLICY, source, until, (finding,), rules.packs)


def facts_of(contact: Contact, history: History) -> policy.Facts:
    """Put together everything that the rules may look at."""
    inbound = history.inbound.get(contact.borrower_id, ())
    attempts = history.attempts.get(contact.borrower_id, ())
    of_borrower = history.suppressions.get(contact.borrower_id, ())
    past = [_past(row, contact.address_kind) for row in attempts] + [_heard(row) for row in inbound]
    actor = ACTORS[contact.actor]
    return policy.Facts(
        actor=actor,
        channel=CHANNELS[contact.channel],
        place=place_of(contact.places),
        debts=(_debt(str(contact.loan_id), contact.loan.product),),
        purpose=PURPOSES[contact.purpose],
        address=policy.Address(contact.address_key, ADDRESS_KINDS[contact.address_kind]),
        past=tuple(sorted(past, key=_at)) if past else (),
        consents=_consents(contact, inbound),
        suppressions=tuple(_states(contact, history, of_borrower)),
        inconvenient=tuple([_inconvenience(row) for row in of_borrower if row.kind in INCONVENIENT]),
        replies_due=_replies_due(contact, attempts, inbound),
        despair_heard=_despair_heard(contact, inbound),
        message=_marks(contact),
        told_of_agency=is_told_of_agency(actor, contact.notices),
        notices=contact.notices,
    )


@lru_cache(maxsize=65_536)
def place_of(places: tuple[tuple[int, str, str], ...]) -> policy.Place:
    """Return everywhere the borrower may be. Evidence that names no zone leaves none: nobody is contacted then."""
    evidence = [
        policy.Evidence(EVIDENCE.get(kind, "unknown"), frozenset({zone}), frozenset({region} if region else ()))
        for kind, zone, region in places
    ]
    place = policy.Place.from_evidence(*evidence)
    return policy.Place(frozenset(), place.jurisdictions) if "" in place.zones else place


_OUT, _UNKNOWN, _ACCEPTED = policy.Direction.OUT, policy.CallResult.UNKNOWN, State.ACCEPTED
_VOICE, _REPLY, _CARE = Channel.VOICE, Purpose.REPLY, Purpose.CARE
_ANSWERS = frozenset({_REPLY, _CARE})
"""Held here, because a member of an enumeration takes 0.1 us to find (Python 3.11), and each contact needs them."""
_MARKS = policy.MessageMarks()
_VOICE_MARKS = policy.MessageMarks(artificial_voice=True, autodialled=True)
_CARE_MARKS = policy.MessageMarks(cares_only=True)


_at = attrgetter("at")


def _marks(contact: Contact) -> policy.MessageMarks:
    """Return what is known of the text: a slot filled from outside could make any text of the approved one of care."""
    if contact.channel is _VOICE:
        return _VOICE_MARKS
    is_care = contact.purpose is _CARE and contact.template == CARE and not contact.slots
    return _CARE_MARKS if is_care else _MARKS


def _states(contact: Contact, history: History, of_borrower: Sequence[SuppressionRow]) -> list[policy.Suppression]:
    """Return what bars the borrower, the address, and the address for everyone."""
    of_address = history.address_suppressions.get((contact.tenant_id, contact.address_key), ())
    of_everyone = history.address_suppressions.get((EVERYONE, contact.everyones_key), ())
    barred = [*of_borrower, *of_address, *of_everyone]
    states = [_suppression(row, contact) for row in barred if row.kind not in INCONVENIENT]
    shared_since = history.shared.get((contact.tenant_id, contact.address_key))
    if shared_since is not None:
        states.append(policy.Suppression(policy.SuppressionKind.SHARED_ADDRESS, shared_since))
    return states


def _debt(loan: str, product: str) -> policy.Debt:
    return policy.Debt(loan, DEBT_KINDS.get(product, "other"))


def _past(row: AttemptRow, kind_asked: str) -> policy.PastContact:
    return policy.PastContact(  # by position, because each contact makes several, and names cost as much as the values
        row.claimed_at,
        CHANNELS[row.channel],
        _OUT,
        RESULTS.get(row.result, _UNKNOWN) if row.state == _ACCEPTED else _UNKNOWN,
        (str(row.loan_id),),
        row.address_key,
        ADDRESS_KINDS[row.address_kind or kind_asked],
        purpose=PURPOSES[row.purpose],
    )


def _heard(row: InboundRow) -> policy.PastContact:
    is_call = row.channel == Channel.VOICE
    return policy.PastContact(
        at=row.event_at,
        channel=CHANNELS[row.channel],
        direction=policy.Direction.IN,
        result=policy.CallResult.CONVERSATION if is_call else policy.CallResult.DELIVERED,
    )


def _consents(contact: Contact, inbound: Sequence[InboundRow]) -> tuple[policy.Consent, ...]:
    """A consent stays fresh by what the borrower sends us on the same channel, and by a check of the number."""
    if contact.consented_at is None:
        return ()
    heard = [row.event_at for row in inbound if row.channel == contact.channel]
    checked = [] if contact.checked_at is None else [contact.checked_at]
    return _consents_of(contact.channel, contact.consented_at, max([contact.consented_at, *heard, *checked]))


@lru_cache(maxsize=4096)
def _consents_of(channel: Channel, at: datetime, fresh_at: datetime) -> tuple[policy.Consent, ...]:
    """Consents are dates, and one campaign asks about the same few."""
    return tuple(policy.Consent(kind, at, fresh_at=fresh_at) for kind in CONSENTS[channel])


def _suppression(row: SuppressionRow, contact: Contact) -> policy.Suppression:
    """An opt-out that names no address is one of the medium; one that names neither is a demand to cease."""
    known = row.kind in SuppressionKind.__members__.values()
    kind = SUPPRESSIONS[SuppressionKind(row.kind)] if known else policy.SuppressionKind.TENANT_HOLD
    if kind is policy.SuppressionKind.ADDRESS_OPT_OUT and not row.address_key:
        kind = policy.SuppressionKind.MEDIUM_STOP if row.channel else policy.SuppressionKind.CEASE
    return policy.Suppression(
        kind,
        row.start_at,
        row.end_at,
        address=contact.address_key if row.tenant_id == EVERYONE else row.address_key,
        channel=CHANNELS.get(row.channel),
        debt=str(row.loan_id) if row.loan_id else "",
    )


def _inconvenience(row: SuppressionRow) -> policy.Inconvenience:
    return policy.Inconvenience(
        weekdays=frozenset([day for day in range(7) if row.weekdays & 1 << day]),
        starts=time(row.start_minute // 60, row.start_minute % 60),
        ends=time(row.end_minute // 60, row.end_minute % 60) if row.end_minute < DAY_MINUTES else None,
        place=row.place or None,
        channel=CHANNELS.get(row.channel),
    )


def _replies_due(
    contact: Contact, attempts: Sequence[AttemptRow], inbound: Sequence[InboundRow]
) -> tuple[policy.ReplyToken, ...]:
    """What the borrower wrote since our last answer on that channel earns one answer."""
    if contact.purpose is not _REPLY:
        return ()
    heard = [row.event_at for row in inbound if row.channel == contact.channel]
    answered = [row.claimed_at for row in attempts if row.channel == contact.channel and row.purpose in _ANSWERS]
    latest = max(heard, default=None)
    if latest is None or (answered and max(answered) >= latest):
        return ()
    return (policy.ReplyToken(CHANNELS[contact.channel], latest),)


def _despair_heard(contact: Contact, inbound: Sequence[InboundRow]) -> tuple[policy.ReplyToken, ...]:
    """What was written in despair, and from where: it is answered there or nowhere. A call is answered in the call."""
    if contact.purpose is not _CARE:
        return ()
    return tuple(
        policy.ReplyToken(CHANNELS[row.channel], row.event_at, row.address_key)
        for row in inbound
        if row.code == DISTRESS and row.channel != _VOICE
    )
