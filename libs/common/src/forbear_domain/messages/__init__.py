"""What we say to borrowers: approved, hash-locked templates, rendered from typed slots, in four languages.

    catalogue = Catalogue.load()
    slots = recipient_slots(Addressee(given_name=..., past_due_minor=61240, ...)) | contact.slots
    rendered = catalogue.render("reminder.gentle", Channel.SMS, "en", slots)

Nothing here reads a clock or the network. A text that was changed without a new approval, a missing slot or an unknown
template stops the message: `TemplateError`.
"""

from forbear_domain.messages.catalogue import LANGUAGES, Catalogue, Rendered, render_version
from forbear_domain.messages.compiled import TemplateError
from forbear_domain.messages.lint import Finding, Occasion, Severity, lint, lint_catalogue, lint_voicemail
from forbear_domain.messages.plain import day, money
from forbear_domain.messages.segments import gsm7, segments
from forbear_domain.messages.slots import SLOT_TYPES, Addressee, disclosure, recipient_slots

__all__ = [
    "LANGUAGES",
    "SLOT_TYPES",
    "Addressee",
    "Catalogue",
    "Finding",
    "Occasion",
    "Rendered",
    "Severity",
    "TemplateError",
    "day",
    "disclosure",
    "gsm7",
    "lint",
    "lint_catalogue",
    "lint_voicemail",
    "money",
    "recipient_slots",
    "render_version",
    "segments",
]
