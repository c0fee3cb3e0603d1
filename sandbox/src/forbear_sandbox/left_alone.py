"""Whether those whom a lot left alone were: what reached them in their two weeks, as the world saw it.

The lot holds reminders back and nothing else. It gives way to somebody who needs care or asked for contact meanwhile;
since when either was so is asked of the lender's files and of the services' log.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from forbear_sandbox.care import Log, Told
from forbear_sandbox.census import Contact, plain_id
from forbear_sandbox.stack import Stack

REMINDER: Final = 1  # forbear.types.v1.Purpose
LEFT_ALONE_FOR: Final = timedelta(days=14)
LOTS = """
SELECT b.ref, extract(epoch FROM l.drawn_at), extract(epoch FROM b.wished_at) FROM scheduler.contact_lot l
JOIN scheduler.borrower b USING (tenant_id, borrower_id) WHERE l.is_left_alone
"""


@dataclass(frozen=True, slots=True)
class Lots:
    """By borrower: since when a lot leaves them alone, and since when they have asked for a channel or a time."""

    drawn_at: Mapping[str, datetime]
    wished_at: Mapping[str, datetime]


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """What reached those whom a lot left alone, within their two weeks."""

    borrowers: int
    untouched: int  # borrowers to whom nothing came
    owed: int  # contacts of other kinds: duties, answers, what follows from them
    asked: int  # reminders to somebody who needed care or had asked, to whom the lot gives way
    broken: Sequence[Contact]  # all other reminders


def follow(contacts: Iterable[Contact], lots: Lots, told: Told, log: Log) -> LeftAlone:
    """Look at every contact that reached somebody in the two weeks after their lot."""
    owed, asked, broken, touched = 0, 0, list[Contact](), set[str]()
    for one in contacts:
        since = lots.drawn_at.get(one.borrower)
        if since is None or not since <= one.at < since + LEFT_ALONE_FOR:
            continue
        touched.add(one.borrower)
        _, purpose = log.attempts.get(plain_id(one.attempt), ("", REMINDER))
        began = [known for known in (lots.wished_at.get(one.borrower), log.rests.get(one.borrower)) if known]
        if purpose != REMINDER:
            owed += 1
        elif told.asked_for_care(one.borrower, one.at) or any(at < one.at for at in began):
            asked += 1
        else:
            broken.append(one)
    return LeftAlone(len(lots.drawn_at), len(lots.drawn_at) - len(touched), owed, asked, broken)


def read_lots(stack: Stack) -> Lots:
    """Read whom a lot left alone, as the superuser sees it."""
    rows = stack.select(LOTS)
    return Lots({ref: _instant(drawn) for ref, drawn, _ in rows}, {ref: _instant(at) for ref, _, at in rows if at})


def _instant(epoch: str) -> datetime:
    return datetime.fromtimestamp(float(epoch), tz=UTC)
