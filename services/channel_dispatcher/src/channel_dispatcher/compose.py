"""From an allowed contact to the very message that would be sent, and what it costs. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from channel_dispatcher.limit_rules import Going, LimitBook
from channel_dispatcher.limits import Demand
from channel_dispatcher.margins import Margins
from channel_dispatcher.model import Draft, Judged
from channel_dispatcher.outlets import Outlet, TenantLimit, Ways, choose_sender, windows_of
from forbear_chassis.postgres import UUID
from forbear_domain import ids
from forbear_domain.links import make_link_token
from forbear_domain.messages import Catalogue, Rendered, TemplateError, recipient_slots, render_version
from forbear_domain.messages.slots import Addressee
from forbear_domain.model import Channel
from forbear_providers.contract import SendRequest

LIFE_MIN = timedelta(seconds=30)  # what cannot live so long at the provider waits for the next window


@dataclass(frozen=True, slots=True)
class Unusable:
    """An allowed contact that no message can be made of; it ends as refused."""

    judged: Judged
    reason: str


@dataclass(frozen=True, slots=True)
class Late:
    """An allowed contact that a provider may not bring to its end within the lawful hours; it waits until they end."""

    judged: Judged
    until: datetime


@dataclass(slots=True)
class Composed:
    """What became of the allowed contacts of a batch. One that has no way out now is in no list, and waits."""

    drafts: list[Draft] = field(default_factory=list)
    unusable: list[Unusable] = field(default_factory=list)
    late: list[Late] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Links:
    """Where links in messages and answers to them lead."""

    callback_url: str
    secret: str
    reply_domain: str


class Composer:
    """Makes drafts."""

    def __init__(self, catalogue: Catalogue, tenant_limit: TenantLimit, links: Links, margins: Margins) -> None:
        self._catalogue = catalogue
        self._margins = margins
        self._tenant_limit = tenant_limit
        self._links = links

    def compose(self, judged: Sequence[Judged], ways: Ways, book: LimitBook, now: datetime) -> Composed:
        """Make a draft of each allowed contact that has a way out."""
        composed = Composed()
        for one in judged:
            if one.verdict.allowed:
                outlet = ways.take(one.contact.address_key, one.contact.attempts)
                made = self._draft(one, outlet, book, now) if outlet else None
                if isinstance(made, Draft):
                    composed.drafts.append(made)
                elif isinstance(made, Late):
                    composed.late.append(made)
                elif made:
                    composed.unusable.append(Unusable(one, made))
        return composed

    def _draft(self, judged: Judged, outlet: Outlet, book: LimitBook, now: datetime) -> Draft | Late | str:
        contact = judged.contact
        die_by = min(contact.expire_at, judged.closes_at - self._margins.of(outlet.label))
        if die_by - now < LIFE_MIN:
            return Late(judged, judged.closes_at)
        number = contact.attempts + 1
        attempt = UUID(ids.attempt_bytes(contact.contact_id.bytes, number))
        sender = choose_sender(outlet.senders, contact.address_key)
        is_mail = contact.channel is Channel.EMAIL
        page = f"{self._links.callback_url}/p/{make_link_token(self._links.secret, 'page', attempt)}"
        unsubscribe = ""  # an SMS is stopped by a word, a call by a key
        if is_mail:
            unsubscribe = f"{self._links.callback_url}/u/{make_link_token(self._links.secret, 'unsubscribe', attempt)}"
        try:
            rendered = self._render(judged, sender, page, unsubscribe)
        except TemplateError:
            return "template_unusable"
        request = SendRequest(
            attempt_id=attempt,
            channel=contact.channel,
            address=contact.address,
            sender=sender,
            rendered=rendered,
            language=contact.language,
            callback_url=self._links.callback_url,
            die_by=die_by,
            reply_to=f"reply+{attempt.hex}@{self._links.reply_domain}" if is_mail else "",
            unsubscribe_url=unsubscribe,
            sender_name=contact.brand if is_mail else "",
        )
        given = windows_of(outlet, sender, contact.tenant_id, self._tenant_limit)
        cost = max(rendered.parts, 1)  # an SMS costs its parts, everything else one
        demand = Demand(cost, given)
        if not demand.is_possible():
            return "parts_over_limit"
        if book.has_rules:  # what people set may change again: contacts over such a limit wait
            going = Going(
                outlet.label, sender, contact.tenant_id, contact.campaign_id, contact.channel, contact.address
            )
            demand = Demand(cost, book.windows(given, going))
        return Draft(judged, request, rendered, outlet.label, number, demand)

    def _render(self, judged: Judged, sender: str, page_url: str, unsubscribe_url: str) -> Rendered:
        contact, loan = judged.contact, judged.contact.loan
        is_first = not any(str(contact.loan_id) in past.debts for past in judged.facts.past)
        version = self._catalogue.find(contact.template, contact.channel, contact.language)
        slots = recipient_slots(
            Addressee(
                given_name=contact.given_name,
                brand=contact.brand,
                actor=contact.actor,
                language=contact.language,
                channel=contact.channel,
                currency=loan.currency,
                past_due_minor=loan.past_due_minor,
                balance_minor=loan.balance_minor,
                instalment_minor=loan.instalment_minor,
                page_url=page_url,
                unsubscribe_url=unsubscribe_url,
                sender=sender,
                is_first=is_first,
                regions=tuple([region for _, _, region in contact.places]),
            ),
            version.slots,
        )
        slots.update(contact.slots)
        return render_version(version, slots)
