"""What becomes of messages and calls after the API took them: fates, conversations and signed status callbacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from forbear_sandbox.callbacks import Callbacks
from forbear_sandbox.census import Census, Contact
from forbear_sandbox.faults import Faults
from forbear_sandbox.people import Fate, People, Who
from forbear_sandbox.traffic import Agenda, Traffic, WorldTime
from forbear_sandbox.twilio_calls import Conversation
from forbear_sandbox.twilio_records import API, Call, Message, rfc2822

EVENTS_OF_A_CALL = ("initiated", "ringing", "answered", "completed")


@dataclass(slots=True)
class Outside:
    """What the API needs of the world around it."""

    time: WorldTime
    agenda: Agenda
    traffic: Traffic
    census: Census
    faults: Faults
    callbacks: Callbacks
    people: People | None = None
    all_receipts: bool = True  # also "sent" before the final status, as the real provider


class Deliveries:
    """Brings what was taken to the people, and tells the customer."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    async def deliver(self, message: Message, fate: Fate) -> None:
        """Deliver a message now, or later when the provider stalls: then not beyond its validity period."""
        stall = self._outside.faults.hit("sms", ("stall",), message.sid)
        if stall is None:
            await self._settle_message(message, fate)
            return
        is_expired = stall.seconds > message.validity_s
        late_s = min(stall.seconds, message.validity_s)
        fate = Fate("failed", 30036) if is_expired else fate
        self._outside.agenda.add(
            self._outside.time.now() + timedelta(seconds=late_s),
            f"late {message.sid}",
            lambda: self._settle_message(message, fate),
        )

    async def _settle_message(self, message: Message, fate: Fate) -> None:
        outside, now = self._outside, self._outside.time.now()
        if message.status == "canceled":
            return
        message.status, message.error_code, message.updated_at = fate.status, fate.code, now
        borrower = outside.people.who(message.to).borrower if outside.people else ""
        outside.census.happened(now, f"sms.{fate.status}", borrower, message.sid)
        # Whoever reads it does so whether or not the customer hears of it.
        if fate.is_delivered and outside.people is not None:
            outside.people.on_text(message.to, message.sender, message.body)
        steps = ["sent", fate.status] if outside.all_receipts and fate.status != "failed" else [fate.status]
        await self._call_back("sms", message.callback, [self._message_form(message, step) for step in steps])

    def _message_form(self, message: Message, status: str) -> dict[str, str]:
        form = {
            "MessageSid": message.sid, "SmsSid": message.sid, "AccountSid": message.account, "From": message.sender,
            "To": message.to, "MessageStatus": status, "SmsStatus": status, "ApiVersion": API,
        }  # fmt: skip
        if message.service:
            form["MessagingServiceSid"] = message.service
        if message.error_code and status == message.status:
            form["ErrorCode"] = str(message.error_code)
        return form

    async def ring(self, call: Call, detection: str) -> None:
        """Let a phone ring, hold the conversation where somebody or something answers, and call back."""
        people, time = self._outside.people, self._outside.time
        assert people is not None, "only a populated world rings"
        listener = people.pick_up(call.to, call.sender)
        told = [self._call_form(call, step) for step in ("initiated", "ringing") if step in call.events]
        talk = Conversation(call, listener, self._outside.callbacks, time.is_stepped)
        if listener.outcome in ("human", "machine"):
            call.status, call.started_at = "in-progress", time.now()
            machine = "machine_end_beep" if detection == "DetectMessageEnd" else "machine_start"
            if call.detects_machine:
                call.answered_by = "human" if listener.outcome == "human" else machine
            if "answered" in call.events:
                told.append(self._call_form(call, "answered"))
            await self._call_back("voice", call.callback, told, may_fail=False)
            told = []
            await talk.hold()
            call.status, call.duration_s = "completed", max(1, round(talk.seconds))
        else:
            call.status = listener.outcome
        call.ended_at = call.updated_at = time.now()
        listener.hung_up()
        borrower = people.who(call.to).borrower
        self._outside.census.happened(time.now(), f"voice.{listener.outcome}", borrower, call.sid)
        if talk.error:
            self._outside.census.happened(time.now(), "voice.twiml_error", borrower, talk.error)
        await self._call_back("voice", call.callback, [*told, self._call_form(call, "completed")])

    def _call_form(self, call: Call, event: str) -> dict[str, str]:
        states = {"initiated": "initiated", "ringing": "ringing", "answered": "in-progress", "completed": call.status}
        form = {
            "CallSid": call.sid, "AccountSid": call.account, "From": call.sender, "To": call.to, "ApiVersion": API,
            "CallStatus": states[event], "Direction": "outbound-api", "CallbackSource": "call-progress-events",
            "SequenceNumber": str(EVENTS_OF_A_CALL.index(event)), "Timestamp": str(rfc2822(self._outside.time.now())),
        }  # fmt: skip
        if call.answered_by is not None:
            form["AnsweredBy"] = call.answered_by
        if event == "completed":
            form["CallDuration"] = str(call.duration_s)
        return form

    async def _call_back(self, channel: str, url: str, forms: list[dict[str, str]], *, may_fail: bool = True) -> None:
        """Post the forms to a callback URL in order, unless a fault says otherwise."""
        if not url or not forms:
            return
        key = forms[-1].get("MessageSid") or forms[-1]["CallSid"]
        kinds = ("callback_lost", "callback_twice", "callback_late", "callback_reversed") if may_fail else ()
        fault = self._outside.faults.hit(channel, kinds, key)
        kind = "" if fault is None else fault.kind
        if kind == "callback_lost":
            return
        if kind == "callback_reversed":
            forms = forms[::-1]
        if kind == "callback_twice":
            forms = [form for form in forms for _ in range(2)]
        if fault is not None and kind == "callback_late":
            later = self._outside.time.now() + timedelta(seconds=fault.seconds)
            self._outside.agenda.add(later, f"late {key}", lambda: self._post_all(url, forms))
            return
        await self._post_all(url, forms)

    async def _post_all(self, url: str, forms: Sequence[dict[str, str]]) -> None:
        for form in forms:
            await self._outside.callbacks.post(url, form)

    def count(self, channel: str, record: Message | Call, attempt: str, digest: str) -> None:
        """Count a contact that was taken, before the sender gets an answer. Of a call the words are not known yet."""
        outside = self._outside
        who = outside.people.who(record.to) if outside.people else Who()
        outside.census.reached(
            Contact(
                outside.time.now(), channel, record.sid, attempt, record.sender, record.to, who.borrower, who.zone,
                digest, who.is_talking,
            )
        )  # fmt: skip
