"""A campaign's page in words: what a plan came to, what the states mean, what stands behind the name of a rule."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

from contact_scheduler.contacts import ContactPhase
from contact_scheduler.planning.candidates import Skipped
from forbear_domain.policy import load_packs

SAID_OF_STATE: Final = {  # in the order of a contact's life
    ContactPhase.PLANNED: "waits for its hour",
    ContactPhase.RELEASED: "with the dispatcher, which asks law and limits once more before it sends",
    ContactPhase.ACCEPTED: "taken by the provider",
    ContactPhase.UNKNOWN: "the provider did not say whether it was taken; never sent again by itself",
    ContactPhase.REFUSED: "by law, by a limit or by the provider",
    ContactPhase.EXPIRED: "its time ran out before it could go",
    ContactPhase.RECALLED: "taken back from the dispatcher",
    ContactPhase.CANCELLED: "given up before it was released",
}
SAID_OF_SKIPPED: Final = {
    Skipped.PAUSED: "are left in peace",
    Skipped.OPEN: "have a contact planned or on its way",
    Skipped.RESTING: "rest after the last one",
    Skipped.UNREACHABLE: "agreed to no channel of the campaign",
    Skipped.UNLAWFUL: "have no lawful hour",
    Skipped.NOT_WORTH: "found no room, or no contact worth making",
    Skipped.LEFT_ALONE: "are left alone by lot",
}


def tell_plan(counts: Mapping[str, int]) -> str:
    """Say what became of a plan's audience; the numbers add up to it.

    `counts` are borrowers, as `plan_run` keeps them; a name that an older plan did not know counts as none.
    """
    planned, explored, control = (counts.get(name, 0) for name in ("planned", "explored", "control"))
    contacted = planned + explored + control
    told = (
        f"of {counts['audience']:,} borrowers in the audience {contacted:,} get a contact: {planned:,} as the model "
        f"chose, {explored:,} by lot to explore, {control:,} by lot as the control group."
    )
    skipped = [
        f"{counts[reason.label]:,} {words}" for reason, words in SAID_OF_SKIPPED.items() if counts.get(reason.label)
    ]
    return f"{told} Of the others {', '.join(skipped)}." if skipped else told


def meaning_of(reason: str) -> str:
    """Return what a rule asks for, of several parts the first; of a code that is no rule, its words."""
    parts = _parts_of_rules().get(reason)
    if parts is None:
        return reason.replace("_", " ")
    return parts[0] if len(parts) == 1 else f"{parts[0]} And {len(parts) - 1} more."


@cache
def _parts_of_rules() -> dict[str, tuple[str, ...]]:
    parts: dict[str, dict[str, None]] = {}
    for pack in load_packs().values():
        for rule in pack.rules:
            parts.setdefault(rule.id, {})[rule.summary] = None
    return {name: tuple(told) for name, told in parts.items()}
