"""The dialogue of a call, whoever carries it: what is said first, what a key or an utterance leads to. Pure.

It never names a debt before the person has said who they are, and leaves a machine nothing but the limited content that
a voicemail may hold. A provider's file says an action in its own language, from the texts that `spoken` picks.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from forbear_providers.contract import CallParty, VoiceEvent

GATHER_TIMEOUT_S = 6  # how long an answer is waited for


class CallAction(Enum):
    """What happens next in a call. The value is the step of the texts that is spoken."""

    ASK_IDENTITY = "greeting"
    ASK_IDENTITY_AGAIN = "greeting_again"
    LEAVE_VOICEMAIL = "voicemail"
    STATE_AND_OFFER = "statement"  # the person said who they are: now, and only now, the matter itself
    OFFER_AGAIN = "menu"
    OFFER_OPTIONS = "options"  # the person cannot pay
    OFFER_OPTIONS_AGAIN = "options_again"
    TAKE_PROMISE = "promise_noted"
    TAKE_OPTION_1 = "option_noted"
    TAKE_OPTION_2 = "option_2_noted"
    CALL_LATER = "later_noted"
    STOP_CALLS = "stopped"
    TO_PERSON = "person"
    WRONG_PARTY = "wrong_party"
    SAY_GOODBYE = "goodbye"


_KEYS: dict[str, dict[str, CallAction]] = {
    "identity": {
        "1": CallAction.STATE_AND_OFFER,
        "2": CallAction.WRONG_PARTY,
        "9": CallAction.STOP_CALLS,
    },
    "menu": {
        "1": CallAction.TAKE_PROMISE,
        "2": CallAction.OFFER_OPTIONS,
        "3": CallAction.CALL_LATER,
        "0": CallAction.TO_PERSON,
        "9": CallAction.STOP_CALLS,
    },
    "options": {
        "1": CallAction.TAKE_OPTION_1,
        "2": CallAction.TAKE_OPTION_2,
        "0": CallAction.TO_PERSON,
        "9": CallAction.STOP_CALLS,
    },
}
_AGAIN = {
    "identity": CallAction.ASK_IDENTITY_AGAIN,
    "menu": CallAction.OFFER_AGAIN,
    "options": CallAction.OFFER_OPTIONS_AGAIN,
}
# Whole utterances only: "no" inside a sentence is no answer to "is that you?".
_SAID = {
    "1": (
        "yes", "yes it is", "yes i am", "yeah", "speaking", "this is me", "sí", "si", "sí soy yo", "soy yo",
        "是", "是的", "是我", "我是", "對", "对",
    ),
    "2": ("no", "wrong number", "no soy yo", "número equivocado", "不是", "不是我", "打错了", "打錯了"),
    "9": (
        "stop", "stop calling", "no more calls", "do not call", "alto", "no llame más",
        "不要再打", "别打了", "別打了", "退订", "退訂",
    ),
}  # fmt: skip
_MEANT = {"identity": "129", "menu": "9", "options": "9"}


def decide(step: str, event: VoiceEvent) -> CallAction:
    """Return what happens after `step` ("" at the start of a call, else the last part of the URL that was called).

    What was not understood is asked once more; after that the call ends kindly. A machine never hears more than the
    voicemail, at whatever step it is found out.
    """
    if event.party is CallParty.MACHINE:
        return CallAction.LEAVE_VOICEMAIL if step == "" else CallAction.SAY_GOODBYE
    if step == "":
        return CallAction.ASK_IDENTITY
    name = step.removesuffix("-again")
    if name not in _KEYS:
        return CallAction.SAY_GOODBYE
    key = event.digits[:1] or _key_said(name, event.speech)
    if key in _KEYS[name]:
        return _KEYS[name][key]
    return CallAction.SAY_GOODBYE if step.endswith("-again") else _AGAIN[name]


def _key_said(name: str, speech: str) -> str:
    said = re.sub(r"[^\w ]+", "", unicodedata.normalize("NFKC", speech)).casefold().strip()
    return next((key for key in _MEANT[name] if said in _SAID[key]), "")


_ASKING: dict[CallAction, tuple[str, tuple[str, ...]]] = {
    CallAction.ASK_IDENTITY: ("identity", ("greeting",)),
    CallAction.ASK_IDENTITY_AGAIN: ("identity-again", ("again", "greeting")),
    CallAction.STATE_AND_OFFER: ("menu", ("statement", "menu")),
    CallAction.OFFER_AGAIN: ("menu-again", ("again", "menu")),
    CallAction.OFFER_OPTIONS: ("options", ("options",)),
    CallAction.OFFER_OPTIONS_AGAIN: ("options-again", ("again", "options")),
}


class Spoken(NamedTuple):
    """What is said, and the step that an answer leads to; without one the call ends, or goes to a person."""

    texts: tuple[str, ...]
    step: str = ""


def spoken(action: CallAction, steps: Mapping[str, str]) -> Spoken:
    """Return what an action says. `steps` are those of the rendered message; a step without a text is silent."""
    if action in _ASKING:
        step, names = _ASKING[action]
        return Spoken(tuple([steps[name] for name in names if steps[name]]), step)
    text = steps["option_noted" if action is CallAction.TAKE_OPTION_2 else action.value]
    return Spoken((text,) if text else ())
