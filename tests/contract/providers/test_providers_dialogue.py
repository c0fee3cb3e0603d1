"""The call as a dialogue: what each key does, what a machine hears, and that no value becomes markup."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forbear_domain.messages import LANGUAGES, Catalogue
from forbear_domain.messages.lint import sample
from forbear_domain.model import Channel
from forbear_providers.call_dialogue import CallAction, decide
from forbear_providers.contract import CallParty, VoiceEvent
from forbear_providers.twilio_voice import twiml, wait

CATALOGUE = Catalogue.load()
CALL_URL = "https://tracker.example.com/twilio/voice/0f8fad5b-d9cb-469f-a165-70867728950e"
VERBS = {"Response", "Say", "Gather", "Hangup", "Pause", "Redirect", "Dial"}


def steps(language: str = "en") -> dict[str, str]:
    """Return the spoken texts of a usual reminder."""
    version = CATALOGUE.find("reminder.gentle", Channel.VOICE, language)
    slots = sample(version, "collector", is_first=False)
    return dict(CATALOGUE.render("reminder.gentle", Channel.VOICE, language, slots).steps)


def heard(digits: str = "", speech: str = "", party: CallParty = CallParty.UNKNOWN) -> VoiceEvent:
    """Make one step's event."""
    return VoiceEvent("CA1", digits, speech, party)


@pytest.mark.parametrize(
    ("step", "event", "expected"),
    [
        ("", heard(party=CallParty.PERSON), CallAction.ASK_IDENTITY),
        ("", heard(), CallAction.ASK_IDENTITY),
        ("", heard(party=CallParty.MACHINE), CallAction.LEAVE_VOICEMAIL),
        ("identity", heard("1"), CallAction.STATE_AND_OFFER),
        ("identity", heard(speech="Yes, it is."), CallAction.STATE_AND_OFFER),
        ("identity", heard(speech="Sí, soy yo"), CallAction.STATE_AND_OFFER),
        ("identity", heard(speech="是的。"), CallAction.STATE_AND_OFFER),
        ("identity", heard(speech="yes I don't know him"), CallAction.ASK_IDENTITY_AGAIN),
        ("identity", heard("2"), CallAction.WRONG_PARTY),
        ("identity", heard(speech="wrong number!"), CallAction.WRONG_PARTY),
        ("identity", heard("9"), CallAction.STOP_CALLS),
        ("identity", heard(), CallAction.ASK_IDENTITY_AGAIN),
        ("identity-again", heard("1"), CallAction.STATE_AND_OFFER),
        ("identity-again", heard("7"), CallAction.SAY_GOODBYE),
        ("identity", heard("1", party=CallParty.MACHINE), CallAction.SAY_GOODBYE),
        ("menu", heard("1"), CallAction.TAKE_PROMISE),
        ("menu", heard("2"), CallAction.OFFER_OPTIONS),
        ("menu", heard("3"), CallAction.CALL_LATER),
        ("menu", heard("0"), CallAction.TO_PERSON),
        ("menu", heard("9"), CallAction.STOP_CALLS),
        ("menu", heard(speech="stop calling"), CallAction.STOP_CALLS),
        ("menu", heard(speech="yes"), CallAction.OFFER_AGAIN),
        ("menu", heard(), CallAction.OFFER_AGAIN),
        ("menu-again", heard(), CallAction.SAY_GOODBYE),
        ("options", heard("1"), CallAction.TAKE_OPTION_1),
        ("options", heard("2"), CallAction.TAKE_OPTION_2),
        ("options", heard("3"), CallAction.OFFER_OPTIONS_AGAIN),
        ("options-again", heard("3"), CallAction.SAY_GOODBYE),
        ("no-such-step", heard("1"), CallAction.SAY_GOODBYE),
    ],
)
def test_each_key_and_word_has_its_consequence(step: str, event: VoiceEvent, expected: CallAction) -> None:
    """One more question where nothing was understood, then a kind end; a machine hears no menu."""
    assert expected is decide(step, event)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("action", list(CallAction))
def test_every_action_is_spoken_in_every_language(action: CallAction, language: str) -> None:
    """Well-formed TwiML with text in it, in the language of the borrower."""
    root = ET.fromstring(twiml(action, steps(language), language, CALL_URL))

    said = root.findall(".//Say")
    assert {element.tag for element in root.iter()} <= VERBS
    assert said
    assert all(one.text for one in said)
    assert {one.get("language") for one in said} == {
        {"en": "en-US", "es": "es-US", "zh-Hans": "zh-CN"}.get(language, "zh-TW")
    }


def test_the_debt_is_named_only_after_the_identity() -> None:
    """Until the person said who they are, neither amount nor collector is heard; a machine never hears them."""
    texts = steps()
    before = [CallAction.ASK_IDENTITY, CallAction.ASK_IDENTITY_AGAIN, CallAction.LEAVE_VOICEMAIL,
              CallAction.WRONG_PARTY, CallAction.STOP_CALLS, CallAction.SAY_GOODBYE]  # fmt: skip

    for action in before:
        said = twiml(action, texts, "en", CALL_URL)
        assert "$" not in said
        assert "debt" not in said
    assert "debt collector" in twiml(CallAction.STATE_AND_OFFER, texts, "en", CALL_URL)


def test_asking_leads_to_the_next_step_of_the_same_call() -> None:
    """The action URL is the call's own, with the step at its end; silence comes back to us too."""
    gather = ET.fromstring(twiml(CallAction.STATE_AND_OFFER, steps(), "en", CALL_URL)).find("Gather")

    assert gather is not None
    assert gather.get("action") == f"{CALL_URL}/menu"
    assert gather.get("input") == "dtmf speech"
    assert gather.get("actionOnEmptyResult") == "true"


def test_a_person_is_dialled_where_there_is_a_number() -> None:
    """Without a number of ours the call ends with the promise that somebody calls back."""
    with_number = ET.fromstring(twiml(CallAction.TO_PERSON, steps(), "en", CALL_URL, transfer_to="+12125550100"))
    without = ET.fromstring(twiml(CallAction.TO_PERSON, steps(), "en", CALL_URL))

    assert [element.tag for element in with_number] == ["Say", "Dial"]
    assert [element.tag for element in without] == ["Say", "Hangup"]


def test_a_voicemail_that_may_not_be_left_is_silence() -> None:
    """No natural person named: the call ends without a word."""
    root = ET.fromstring(twiml(CallAction.LEAVE_VOICEMAIL, {**steps(), "voicemail": ""}, "en", CALL_URL))

    assert [element.tag for element in root] == ["Hangup"]


def test_an_attempt_that_is_not_known_yet_is_asked_for_again() -> None:
    """Two seconds later, at the same URL."""
    root = ET.fromstring(wait(CALL_URL + "?try=1&x=<"))

    assert [element.tag for element in root] == ["Pause", "Redirect"]
    assert root[1].text == CALL_URL + "?try=1&x=<"


@settings(max_examples=300, deadline=None)
@given(value=st.text(max_size=80), action=st.sampled_from(list(CallAction)))
def test_no_value_becomes_markup(value: str, action: CallAction) -> None:
    """Whatever a text holds, it is spoken or left out; the verbs stay those of the action (TwiML injection)."""
    texts = dict.fromkeys(steps(), value or "x")
    plain = ET.fromstring(twiml(action, dict.fromkeys(steps(), "x"), "en", CALL_URL))

    root = ET.fromstring(twiml(action, texts, "en", CALL_URL))

    assert [element.tag for element in plain.iter()] == [element.tag for element in root.iter()]
