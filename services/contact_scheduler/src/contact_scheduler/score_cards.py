"""Trained score cards as files: one JSON document each for ability and willingness."""

from __future__ import annotations

from pathlib import Path

from contact_scheduler.learning.scorecard import Scorecard
from contact_scheduler.learning.scores import IN_USE, PROTECTED, Cards

NAMES = ("ability", "willingness")


class CardsRefused(Exception):
    """A table or a card cannot be used; the message names the file, the place and how to mend it."""


def read_cards(folder: Path) -> Cards:
    """Read both cards of a folder; raises CardsRefused for one that is missing, damaged or reads what it must not."""
    ability, willingness = (_read(folder / f"{name}.json") for name in NAMES)
    return ability, willingness


def never_known(cards: Cards) -> list[str]:
    """Return the inputs of trained cards that the service never knows in use, by name."""
    return sorted({attribute.name for card in cards for attribute in card.attributes} - IN_USE)


def _read(path: Path) -> Scorecard:
    try:
        card = Scorecard.from_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CardsRefused(f"{path}: {error.strerror}; write it with `train-scores`") from None
    except (ValueError, TypeError, KeyError) as error:
        raise CardsRefused(f"{path}: {error}; write it with `train-scores`") from None
    forbidden = PROTECTED.intersection(attribute.name for attribute in card.attributes)
    if forbidden:
        raise CardsRefused(f"{path}: it reads protected attributes: {', '.join(sorted(forbidden))}")
    return card
