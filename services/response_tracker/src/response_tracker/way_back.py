"""Which bars a person may lift, on which ground, and why others not. Pure, and one table.

What the borrower decided - to be left alone at an address, by a channel, or by everybody - only the borrower can take
back, in words of their own that are consent anew. What waits for a fact ends with that fact: a person states it by
name, and it stands in the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from forbear_domain.model import SuppressionKind


@dataclass(frozen=True, slots=True)
class Lift:
    """The grounds on which a person may lift a bar, as short constants; none where no person may. `rule` says why."""

    bases: tuple[str, ...]
    rule: str


_K = SuppressionKind
_THEIRS = "Only the borrower can take this back, in words of their own"
LIFTS: Mapping[SuppressionKind, Lift] = {
    _K.OPT_OUT: Lift((), f"{_THEIRS} (47 CFR 64.1200(a)(10); 12 CFR 1006.6(e))."),
    _K.CHANNEL_REFUSED: Lift((), f"{_THEIRS} (12 CFR 1006.14(h))."),
    _K.CEASE: Lift((), f"{_THEIRS} (12 CFR 1006.6(c))."),
    _K.INCONVENIENT_TIME: Lift((), f"{_THEIRS} (12 CFR 1006.6(b)(1), comment 1)."),
    _K.INCONVENIENT_PLACE: Lift((), f"{_THEIRS} (12 CFR 1006.6(b)(1)(ii))."),
    _K.WORK_BARRED: Lift((), f"{_THEIRS}, or give us another number (12 CFR 1006.6(b)(3))."),
    _K.WRONG_PARTY: Lift((), "The address belongs to somebody else; import the right one (12 CFR 1006.6(d)(1))."),
    _K.ATTORNEY: Lift(
        ("attorney_consents", "no_longer_represented", "attorney_does_not_respond"),
        "When the attorney consents, no longer acts, or does not respond in a reasonable time (12 CFR 1006.6(b)(2)).",
    ),
    _K.BANKRUPTCY: Lift(
        ("case_dismissed", "stay_lifted", "no_case_found"),
        "When the case is dismissed, the stay is lifted for this debt, or there is no case (11 USC 362); never after a "
        "discharge (11 USC 524(a)(2)).",
    ),
    _K.DECEASED: Lift(("not_deceased",), "When it was a mistake (12 CFR 1006.6(a)(4))."),
    _K.DISPUTE: Lift(
        ("verification_sent", "corrected", "withdrawn"),
        "When the verification was sent, the debt was corrected, or the dispute was withdrawn (12 CFR 1006.38(d)(2)).",
    ),
    _K.MILITARY: Lift(
        ("not_on_active_duty", "borrower_asks_for_messages"),
        "When nobody is on active duty, or the borrower asks for the messages (house rule; 50 USC 3937 and 3953).",
    ),
    _K.DISTRESS: Lift(("spoken_with_borrower",), "When a person has spoken with the borrower (house rule)."),
    _K.HARDSHIP: Lift(
        ("able_to_pay_again", "borrower_asks_for_messages"),
        "When the borrower can pay again or asks for the messages (house rule).",
    ),
    _K.PAID: Lift(("payment_not_found",), "When the payment was looked for and not found (house rule)."),
    _K.PROMISE: Lift((), "It ends by itself, with the promise."),
    _K.ARRANGEMENT: Lift((), "It ends by itself, with the arrangement."),
}

_CEASE_OF_ANOTHER = Lift(
    ("somebody_else_wrote",),
    "When it was not the borrower who demanded it (12 CFR 1006.6(c) speaks of the consumer); the address stays barred.",
)


def lift_of(kind: SuppressionKind, *, is_doubted: bool) -> Lift:
    """Return the grounds on which a bar may be lifted; `is_doubted`: a person is to find out who asked for it."""
    return _CEASE_OF_ANOTHER if kind is _K.CEASE and is_doubted else LIFTS[kind]
