"""The doors on HTTP: provider webhooks, one-click unsubscribe, the borrower's page. Plain ASGI, because it is hot.

Every body is bounded, every signature checked by the provider's own rule, every event durable before 2xx, and every
opt-out in force. Whatever comes in, the answer is a status; nothing of the request is ever echoed or logged.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import parse_qs
from uuid import UUID

import structlog

from forbear_chassis.clock import Clock
from forbear_chassis.http import Receive, Scope, Send
from forbear_chassis.postgres import Pool
from forbear_chassis.worker import TRANSIENT
from forbear_domain.links import Purpose, read_link_token
from forbear_domain.messages import TemplateError
from forbear_providers.accounts import module_of
from forbear_providers.contract import Callback, PayloadError, VoiceEvent
from forbear_providers.twilio_sms import verify_signature
from forbear_providers.twilio_voice import wait
from response_tracker import metrics
from response_tracker.events import Event, Kind, name_event
from response_tracker.forms import Form, FormError, read_form
from response_tracker.gateways import Gateways, carries_calls, read_fields, read_message, read_status, stamp
from response_tracker.model import Attempt
from response_tracker.page import Act, Page, page_event, read_act
from response_tracker.receive import UNREADABLE, Receiver
from response_tracker.restraint import HELD_BACK
from response_tracker.store import attempts
from response_tracker.voice import STEP, Voice, attempt_of_path, call_event_key

BODY_BYTES_MAX = 64 * 1024

log = structlog.get_logger(__name__)


class Reply(NamedTuple):
    """An answer."""

    status: int
    body: bytes = b""
    kind: bytes = b"text/plain; charset=utf-8"


class Refused(Exception):
    """A request that is refused at the door; `reason` is one of metrics.REFUSED."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Secrets:
    """What proves that a request is what it says. Never shown."""

    auth_token: str
    link_secret: str
    gateways: Gateways = field(default_factory=Gateways)

    def __repr__(self) -> str:
        return "Secrets()"


TWIML_NOTHING = Reply(200, b'<?xml version="1.0" encoding="UTF-8"?><Response/>', b"text/xml")
NO_CONTENT = Reply(204)
_NO_BODY = [(b"content-length", b"0")]
HTML = b"text/html; charset=utf-8"
_SORRY = {404: "unknown_link", 503: "later"}  # what the borrower reads; whatever else: try again
_NO_STORE = (b"cache-control", b"no-store")
_SAFE = [
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; form-action 'self'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
]


class HttpApp:
    """The application."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        receiver: Receiver,
        voice: Voice,
        page: Page,
        public_url: str,
        secrets: Secrets,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._receiver = receiver
        self._voice = voice
        self._page = page
        self._public_url = public_url
        self._secrets = secrets
        self._auth_token = secrets.auth_token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        try:
            reply = await self._answer(scope, receive)
        except Refused as refusal:
            reply = self._refuse(scope, refusal.status, refusal.reason)
        except (PayloadError, FormError):
            reply = self._refuse(scope, 400, "malformed")
        except TRANSIENT as error:
            log.warning("request_deferred", error=type(error).__name__)
            reply = self._refuse(scope, 503, "dispatcher" if "Rpc" in type(error).__name__ else "database")
        headers = _headers(reply) if reply.body else _NO_BODY
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})

    def _refuse(self, scope: Scope, status: int, reason: str) -> Reply:
        """Count a refusal and answer it: a program with a word, a borrower with a page."""
        metrics.REFUSALS.labels(reason).inc()
        if not scope["path"].startswith(("/p/", "/u/")):
            return Reply(status, reason.encode())
        return Reply(status, self._page.sorry(_SORRY.get(status, "failed")), HTML)

    async def _answer(self, scope: Scope, receive: Receive) -> Reply:
        path: str = scope["path"]
        is_post = scope["method"] == "POST"
        if path == "/twilio/status" and is_post:
            return await self._status(scope, receive)
        if path == "/twilio/message" and is_post:
            return await self._message(scope, receive)
        if path == "/twilio/recording" and is_post:
            return await self._recording(scope, receive)
        if path.startswith("/twilio/voice/") and is_post:
            return await self._call(scope, receive, path.removeprefix("/twilio/voice/"))
        if path.startswith("/gateway/") and is_post:
            return await self._gateway(scope, receive, path.removeprefix("/gateway/"))
        if path.startswith("/u/"):
            return await self._unsubscribe(scope, receive, path.removeprefix("/u/"))
        if path.startswith("/p/"):
            return await self._self_service(scope, receive, path.removeprefix("/p/"))
        raise Refused(404, "unknown_path")

    async def _status(self, scope: Scope, receive: Receive) -> Reply:
        """Take a provider status; a worker processes it, unless it tells of an opt-out: that is in force at once."""
        body, form = await self._signed_form(scope, receive)
        sid = form.get("MessageSid") or form.get("CallSid")
        if not sid:
            raise PayloadError("the callback names no message and no call")
        state = form.get("MessageStatus") or form.get("CallStatus", "")
        event_id = name_event(Kind.STATUS, sid, state, form.get("ErrorCode", ""))
        event = Event(event_id, Kind.STATUS, _attempt_in(scope), body, self._clock.now())
        if form.get("ErrorCode"):  # the carrier tells of an opt-out by a code, see twilio_sms.CODES
            await self._receiver.take_status(event)
        else:
            await self._receiver.take(event)
        return NO_CONTENT

    async def _message(self, scope: Scope, receive: Receive) -> Reply:
        """Take a text message and act on it before it is acknowledged."""
        body, form = await self._signed_form(scope, receive)
        sid = form.get("MessageSid", "")
        if not sid or not form.get("From") or not form.get("To"):
            raise PayloadError("the callback lacks MessageSid, From or To")
        await self._receiver.settle(Event(name_event(Kind.MESSAGE, sid), Kind.MESSAGE, None, body, self._clock.now()))
        return TWIML_NOTHING

    async def _recording(self, scope: Scope, receive: Receive) -> Reply:
        """Take word of a recording; a worker finds its call. We ask for none: an account may be set to record."""
        body, form = await self._signed_form(scope, receive)
        sid = form.get("RecordingSid", "")
        if not sid or not form.get("CallSid"):
            raise PayloadError("the callback lacks RecordingSid or CallSid")
        event_id = name_event(Kind.RECORDING, sid, form.get("RecordingStatus", ""))
        await self._receiver.take(Event(event_id, Kind.RECORDING, _attempt_in(scope), body, self._clock.now()))
        return NO_CONTENT

    async def _call(self, scope: Scope, receive: Receive, rest: str) -> Reply:
        """Act on one step of a call and say what comes next."""
        body, form = await self._signed_form(scope, receive)
        name, _, step = rest.partition("/")
        attempt_id = attempt_of_path(name)
        if attempt_id is None:
            raise Refused(404, "unknown_path")
        of = await self._find(attempt_id)
        if of is None:
            return _xml(wait(f"{self._public_url}{_target(scope)}"))
        now = self._clock.now()
        event_id = name_event(Kind.CALL, *call_event_key(step, form))
        raw = f"{STEP}={step}&".encode() + body
        fate = await self._receiver.settle(Event(event_id, Kind.CALL, attempt_id, raw, now))
        try:
            return _xml(self._voice.answer(of, step, form, now, fate))
        except TemplateError:
            log.error("call_unspeakable", attempt_id=str(attempt_id))
            return _xml('<?xml version="1.0" encoding="UTF-8"?><Response><Hangup/></Response>')

    async def _gateway(self, scope: Scope, receive: Receive, rest: str) -> Reply:
        """Take a callback of a provider of the accounts file: `<provider>/status`, `/message` or `/voice/<attempt>`."""
        provider, _, what = rest.partition("/")
        is_call = what.startswith("voice/")
        if not self._secrets.gateways.knows(provider) or not (is_call or what in ("status", "message")):
            raise Refused(404, "unknown_path")
        body = await read_body(scope, receive)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        form, form_body = read_fields(provider, body)
        callback = Callback(f"{self._public_url}{_target(scope)}", headers, form, body)
        if not self._secrets.gateways.is_authentic(provider, callback):
            raise Refused(403, "signature")
        if is_call:
            return await self._gateway_call(provider, what.removeprefix("voice/"), form, form_body)
        raw, now = stamp(provider, form_body), self._clock.now()
        if what == "status":
            told = read_status(raw)
            if told is not None:
                event_id = name_event(Kind.STATUS, provider, told.provider_ref, told.state.name, told.code)
                await self._receiver.take_status(Event(event_id, Kind.STATUS, _attempt_in(scope), raw, now))
        else:
            event_id = name_event(Kind.MESSAGE, provider, read_message(raw).provider_ref)
            await self._receiver.settle(Event(event_id, Kind.MESSAGE, None, raw, now))
        return NO_CONTENT

    async def _gateway_call(self, provider: str, rest: str, form: Form, form_body: bytes) -> Reply:
        """Act on one step of a call by a provider of the accounts file, and say what comes next."""
        name, _, step = rest.partition("/")
        attempt_id, module = attempt_of_path(name), module_of(provider)
        if attempt_id is None or not carries_calls(provider):
            raise Refused(404, "unknown_path")
        kind = str(module.SCRIPT_TYPE).encode()
        of = await self._find(attempt_id)
        if of is None:
            url = f"{self._public_url}/gateway/{provider}/voice/{rest}"
            return Reply(200, str(module.script_later(url)).encode(), kind)
        now = self._clock.now()
        told: VoiceEvent = module.parse_voice(form)
        event_id = name_event(Kind.CALL, provider, step, told.provider_ref, told.digits, told.speech)
        raw = stamp(provider, f"{STEP}={step}&".encode() + form_body)
        fate = await self._receiver.settle(Event(event_id, Kind.CALL, attempt_id, raw, now))
        try:
            said = self._voice.answer(of, step, form, now, fate, provider)
        except TemplateError:
            log.error("call_unspeakable", attempt_id=str(attempt_id))
            return Reply(200, b"[]", kind)
        return Reply(200, said.encode(), kind)

    async def _unsubscribe(self, scope: Scope, receive: Receive, token: str) -> Reply:
        """One-click unsubscribe (RFC 8058): POST leaves at once, without question; GET shows a button."""
        of = await self._linked(token, "unsubscribe")
        if scope["method"] in ("GET", "HEAD"):
            return Reply(200, await self._page.confirm_leave(of, is_done=False), HTML)
        if scope["method"] != "POST":
            raise Refused(405, "malformed")
        body = await read_body(scope, receive)
        event = Event(name_event(Kind.ONE_CLICK, of.id.hex), Kind.ONE_CLICK, of.id, body, self._clock.now())
        await self._receiver.settle(event)
        return Reply(200, await self._page.confirm_leave(of, is_done=True), HTML)

    async def _self_service(self, scope: Scope, receive: Receive, token: str) -> Reply:
        """Show the page, or act on what was posted on it."""
        of = await self._linked(token, "page")
        now = self._clock.now()
        if scope["method"] in ("GET", "HEAD"):
            return Reply(200, await self._page.show(of, now), HTML)
        if scope["method"] != "POST":
            raise Refused(405, "malformed")
        body = await read_body(scope, receive)
        form = read_form(body)
        act = read_act(form)
        if act is None:
            raise PayloadError("act is missing")
        fate = await self._receiver.settle(page_event(of, body, form, now))
        is_known = act is Act.IDENTIFY and await self._page.is_known(of, form, now)
        is_failed = fate == UNREADABLE or (act is Act.IDENTIFY and not is_known)
        notice = await self._page.notice(of, Act.PERSON if fate == HELD_BACK else act, is_failed=is_failed)
        return Reply(200, await self._page.show(of, now, notice=notice, is_failed=is_failed, is_known=is_known), HTML)

    async def _signed_form(self, scope: Scope, receive: Receive) -> tuple[bytes, Form]:
        """Return a form that the provider signed, with its raw body."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        signature = headers.get(b"x-twilio-signature", b"")
        if not signature:
            raise Refused(403, "signature")
        body = await read_body(scope, receive, headers)
        form = read_form(body)
        url = f"{self._public_url}{_target(scope)}"
        # The official check tries the URL with and without its port, and a form of many values; the URL as it is and
        # our form of one value are done in a tenth of the time. What does not match is left to it as a whole.
        if not hmac.compare_digest(sign(self._auth_token, url, form), signature) and not verify_signature(
            self._secrets.auth_token, url, form, signature.decode("latin-1")
        ):
            raise Refused(403, "signature")
        return body, form

    async def _linked(self, token: str, purpose: Purpose) -> Attempt:
        """Return the attempt that a link of ours names."""
        attempt_id = read_link_token(self._secrets.link_secret, purpose, token)
        if attempt_id is None:
            raise Refused(404, "unknown_token")
        of = await self._find(attempt_id)
        if of is None:
            raise Refused(503, "unknown_token")  # ours, but the attempt has not reached us yet
        return of

    async def _find(self, attempt_id: UUID) -> Attempt | None:
        async with self._pool.acquire() as connection:
            return await attempts.by_id(connection, attempt_id)


def sign(auth_token: bytes, url: str, form: Form) -> bytes:
    """Return the provider's signature of a form: HMAC-SHA1 of the URL and the fields in order, in base 64."""
    text = url + "".join([name + form[name] for name in sorted(form)])
    return b64encode(hmac.digest(auth_token, text.encode(), "sha1"))


def _headers(reply: Reply) -> list[tuple[bytes, bytes]]:
    headers = [(b"content-type", reply.kind), _NO_STORE, (b"content-length", str(len(reply.body)).encode())]
    return headers + _SAFE if reply.kind is HTML else headers


async def read_body(scope: Scope, receive: Receive, headers: dict[bytes, bytes] | None = None) -> bytes:
    """Return the body. Raises Refused when it is longer than 64 KiB, without having read more than that."""
    declared = (headers or dict(scope["headers"])).get(b"content-length", b"0")
    if not declared.isdigit() or int(declared) > BODY_BYTES_MAX:
        raise Refused(413, "too_large")
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, "malformed")
        chunk: bytes = message.get("body", b"")
        body = body + chunk if body else chunk
        if len(body) > BODY_BYTES_MAX:
            raise Refused(413, "too_large")
        if not message.get("more_body", False):
            return body


def _target(scope: Mapping[str, Any]) -> str:
    """Return path and query exactly as they were requested: the signature covers them."""
    path: bytes = scope["raw_path"]
    query: bytes = scope["query_string"]
    return (path + b"?" + query if query else path).decode("latin-1")


def _attempt_in(scope: Scope) -> UUID | None:
    """Return the attempt that the query names, or None."""
    query: bytes = scope["query_string"]
    if query.startswith(b"attempt=") and len(query) == 44:
        text = query[8:].decode("latin-1")
    else:
        text = parse_qs(query.decode("latin-1"), max_num_fields=20).get("attempt", [""])[0]
    return attempt_of_path(text)


def _xml(text: str) -> Reply:
    return Reply(200, text.encode(), b"text/xml; charset=utf-8")
