"""One call from ringing to its end: fetches TwiML, follows it, and lets a listener answer.

Verbs: Say, Play, Pause, Gather, Redirect, Hangup, Reject, Dial. As at the real provider, what is not TwiML ends the
call with an error, a Gather without an answer falls through, and the end of the document hangs up.
"""

from __future__ import annotations

import asyncio
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urljoin

from forbear_sandbox.callbacks import CallbackError, Callbacks
from forbear_sandbox.people import Gather, Listener
from forbear_sandbox.twilio_records import API, Call

DOCUMENTS_MAX = 1000  # a document may redirect to itself while it waits for something
CHARACTERS_PER_S = 14.0
WAITING_S = 0.02  # what a Pause takes in real time when the world's time is stepped
VERBS = frozenset({"Say", "Play", "Pause", "Gather", "Redirect", "Hangup", "Reject", "Dial"})


class TwimlError(ValueError):
    """A document that is no TwiML that we know: 12100 (not XML) or 12200 (unknown element)."""


@dataclass(slots=True)
class Conversation:
    """What is going on in one call."""

    call: Call
    listener: Listener
    callbacks: Callbacks
    is_stepped: bool
    said: list[str] = field(default_factory=list)  # everything, for the census
    unheard: list[str] = field(default_factory=list)  # since the listener last answered
    seconds: float = 0.0
    error: str = ""
    _is_over: bool = False

    async def hold(self) -> None:
        """Follow TwiML until the call ends, for whatever reason; `error` says when it was the customer's."""
        try:
            document, url = self.call.twiml, self.call.url
            if url:
                document = await self._fetch(url, {})
            for _ in range(DOCUMENTS_MAX):
                following = await self._follow(document, url)
                if following is None:
                    break
                url, form = following
                document = await self._fetch(url, form)
        except (TwimlError, CallbackError) as error:
            self.error = str(error)
        if self.unheard and not self._is_over:
            self.listener.hear(self._take_unheard(), None)

    async def _fetch(self, url: str, form: Mapping[str, str]) -> str:
        return await self.callbacks.post(url, {**self._basics(), **form})

    def _basics(self) -> dict[str, str]:
        call = self.call
        form = {
            "CallSid": call.sid, "AccountSid": call.account, "From": call.sender, "To": call.to, "ApiVersion": API,
            "CallStatus": "in-progress", "Direction": "outbound-api", "Caller": call.sender, "Called": call.to,
        }  # fmt: skip
        return form if call.answered_by is None else {**form, "AnsweredBy": call.answered_by}

    async def _follow(self, document: str, url: str) -> tuple[str, dict[str, str]] | None:
        """Perform a document; return the next URL with what to send along, or None when the call is over."""
        for verb in _parse(document):
            if verb.tag in ("Hangup", "Reject", "Dial"):
                self.seconds += 30.0 if verb.tag == "Dial" else 0.0
                return None
            if verb.tag == "Redirect":
                return urljoin(url, (verb.text or "").strip()), {}
            if verb.tag == "Gather":
                answered = await self._gather(verb, url)
                if self._is_over or answered is not None:
                    return answered
            else:
                await self._play(verb)
        return None

    async def _gather(self, verb: ET.Element, url: str) -> tuple[str, dict[str, str]] | None:
        for part in verb:
            await self._play(part)
        inputs = verb.get("input", "dtmf").split()
        answer = self.listener.hear(self._take_unheard(), Gather("dtmf" in inputs, "speech" in inputs))
        self.seconds += 2.0
        action = urljoin(url, verb.get("action", url))
        if answer.hangs_up:
            self._is_over = True
            return None
        if answer.digits and "dtmf" in inputs:
            limit = int(verb.get("numDigits", "0")) or len(answer.digits)
            return action, {"Digits": answer.digits[:limit]}
        if answer.speech and "speech" in inputs:
            return action, {"SpeechResult": answer.speech, "Confidence": "0.91"}
        self.seconds += float(verb.get("timeout", "5"))
        return (action, {"Digits": ""}) if verb.get("actionOnEmptyResult") == "true" else None

    async def _play(self, verb: ET.Element) -> None:
        if verb.tag == "Say":
            text = "".join(verb.itertext()).strip()
            self.said.append(text)
            self.unheard.append(text)
            self.seconds += len(text) / CHARACTERS_PER_S
        elif verb.tag == "Pause":
            length_s = float(verb.get("length", "1"))
            self.seconds += length_s
            await asyncio.sleep(WAITING_S if self.is_stepped else length_s)

    def _take_unheard(self) -> str:
        text = " ".join(self.unheard)
        self.unheard.clear()
        return text


def _parse(document: str) -> ET.Element:
    try:
        root = ET.fromstring(document.strip())
    except ET.ParseError as error:
        raise TwimlError(f"12100 not XML: {error}") from None
    unknown = {verb.tag for verb in root} - VERBS
    if root.tag != "Response" or unknown:
        raise TwimlError(f"12200 not TwiML: {root.tag} {' '.join(sorted(unknown))}")
    return root
