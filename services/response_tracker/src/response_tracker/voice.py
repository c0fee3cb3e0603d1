"""Acts on what is keyed or said in a call. What is spoken back is made of approved texts, in the provider's language.

A key acts as a reply does: the same decisions, carried out by the same code. Words that no key explains go to the
reader of replies, so that "stop" and despair are heard in a call too. No debt is named before the person has said who
they are; a machine hears only what a voicemail may hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from forbear_chassis.postgres import Connection
from forbear_domain.arrangements import Option
from forbear_domain.messages import Catalogue
from forbear_domain.messages.crisis import CARE
from forbear_domain.model import ResponseKind, SuppressionKind
from forbear_providers import twilio_voice
from forbear_providers.accounts import module_of
from forbear_providers.call_dialogue import CallAction, decide
from forbear_providers.contract import CallParty, DeliveryEvent, ReceiptState, VoiceEvent
from forbear_replies import Label
from response_tracker.by_button import carry_out, is_silent_about_money
from response_tracker.converse import Reader, Words, act_on
from response_tracker.decision import ACTS, CONFIRMATIONS, HARDSHIP_DAYS, Bar, Decision, Scope
from response_tracker.duties import Reason
from response_tracker.enact import open_case
from response_tracker.events import Event
from response_tracker.forms import read_form, storable
from response_tracker.gateways import split
from response_tracker.heard import Heard, hear
from response_tracker.model import Attempt, PromiseTerms
from response_tracker.restraint import CARED, HELD_BACK
from response_tracker.scripts import spoken_care, spoken_steps
from response_tracker.store import attempts
from response_tracker.track import Told, record

PROMISE_DAYS = 3  # what "I promise a payment" by keypress means, and the confirmation says so
STEP = "forbear_step"  # the step of the call, kept with the raw form of the event

_A = CallAction
_NOT_UNDERSTOOD = frozenset({_A.ASK_IDENTITY_AGAIN, _A.OFFER_AGAIN, _A.OFFER_OPTIONS_AGAIN, _A.SAY_GOODBYE})
# What words may lead to, most urgent first; before the person is known, only what protects.
_WORDS: tuple[tuple[Label, CallAction, bool], ...] = (
    (Label.DISTRESS, _A.TO_PERSON, True),
    (Label.WRONG_PARTY, _A.WRONG_PARTY, True),
    (Label.CEASE_ALL, _A.STOP_CALLS, True),
    (Label.OPT_OUT, _A.STOP_CALLS, True),
    (Label.DECEASED, _A.TO_PERSON, True),
    (Label.ATTORNEY, _A.TO_PERSON, True),
    (Label.BANKRUPTCY, _A.TO_PERSON, True),
    (Label.MILITARY, _A.TO_PERSON, False),
    (Label.DISPUTE, _A.TO_PERSON, False),
    (Label.HARDSHIP, _A.OFFER_OPTIONS, False),
    (Label.PLAN_REQUEST, _A.OFFER_OPTIONS, False),
    (Label.PROMISE_TO_PAY, _A.TAKE_PROMISE, False),
    (Label.HUMAN_REQUEST, _A.TO_PERSON, True),
)
_STATES: Mapping[CallAction, ReceiptState] = {
    _A.LEAVE_VOICEMAIL: ReceiptState.MACHINE,
    _A.STATE_AND_OFFER: ReceiptState.CONVERSED,
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a call, understood. `labels` are those of words that no key explained."""

    action: CallAction
    event: VoiceEvent
    is_by_words: bool


class Voice:
    """Answers calls."""

    def __init__(self, catalogue: Catalogue, reader: Reader, public_url: str, link_secret: str) -> None:
        self._catalogue = catalogue
        self._reader = reader
        self._public_url = public_url
        self._link_secret = link_secret

    def understand(self, step: str, form: Mapping[str, str], at: datetime, provider: str = "") -> Step:
        """Return what happens after a step. The same request gives the same answer. Raises PayloadError.

        `provider` is one of the accounts file; empty: Twilio.
        """
        event: VoiceEvent = (module_of(provider) if provider else twilio_voice).parse_voice(form)
        action = decide(step, event)
        if action not in _NOT_UNDERSTOOD or not event.speech or event.party is CallParty.MACHINE:
            return Step(action, event, is_by_words=False)
        reading = self._reader.read(event.speech, lang=None, channel="voice", received_at=at)
        is_known = not step.startswith("identity")
        for label, meant, before_identity in _WORDS:
            if label in reading.labels and (is_known or before_identity):
                return Step(meant, event, is_by_words=True)
        return Step(action, event, is_by_words=False)

    def answer(
        self, of: Attempt, step: str, form: Mapping[str, str], at: datetime, fate: str, provider: str = ""
    ) -> str:
        """Return the document that the call goes on with, as the provider wants it. Raises TemplateError.

        It says what was asked for, or whom to call after words of despair, or that a person follows.
        """
        action = CallAction.TO_PERSON
        if fate not in (CARED, HELD_BACK):
            action = self.understand(step, form, at, provider).action
        language, steps = spoken_steps(self._catalogue, of, self._public_url, self._link_secret)
        if fate == CARED:
            steps = {**steps, action.value: spoken_care(self._catalogue, of)}
        if not provider:
            return twilio_voice.twiml(action, steps, language, f"{self._public_url}/twilio/voice/{of.id}")
        url = f"{self._public_url}/gateway/{provider}/voice/{of.id}"
        document: str = module_of(provider).script(action, steps, language, url)
        return document

    async def act(self, connection: Connection, event: Event, of: Attempt) -> str:
        """Act on one step of a call and return the fate of its event."""
        provider, body = split(event.body)
        form = read_form(body)
        step = self.understand(form.get(STEP, ""), form, event.received_at, provider)
        if step.is_by_words:
            fate = await self._hear_words(connection, event, of, step)
        else:
            heard = await hear(connection, event, of, source="keypress", is_direct=True)
            fate = await _take_key(connection, heard, step.action)
        await _note_state(connection, event, of, step, is_held_back=fate == HELD_BACK)
        return fate

    async def _hear_words(self, connection: Connection, event: Event, of: Attempt, step: Step) -> str:
        """Act on words as on a reply; what the call says next is no more than what was done about them."""
        said = Words(of, storable(step.event.speech), is_direct=True, source="speech")
        done = await act_on(connection, self._reader, event, said)
        if done.answer == CARE:
            return CARED
        if not _is_given(step.action, done):
            if not done.cases:
                heard = await hear(connection, event, of, source="speech", is_direct=True)
                await open_case(connection, heard, Reason.HUMAN_REQUEST)
            return HELD_BACK
        return "answered" if done.answer else "silent"


def _is_given(action: CallAction, done: Decision) -> bool:
    """Return whether what an action says is so: a promise is noted, and options are offered, only where they are."""
    if action is CallAction.TAKE_PROMISE:
        return done.promise is not None
    return action is not CallAction.OFFER_OPTIONS or done.is_offering


async def _take_key(connection: Connection, heard: Heard, action: CallAction) -> str:
    """Act on a key, or on none: what is read aloud next is asked of the bars that stand, as what is agreed is."""
    if action in _SPEAKS_OF_MONEY:
        return HELD_BACK if await is_silent_about_money(connection, heard) else "recorded"
    decision = _decide(action, heard)
    return "recorded" if decision is None else await carry_out(connection, heard, decision)


def _decide(action: CallAction, heard: Heard) -> Decision | None:
    """Return what a key asks for; None where it only moves the call on."""
    if action is CallAction.TAKE_PROMISE:
        terms = PromiseTerms(heard.today + timedelta(days=PROMISE_DAYS), None, heard.snapshot.terms.currency)
        return Decision(responses=(ResponseKind.PROMISED,), answer="promise.thanks", promise=terms)
    if action in (CallAction.TAKE_OPTION_1, CallAction.TAKE_OPTION_2):
        choice = Option.DEFERRAL if action is CallAction.TAKE_OPTION_1 else Option.INSTALMENTS
        return Decision(responses=(ResponseKind.ARRANGED,), answer=CONFIRMATIONS[choice], choice=choice)
    return _KEYED.get(action)


# What these steps read aloud asks for money or a choice about it, so they ask the restraint as an offer does.
_SPEAKS_OF_MONEY = frozenset({_A.STATE_AND_OFFER, _A.OFFER_AGAIN, _A.OFFER_OPTIONS_AGAIN})
_WRONG_PARTY = ACTS[Label.WRONG_PARTY]
_KEYED: Mapping[CallAction, Decision] = {
    _A.OFFER_OPTIONS: Decision(
        bars=(Bar(SuppressionKind.HARDSHIP, Scope.BORROWER, HARDSHIP_DAYS),),
        responses=(ResponseKind.HARDSHIP,),
        is_offering=True,
        pause_days=HARDSHIP_DAYS,
    ),
    _A.CALL_LATER: Decision(pause_days=1),
    _A.STOP_CALLS: Decision(
        bars=(Bar(SuppressionKind.OPT_OUT, Scope.ADDRESS_CHANNEL),), responses=(ResponseKind.OPTED_OUT,)
    ),
    _A.TO_PERSON: Decision(cases=(Reason.HUMAN_REQUEST,), responses=(ResponseKind.HANDED_OVER,)),
    _A.WRONG_PARTY: Decision(bars=(_WRONG_PARTY.bar,) if _WRONG_PARTY.bar else (), responses=(ResponseKind.OPTED_OUT,)),
}


async def _note_state(connection: Connection, event: Event, of: Attempt, step: Step, *, is_held_back: bool) -> None:
    """Move the attempt forward: reached a machine, answered by a person, or became a conversation about the debt."""
    state = None if is_held_back else _STATES.get(step.action)
    if state is None and (step.event.party is CallParty.PERSON or step.event.digits or step.event.speech):
        state = ReceiptState.ANSWERED
    if state is None:
        return
    told = Told(event, DeliveryEvent(storable(step.event.provider_ref), state), of.id)
    await record(connection, [told], await attempts.lock_states(connection, [of.id]))


def call_event_key(step: str, form: Mapping[str, str]) -> tuple[str, ...]:
    """Return what tells one step of a call from another, so that a repeated request is seen as one."""
    names = ("CallSid", "Digits", "SpeechResult", "AnsweredBy")
    return (step, *(form.get(name, "") for name in names))


def attempt_of_path(text: str) -> UUID | None:
    """Return the attempt that a call's URL names, or None."""
    try:
        return UUID(text)
    except ValueError:
        return None
