"""Facts for the policy tests: one ordinary reminder that every rule allows, to be changed in one thing at a time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from forbear_domain.policy import (
    Actor,
    Address,
    AddressKind,
    CallResult,
    Channel,
    Consent,
    ConsentKind,
    Debt,
    Direction,
    Facts,
    PastContact,
    Place,
    Suppression,
    SuppressionKind,
    load_packs,
    rules_for,
)
from forbear_domain.policy.rules import RuleSet

PACKS = load_packs()
NOW = datetime(2026, 6, 10, 15, 0, tzinfo=UTC)  # Wednesday, 11:00 in New York
NEW_YORK = Place(frozenset({"America/New_York"}), frozenset({"US"}))

ORDINARY = Facts(
    actor=Actor.COLLECTOR,
    channel=Channel.SMS,
    place=NEW_YORK,
    debts=(Debt("D1", "credit_card"),),
    address=Address("a", AddressKind.MOBILE),
    consents=(
        Consent(ConsentKind.SMS, NOW - timedelta(days=10)),
        Consent(ConsentKind.EMAIL, NOW - timedelta(days=10)),
    ),
)


def place(zone: str, *jurisdictions: str) -> Place:
    """Somewhere with one zone."""
    return Place(frozenset({zone}), frozenset(jurisdictions))


def rules_of(facts: Facts, house: bool = True) -> RuleSet:
    """All rules for the place of the facts."""
    return rules_for(PACKS, facts.place.jurisdictions, NOW.date(), house=house)


def calls(*ago: timedelta, result: CallResult = CallResult.NO_ANSWER) -> tuple[PastContact, ...]:
    """Outgoing calls about D1, so long before NOW."""
    return tuple(PastContact(NOW - one, Channel.VOICE, result=result, debts=("D1",)) for one in ago)


def messages(channel: Channel, *ago: timedelta) -> tuple[PastContact, ...]:
    """Outgoing messages about D1, so long before NOW."""
    return tuple(PastContact(NOW - one, channel, result=CallResult.DELIVERED, debts=("D1",)) for one in ago)


DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
CALL = replace(ORDINARY, channel=Channel.VOICE)
MAIL = replace(ORDINARY, channel=Channel.EMAIL)
MA = place("America/New_York", "US-MA")
DC = place("America/New_York", "US-DC")
NYC = place("America/New_York", "US-NYC")
CN = place("Asia/Shanghai", "CN")


def suppressed(kind: SuppressionKind, **narrowed: object) -> tuple[Suppression, ...]:
    """One state since yesterday."""
    return (Suppression(kind, NOW - DAY, **narrowed),)  # type: ignore[arg-type]


def conversation(days_ago: float, direction: Direction = Direction.OUT) -> tuple[PastContact, ...]:
    """A call in which the consumer talked with us about D1."""
    at = NOW - timedelta(days=days_ago)
    return (PastContact(at, Channel.VOICE, direction, CallResult.CONVERSATION, debts=("D1",)),)


def on_days(count: int, result: CallResult = CallResult.NO_ANSWER) -> tuple[PastContact, ...]:
    """One call on each of the last `count` days before today."""
    return calls(*(number * DAY for number in range(1, count + 1)), result=result)
