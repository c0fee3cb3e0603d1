"""Understands what a borrower wrote or said, decides what to do about it, and does it.

One transaction for one message, under the borrower's lock, so that two messages of one borrower are acted on in turn.
The words go into the transcript and nowhere else: no log, no metric, no other table. The ledger holds a commitment.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from forbear_chassis.postgres import Connection
from forbear_domain.arrangements import offers
from forbear_domain.model import ResponseKind
from forbear_replies import Label, Reading
from response_tracker import borrower_time, metrics, wire, words
from response_tracker.choices import read_choice, read_yes_no
from response_tracker.decision import ACTS, Decision, Situation, decide
from response_tracker.duties import Reason
from response_tracker.enact import enact
from response_tracker.events import Event
from response_tracker.heard import Heard, hear
from response_tracker.model import Attempt, part_id
from response_tracker.restraint import STANDING, restrain
from response_tracker.sealed import seal
from response_tracker.store import cases, conversations, outgoing
from response_tracker.store.conversations import Message, Table

SAME_WORDS_WITHIN = timedelta(hours=24)
SAME_WORDS_MAX = 2
IDENTITY_ASKED_WITHIN = timedelta(days=7)
IDENTITY_QUESTION = "identity.verify"


class Reader(Protocol):
    """Reads replies; `forbear_replies.Reader` in production."""

    def read(
        self, text: str, *, lang: str | None, channel: str, received_at: datetime, offered_letters: bool = False
    ) -> Reading:
        """Return what a text means; never raises."""


@dataclass(frozen=True, slots=True)
class Words:
    """What somebody wrote or said. `is_stop`: the provider itself took it as an opt-out."""

    of: Attempt
    text: str
    is_direct: bool
    source: str = "reply"
    is_stop: bool = False


async def converse(connection: Connection, reader: Reader, event: Event, said: Words) -> str:
    """Act on one message and return its fate: "answered" or "silent"."""
    decision = await act_on(connection, reader, event, said)
    return "answered" if decision.answer else "silent"


async def act_on(connection: Connection, reader: Reader, event: Event, said: Words) -> Decision:
    """Act on what somebody wrote or said, and return what was done about it."""
    heard = await hear(connection, event, said.of, source=said.source, is_direct=said.is_direct)
    reading = reader.read(
        said.text,
        lang=heard.language,
        channel=said.of.channel.label,
        received_at=event.received_at.astimezone(heard.snapshot.zone),
    )
    table = await conversations.open_offers(connection, said.of, event.received_at)
    decision = await _decide(connection, heard, said, reading, table)
    heard = replace(heard, language=_answer_language(decision, reading, heard))
    await _write_down(connection, heard, said, reading)
    await enact(connection, heard, decision, table)
    return decision


async def _decide(connection: Connection, heard: Heard, said: Words, reading: Reading, table: Table | None) -> Decision:
    of, at = said.of, heard.at
    standing = await outgoing.kinds_standing(connection, of.tenant_id, of.borrower_id, STANDING)
    asked = await conversations.last_said(connection, of, at - IDENTITY_ASKED_WITHIN)
    if asked == IDENTITY_QUESTION and (is_borrower := read_yes_no(said.text)) is not None:
        answered = IDENTITY_CONFIRMED if is_borrower else IDENTITY_DENIED
        return restrain(answered, standing, is_collector=heard.snapshot.is_collector)
    same = await conversations.count_same_words(connection, of, said.text, at - SAME_WORDS_WITHIN)
    choice = read_choice(said.text) if table is not None else None
    situation = Situation(
        today=heard.today,
        channel=heard.channel,
        can_offer=bool(offers(heard.snapshot.terms, heard.today)),
        can_pay=bool(heard.snapshot.payment_url),
        answers_today=await conversations.count_answers(
            connection, of, borrower_time.day_starts(heard.today, heard.snapshot.zone)
        ),
        answers_this_week=await conversations.count_answers(connection, of, at - timedelta(days=7)),
        choice=choice,
        is_repeated=same >= SAME_WORDS_MAX,
        is_with_person=await cases.is_open(connection, of, Reason.TALKED_TOO_MUCH),
    )
    if said.is_stop and Label.OPT_OUT not in reading.labels:
        reading = replace(reading, labels=reading.labels.difference(_ALONE) | {Label.OPT_OUT})
    return restrain(decide(reading, situation), standing, is_collector=heard.snapshot.is_collector)


_ALONE = frozenset({Label.ACKNOWLEDGEMENT, Label.OTHER})
_WRONG_PARTY = ACTS[Label.WRONG_PARTY]
IDENTITY_CONFIRMED = Decision(answer="reminder.gentle")
IDENTITY_DENIED = Decision(
    bars=(_WRONG_PARTY.bar,) if _WRONG_PARTY.bar else (),
    responses=(ResponseKind.OPTED_OUT,),
)


def _answer_language(decision: Decision, reading: Reading, heard: Heard) -> str:
    """Answer in the language asked for, else in the one written in; a bare choice tells nothing about language."""
    if decision.wish.language:
        return decision.wish.language
    return heard.language if decision.choice is not None else words.speak(reading.lang.value)


async def _write_down(connection: Connection, heard: Heard, said: Words, reading: Reading) -> None:
    labels = tuple(sorted(label.value for label in reading.labels))
    sealed = seal(said.text)
    message = Message(
        id=part_id(heard.event_id, "words"),
        is_inbound=True,
        channel=heard.channel,
        at=heard.at,
        text=said.text,
        language=reading.lang.value,
        labels=labels,
        confidence=reading.confidence,
        salt=sealed.salt,
    )
    await conversations.add_message(connection, said.of, message)
    statement = wire.words_statement(said.of, message, sealed.commitment)
    await outgoing.hand_over(connection, outgoing.STATEMENTS, [statement])
    for label in labels:
        metrics.READINGS.labels(label).inc()
    if reading.needs_person:
        metrics.UNSURE.inc()
