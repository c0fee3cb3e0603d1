"""Carries out what was asked for by a key of a call or a button of the page: the same for both."""

from __future__ import annotations

from forbear_chassis.postgres import Connection
from forbear_domain.model import ResponseKind
from response_tracker.decision import Decision
from response_tracker.duties import Reason
from response_tracker.enact import enact
from response_tracker.heard import Heard
from response_tracker.restraint import HELD_BACK, STANDING, is_held_back, restrain
from response_tracker.store import conversations, outgoing

_NO_LONGER_OFFERED = Decision(cases=(Reason.NO_OFFER,), responses=(ResponseKind.HANDED_OVER,))
_ABOUT_MONEY = Decision(is_offering=True)  # what a step that speaks of money asks the restraint, as an offer does


async def carry_out(connection: Connection, heard: Heard, asked: Decision) -> str:
    """Carry out what may be done beside the bars that stand, and return the fate of the event.

    An option that is not on the table any more is agreed by nobody: a person sees to it.
    """
    of, table = heard.of, None
    if asked.choice is not None:
        table = await conversations.open_offers(connection, of, heard.at)
        if table is None or table.take(asked.choice) is None:
            asked = _NO_LONGER_OFFERED
    standing = await outgoing.kinds_standing(connection, of.tenant_id, of.borrower_id, STANDING)
    allowed = restrain(asked, standing, is_collector=heard.snapshot.is_collector)
    await enact(connection, heard, allowed, table)
    if is_held_back(asked, allowed):
        return HELD_BACK
    return "answered" if allowed.answer else "silent"


async def is_silent_about_money(connection: Connection, heard: Heard) -> bool:
    """Return whether a bar that stands keeps a call from naming an amount or options; a person then sees to it."""
    of = heard.of
    standing = await outgoing.kinds_standing(connection, of.tenant_id, of.borrower_id, STANDING)
    allowed = restrain(_ABOUT_MONEY, standing, is_collector=heard.snapshot.is_collector)
    if allowed is _ABOUT_MONEY:
        return False
    await enact(connection, heard, allowed)
    return True
