"""`/v1/borrowers/{ref}`: what is known, and why and when the next contact is."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from datetime import date, datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field

from contact_scheduler.contacts import ContactPhase
from contact_scheduler.expectations import ExpectedNow, local_time
from contact_scheduler.explain_hours import explain_hours
from contact_scheduler.web.access import Parts, Reader
from contact_scheduler.web.problems import RESPONSES, not_found
from forbear.types.v1 import types_pb2
from forbear_chassis.postgres import UUID
from forbear_domain import ids
from forbear_domain.model import Channel, ResponseKind, mask

router = APIRouter(prefix="/v1/borrowers", tags=["borrowers"], responses=RESPONSES)


class LoanView(BaseModel):
    """One loan; amounts in minor units."""

    loan_ref: str = Field(description="reference of the loan")
    product: str = Field(description="mortgage, loan or card")
    currency: str = Field(description="ISO 4217 code")
    balance_minor: int = Field(description="balance")
    past_due_minor: int = Field(description="past due")
    past_due_days: int = Field(description="days past due")


class PointView(BaseModel):
    """One contact point."""

    channel: str = Field(description="sms, email or voice")
    address: str = Field(description="the address, masked")
    consent_on: date | None = Field(description="when consent was given; absent: never contacted here")
    consent_source: str = Field(description="where the consent comes from")


class PauseView(BaseModel):
    """One reason why the borrower is left in peace."""

    reason: str = Field(description="kind of response that caused it")
    since: datetime = Field(description="from when")
    until: datetime | None = Field(description="until when; absent: until it is lifted")


class ContactView(BaseModel):
    """One contact."""

    contact_id: uuid.UUID = Field(description="id of the contact")
    campaign_id: uuid.UUID = Field(description="campaign it belongs to")
    channel: str = Field(description="sms, email or voice")
    state: str = Field(description="planned, released, accepted, refused, expired, recalled, unknown or cancelled")
    reason: str = Field(description="rule or code that ended it; may be empty")
    template: str = Field(description="template")
    not_before: datetime = Field(description="earliest instant of sending")
    sent_at: datetime | None = Field(description="when a provider took it")
    responded_at: datetime | None = Field(description="when the borrower answered")


class BorrowerView(BaseModel):
    """What is known of one borrower."""

    borrower_ref: str = Field(description="your reference")
    language: str = Field(description="BCP 47 tag")
    region: str = Field(description="state of residence, may be empty")
    time_zones: list[str] = Field(description="everywhere the borrower may be; contacts are lawful in all of them")
    loans: list[LoanView] = Field(description="loans, furthest past due first")
    contact_points: list[PointView] = Field(description="contact points by channel")
    pauses: list[PauseView] = Field(description="why the borrower is left in peace at present")
    contacts: list[ContactView] = Field(description="the latest contacts, newest first")


class ClosedView(BaseModel):
    """Hours of the next two days in which a channel is closed, and what closes it, as things stand now."""

    channel: str = Field(description="sms, email or voice")
    starts_at: datetime = Field(description="first instant")
    ends_at: datetime = Field(description="end, not included")
    by: str = Field(description="id of the rule; or consent, place, wish, campaign, weekly cap")
    why: str = Field(description="in one sentence")


class ExpectedView(BaseModel):
    """How likely each step of the contact is, on this channel and at this hour."""

    delivered: float | None = Field(
        description="it arrives, or a call is taken, if only by a machine; absent: no reports on this channel"
    )
    answered: float = Field(description="somebody answers within 48 hours")
    right_party: float = Field(description="it is the borrower who answers, as far as the next 7 days tell")
    promise: float = Field(description="and promises to pay or agrees to an arrangement within 7 days")
    payment: float = Field(description="the borrower pays within 14 days, answered or not")
    anyway: float = Field(
        description="such borrowers who do not answer pay within 14 days; payment less this is what the contact brings"
    )


class SlotView(ExpectedView):
    """A slot that was open to the borrower: lawful, welcome and free of rest. Others have no forecast."""

    channel: str = Field(description="sms, email or voice")
    local_time: str = Field(description="day and hour on the borrower's clock")


class ExpectedNowView(ExpectedView):
    """The same by what is known now: answers count within seconds, and change the plan at its next tick."""

    at: datetime = Field(description="up to when what happened is counted")
    outcomes: int = Field(description="contacts that were learned from, their windows over")
    still_open: int = Field(description="contacts that count too, answered or silent so far")
    slots: list[SlotView] = Field(description="every slot of the plan's day that was open, the likeliest answer first")


class NextContactView(BaseModel):
    """The next contact and why."""

    contact_id: uuid.UUID | None = Field(description="id of the contact; absent: none is planned")
    channel: str | None = Field(description="sms, email or voice")
    not_before: datetime | None = Field(description="earliest instant of sending")
    expire_at: datetime | None = Field(description="latest instant of sending")
    local_time: str | None = Field(description="day and hour on the borrower's clock")
    template: str | None = Field(description="template")
    treatment: str | None = Field(description="treatment")
    arm: str | None = Field(description="planned, explored or control")
    propensity: float | None = Field(description="probability with which exactly this was chosen")
    probability: float | None = Field(description="expected probability of an answer")
    expected: ExpectedView | None = Field(description="chances of each step when planned; absent: none is planned")
    expected_now: ExpectedNowView | None = Field(description="chances of each step by what is known now")
    reasons: list[str] = Field(description="why, or why not, most important first")
    closed: list[ClosedView] = Field(description="which hours of the next two days are closed, and by which rule")


@router.get("/{borrower_ref}", summary="Show one borrower")
async def show_borrower(borrower_ref: str, api: Parts, caller: Reader) -> BorrowerView:
    """Show what is known of one borrower; addresses are masked."""
    tenant_id, store = caller.tenant_id, api.borrowers
    borrower_id = UUID(ids.borrower_id(tenant_id, borrower_ref).bytes)
    borrower = await store.find(tenant_id, borrower_id)
    if borrower is None:
        raise not_found()
    return BorrowerView(
        borrower_ref=borrower["ref"], language=borrower["language"], region=borrower["region"],
        time_zones=sorted({zone for zone in borrower["zones"] if zone}),
        loans=[
            LoanView(
                loan_ref=row["ref"], product=row["product"], currency=row["currency"], balance_minor=row["balance"],
                past_due_minor=row["past_due"], past_due_days=row["past_due_days"],
            )
            for row in await store.loans(tenant_id, borrower_id)
        ],
        contact_points=[
            PointView(
                channel=Channel(row["channel"]).label, consent_on=row["consent_on"],
                consent_source=row["consent_source"],
                address=mask(types_pb2.Recipient.FromString(row["recipient"]).address),
            )
            for row in await store.points(tenant_id, borrower_id)
        ],
        pauses=[
            PauseView(reason=ResponseKind(row["kind"]).label, since=row["since"], until=row["until"])
            for row in await store.pauses(tenant_id, borrower_id, api.clock.now())
        ],
        contacts=[
            ContactView(
                contact_id=row["contact_id"], campaign_id=row["campaign_id"], channel=Channel(row["channel"]).label,
                state=ContactPhase(row["state"]).label, reason=row["outcome_reason"], template=row["template"],
                not_before=row["not_before"], sent_at=row["sent_at"], responded_at=row["responded_at"],
            )
            for row in await store.contacts(tenant_id, borrower_id)
        ],
    )  # fmt: skip


@router.get("/{borrower_ref}/next-contact", summary="Explain the next contact")
async def explain_next_contact(borrower_ref: str, api: Parts, caller: Reader) -> NextContactView:
    """Say which contact is next and why this channel, this hour and this treatment; or why there is none."""
    borrower_id = UUID(ids.borrower_id(caller.tenant_id, borrower_ref).bytes)
    explanation = await api.explain.run(caller.tenant_id, borrower_id)
    if explanation is None:
        raise not_found()
    names = (
        "contact_id", "not_before", "expire_at", "local_time", "template", "treatment", "arm", "propensity",
        "probability",
    )  # fmt: skip
    contact = explanation.contact
    shown = {name: None if contact is None else getattr(contact, name) for name in names}
    channel = None if contact is None else contact.channel.label
    foreseen = None if contact is None or contact.expected is None else ExpectedView(**asdict(contact.expected))
    now = None if explanation.now is None else _view_now(explanation.now)
    closed = await explain_hours(
        api.pool, caller.tenant_id, borrower_id, contact.campaign_id if contact else None, api.clock.now()
    )
    return NextContactView(
        channel=channel, reasons=explanation.reasons, expected=foreseen, expected_now=now,
        closed=[ClosedView(**one._asdict() | {"channel": one.channel.label}) for one in closed], **shown,
    )  # fmt: skip


def _view_now(now: ExpectedNow) -> ExpectedNowView:
    slots = [
        SlotView(**asdict(one.expected), channel=one.channel.label, local_time=local_time(one.hour_of_week))
        for one in now.slots
    ]
    return ExpectedNowView(
        **asdict(now.expected), slots=slots, at=now.at, outcomes=now.outcomes, still_open=now.still_open
    )
