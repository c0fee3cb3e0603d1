"""The spoken texts of a call: the approved template of its contact, filled as the dispatcher fills it."""

from __future__ import annotations

from collections.abc import Mapping

from forbear.types.v1 import types_pb2 as types_pb
from forbear_domain.links import make_link_token
from forbear_domain.messages import Catalogue, recipient_slots
from forbear_domain.messages.slots import Addressee
from forbear_domain.model import Channel
from response_tracker import words
from response_tracker.model import Attempt


def spoken_steps(catalogue: Catalogue, of: Attempt, public_url: str, link_secret: str) -> tuple[str, Mapping[str, str]]:
    """Return the language of a call and its texts by step. Raises TemplateError where they cannot be filled."""
    contact = types_pb.Contact.FromString(of.contact)
    recipient, loan = contact.recipient, contact.recipient.loan
    language = words.speak(recipient.language)
    to = Addressee(
        given_name=recipient.given_name,
        brand=recipient.brand,
        actor=recipient.actor,
        language=language,
        channel=Channel.VOICE,
        currency=loan.currency,
        past_due_minor=loan.past_due_minor,
        balance_minor=loan.balance_minor,
        instalment_minor=loan.instalment_minor,
        page_url=f"{public_url}/p/{make_link_token(link_secret, 'page', of.id)}",
        unsubscribe_url=f"{public_url}/u/{make_link_token(link_secret, 'unsubscribe', of.id)}",
        sender=of.sender,
    )
    rendered = catalogue.render(contact.template, Channel.VOICE, language, recipient_slots(to) | dict(contact.slots))
    return language, rendered.steps
