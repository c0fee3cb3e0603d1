"""A reader that knows the sentences of the tracker's tests by heart, with the real one behind it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from forbear_replies import Action, Extract, Label, Lang, Reader, Reading, WantedChannel
from forbear_replies.labels import ACTION_OF, URGENCY


class ScriptedReader:
    """Reads the sentences of these tests as a good reader would, and everything else with the real one.

    What the tracker does about a meaning is tested here; what a sentence means is tested where the reader is.
    """

    def __init__(self, real: Reader) -> None:
        self._real = real

    def read(self, text: str, **context: Any) -> Reading:
        """Return the scripted meaning, or the real reader's."""
        if text not in SCRIPT:
            return self._real.read(text, **context)
        labels, extract = SCRIPT[text]
        actions = [ACTION_OF[label] for label in labels]
        return Reading(
            labels=frozenset(labels),
            extract=extract,
            confidence=0.95,
            action=min(actions, key=URGENCY.index),
            lang=Lang(context["lang"] or "en"),
            needs_person=Action.HAND_OVER in actions or Action.HELP_PERSON in actions,
        )


SCRIPT: dict[str, tuple[set[Label], Extract]] = {
    "I lost my job and cannot pay": ({Label.HARDSHIP}, Extract()),
    "Me quedé sin trabajo y no puedo pagar": ({Label.HARDSHIP}, Extract()),
    "我失业了,没有钱还款": ({Label.HARDSHIP}, Extract()),
    "我失業了,沒有錢還款": ({Label.HARDSHIP}, Extract()),
    "Could I pay in parts?": ({Label.PLAN_REQUEST}, Extract()),
    "How can I pay?": ({Label.QUESTION_HOW_TO_PAY}, Extract()),
    "Where do I pay?": ({Label.QUESTION_HOW_TO_PAY}, Extract()),
    "What ways are there to pay?": ({Label.QUESTION_HOW_TO_PAY}, Extract()),
    "Which account do I pay to?": ({Label.QUESTION_HOW_TO_PAY}, Extract()),
    "Please write to me in Spanish": ({Label.LANGUAGE_REQUEST}, Extract(language="es")),
    "Who is this? Is this a scam?": ({Label.IDENTITY_DOUBT}, Extract()),
    "I will pay $300 on Friday": (
        {Label.PROMISE_TO_PAY},
        Extract(amount=Decimal(300), currency="USD", date=date(2026, 3, 6)),
    ),
    "I will pay on Wednesday": ({Label.PROMISE_TO_PAY}, Extract(date=date(2026, 3, 4))),
    "I already paid yesterday": ({Label.ALREADY_PAID}, Extract()),
    "Call me instead of texting": ({Label.CHANNEL_PREFERENCE, Label.OPT_OUT}, Extract(channel=WantedChannel.VOICE)),
    "Only after 6 pm": ({Label.TIME_PREFERENCE}, Extract(not_before="18:00")),
    "Only after 5 pm": ({Label.TIME_PREFERENCE}, Extract(not_before="17:00")),
    "I want to end my life": ({Label.DISTRESS}, Extract()),
    "Wrong number, I am not Maria": ({Label.WRONG_PARTY}, Extract()),
    "Talk to my attorney": ({Label.ATTORNEY}, Extract()),
    "I filed for chapter 13": ({Label.BANKRUPTCY}, Extract()),
    "I never took out this loan": ({Label.DISPUTE}, Extract()),
    "My husband is on active duty": ({Label.MILITARY}, Extract()),
    "Maria died in January": ({Label.DECEASED}, Extract()),
    "I am not Maria, never contact me again": ({Label.WRONG_PARTY, Label.CEASE_ALL, Label.OPT_OUT}, Extract()),
    "Never contact me again in any way": ({Label.CEASE_ALL, Label.OPT_OUT}, Extract()),
}
