"""Texts of contacts: the approved template, filled as the dispatcher fills it. Spoken in calls, and told in stories."""

from __future__ import annotations

from collections.abc import Mapping

from forbear.types.v1 import types_pb2 as types_pb
from forbear_domain.links import make_link_token
from forbear_domain.messages import Catalogue, recipient_slots
from forbear_domain.messages.crisis import CARE
from forbear_domain.messages.slots import Addressee
from forbear_domain.model import Channel
from response_tracker import words
from response_tracker.model import Attempt

NO_LINK = "https://example.com/link-of-the-borrower"  # who holds a real one may act on it


def spoken_steps(catalogue: Catalogue, of: Attempt, public_url: str, link_secret: str) -> tuple[str, Mapping[str, str]]:
    """Return the language of a call and its texts by step. Raises TemplateError where they cannot be filled."""
    contact = types_pb.Contact.FromString(of.contact)
    page_url = f"{public_url}/p/{make_link_token(link_secret, 'page', of.id)}"
    unsubscribe_url = f"{public_url}/u/{make_link_token(link_secret, 'unsubscribe', of.id)}"
    to = _addressee(contact, Channel.VOICE, of.sender, page_url, unsubscribe_url)
    slots = recipient_slots(to) | dict(contact.slots)
    return to.language, catalogue.render(contact.template, Channel.VOICE, to.language, slots).steps


def spoken_care(catalogue: Catalogue, of: Attempt) -> str:
    """Return what a call says to somebody in despair: whom to call, that a person comes, and no word of a debt."""
    to = _addressee(types_pb.Contact.FromString(of.contact), Channel.VOICE, of.sender, NO_LINK, NO_LINK)
    return catalogue.render(CARE, Channel.VOICE, to.language, recipient_slots(to)).steps["statement"]


def rendered_text(catalogue: Catalogue, contact: bytes, channel: Channel, sender: str) -> str:
    """Return what a contact said, without its links; of a call, what was to be said. Raises TemplateError."""
    told = types_pb.Contact.FromString(contact)
    to = _addressee(told, channel, sender, NO_LINK, NO_LINK)
    return catalogue.render(told.template, channel, to.language, recipient_slots(to) | dict(told.slots)).text


def _addressee(
    contact: types_pb.Contact, channel: Channel, sender: str, page_url: str, unsubscribe_url: str
) -> Addressee:
    recipient, loan = contact.recipient, contact.recipient.loan
    return Addressee(
        given_name=recipient.given_name,
        brand=recipient.brand,
        actor=recipient.actor,
        language=words.speak(recipient.language),
        channel=channel,
        currency=loan.currency,
        past_due_minor=loan.past_due_minor,
        balance_minor=loan.balance_minor,
        instalment_minor=loan.instalment_minor,
        page_url=page_url,
        unsubscribe_url=unsubscribe_url,
        sender=sender,
        regions=tuple(place.region for place in recipient.places),
    )
