"""A Twilio-shaped HTTP API for messages and calls: checks what the real one checks and answers in its words.

Resources: Messages and Calls of one account (create, fetch, list, update, delete), with basic authentication, form
validation, real error codes (`twilio_rules`), status callbacks signed as the real ones, inbound messages, and the
carriers' own block after STOP. Texts and calls reach `People`; without them (`--bare`, for benchmarks) messages are
taken, kept up to a limit, and never called back.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import NoReturn
from urllib.parse import parse_qsl

import orjson
from aiohttp import web

from forbear_sandbox.census import attempt_of, text_digest
from forbear_sandbox.faults import Fault
from forbear_sandbox.people import Fate
from forbear_sandbox.twilio_delivery import Deliveries, Outside
from forbear_sandbox.twilio_lookup import LOOKUPS, look_up
from forbear_sandbox.twilio_records import API, Call, Message, Shelf, page
from forbear_sandbox.twilio_rules import (
    Account,
    ApiError,
    check_call,
    check_message,
    not_authenticated,
    not_found,
    segments,
    too_many_requests,
)

KEPT_MAX = 2_000_000
KEPT_BARE_MAX = 50_000
RETRY_AFTER_S = 1
# The provider's default opt-out words; support.twilio.com "Twilio support for opt-out keywords" (read 2026-11).
STOP_WORDS = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "OPTOUT", "REVOKE"})
START_WORDS = frozenset({"START", "YES", "UNSTOP"})

Form = Mapping[str, str]


class _CutError(Exception):
    """A fault has closed the connection."""


class TwilioApi:
    """The provider. `handle` is the HTTP handler; `receive_text` lets a borrower write to one of our numbers."""

    def __init__(self, account: Account, outside: Outside, inbound_url: str = "") -> None:
        self.account = account
        self.inbound_url = inbound_url
        limit = KEPT_BARE_MAX if outside.people is None else KEPT_MAX
        self.messages: Shelf[Message] = Shelf(limit)
        self.calls: Shelf[Call] = Shelf(limit)
        self._outside = outside
        self._deliveries = Deliveries(outside)
        self._blocked: set[tuple[str, str]] = set()
        credentials = f"{account.sid}:{account.token}".encode()
        self._authorization = "Basic " + base64.b64encode(credentials).decode()
        self._prefix = f"/{API}/Accounts/{account.sid}"

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        with self._outside.traffic:
            body = await request.read() if request.method == "POST" else b""
            try:
                if request.headers.get("Authorization") != self._authorization:
                    raise not_authenticated()
                status, view = await self._answer(request, body)
            except _CutError:
                return web.Response(status=500)  # to nobody: the connection is gone
            except ApiError as error:
                return _refusal(error)
            except ValueError:
                return _refusal(ApiError(400, 20001, "A parameter is not valid"))
        if status == 204:
            return web.Response(status=204)
        content = view if isinstance(view, bytes) else orjson.dumps(view)
        return web.Response(body=content, status=status, content_type="application/json")

    async def receive_text(self, sender: str, to: str, body: str) -> None:
        """Take a text from a borrower to one of our numbers, and tell the customer's webhook."""
        word = body.strip().upper().rstrip(".!")
        if word in STOP_WORDS:
            self._blocked.add((to, sender))
        elif word in START_WORDS:
            self._blocked.discard((to, sender))
        now = self._outside.time.now()
        sid = self._sid("SM", f"{sender}{to}{body}{now}".encode(), self.messages)
        message = Message(
            sid, self.account.sid, to, sender, body, segments(body), now, "received", direction="inbound", sent_at=now
        )
        self.messages.put(message)
        form = {
            "MessageSid": sid, "SmsSid": sid, "SmsMessageSid": sid, "AccountSid": self.account.sid, "From": sender,
            "To": to, "Body": body, "NumMedia": "0", "NumSegments": str(message.parts), "SmsStatus": "received",
            "ApiVersion": API, "FromCountry": "US", "ToCountry": "US",
        }  # fmt: skip
        copies = 2 if self._outside.faults.hit("sms", ("callback_twice",), sid) else 1
        for _ in range(copies):
            await self._outside.callbacks.post(self.inbound_url, form)

    async def _answer(self, request: web.BaseRequest, body: bytes) -> tuple[int, object]:
        path = request.path
        if path.startswith(LOOKUPS):
            return 200, look_up(path.removeprefix(LOOKUPS), request.query, self._outside.people)
        if not path.startswith(self._prefix) or not path.endswith(".json"):
            raise not_found(path)
        kind, _, sid = path[len(self._prefix) :].removesuffix(".json").strip("/").partition("/")
        if request.method == "POST":
            form = parse_qsl(body.decode(), keep_blank_values=True)
            if sid:
                return 200, self._update(kind, sid, dict(form), path)
            return await self._create(kind, form, request)
        if request.method == "DELETE" and sid:
            self._shelf(kind, path).drop(self._one(kind, sid, path).sid)
            return 204, None
        if request.method != "GET":
            raise ApiError(405, 20004, "Method not allowed")
        if not kind:
            return 200, self._view_account()
        if sid:
            return 200, self._one(kind, sid, path).view()
        if kind == "Messages":
            return 200, page(self.messages, request.query, path, kind="messages", dated="DateSent")
        if kind == "Calls":
            return 200, page(self.calls, request.query, path, kind="calls", dated="StartTime")
        raise not_found(path)

    async def _create(
        self, kind: str, fields: Sequence[tuple[str, str]], request: web.BaseRequest
    ) -> tuple[int, object]:
        if kind not in ("Messages", "Calls"):
            raise not_found(request.path)
        channel, form = ("sms" if kind == "Messages" else "voice"), dict(fields)
        faults = self._outside.faults
        key = (form.get("To"), form.get("Body") or form.get("Url"), self._outside.time.now())
        await _fail_before(faults.hit(channel, ("error_500", "too_many", "hang", "cut_before"), *key), request)
        record: Message | Call
        if channel == "sms":
            record = self._create_message(form)
        else:
            record = self._create_call(form, [value for name, value in fields if name == "StatusCallbackEvent"])
        return await _fail_after(faults.hit(channel, ("slow", "cut_after", "garbage"), *key), request) or (
            201,
            record.view(),
        )

    def _create_message(self, form: Form) -> Message:
        check_message(form, self.account)
        outside, to, body = self._outside, form["To"].strip(), form.get("Body", "")
        service = form.get("MessagingServiceSid") or None
        sender = form.get("From", "").strip() or self._sender_of_service(to)
        if (sender, to) in self._blocked:
            raise ApiError(400, 21610, "Attempt to send to unsubscribed recipient")
        fate = Fate() if outside.people is None else outside.people.text_fate(to, outside.time.now())
        if fate.code == 21614:
            raise ApiError(400, 21614, "'To' number is not a valid mobile number")
        now, callback = outside.time.now(), form.get("StatusCallback", "")
        attempt = attempt_of(callback)
        sid = self._sid("SM", f"{to}{attempt or body}{now}".encode(), self.messages)
        message = Message(
            sid, self.account.sid, to, sender, body, segments(body), now, "accepted" if service else "queued",
            service=service, callback=callback, validity_s=int(form.get("ValidityPeriod") or 36_000), sent_at=now,
        )  # fmt: skip
        self.messages.put(message)
        if outside.people is not None:
            self._deliveries.count("sms", message, attempt, text_digest(body))
            outside.traffic.spawn(self._deliveries.deliver(message, fate), f"deliver {sid}")
        # The answer shows the message as it was taken: no date sent yet.
        return replace(message, sent_at=None)

    def _create_call(self, form: Form, events: Sequence[str]) -> Call:
        check_call(form, self.account)
        to, sender = form["To"].strip(), form["From"].strip()
        now, url = self._outside.time.now(), form.get("Url", "")
        attempt = attempt_of(form.get("StatusCallback", "")) or attempt_of(url)
        sid = self._sid("CA", f"{to}{attempt or url}{now}".encode(), self.calls)
        named = tuple(event for value in events for event in value.split())
        call = Call(
            sid, self.account.sid, to, sender, url, form.get("Twiml", ""), now,
            callback=form.get("StatusCallback", ""), events=named or ("completed",),
            detects_machine=form.get("MachineDetection", "") in ("Enable", "DetectMessageEnd"),
        )  # fmt: skip
        self.calls.put(call)
        if self._outside.people is not None:
            self._deliveries.count("voice", call, attempt, "")
            self._outside.traffic.spawn(self._deliveries.ring(call, form.get("MachineDetection", "")), f"call {sid}")
        return replace(call)

    def _update(self, kind: str, sid: str, form: Form, path: str) -> dict[str, object]:
        record = self._one(kind, sid, path)
        is_open = record.status in ("accepted", "queued", "scheduled", "ringing", "in-progress")
        status = form.get("Status")
        if status not in (None, "canceled", "completed"):
            raise ApiError(400, 20001, "Parameter 'Status' is not valid.")
        if status and is_open:
            record.status = status
        elif status:
            raise ApiError(400, 20009, f"{kind} cannot be changed in its state")
        if isinstance(record, Message) and form.get("Body") == "":
            record.body = ""
        record.updated_at = self._outside.time.now()
        return record.view()

    def _shelf(self, kind: str, path: str) -> Shelf[Message] | Shelf[Call]:
        if kind == "Messages":
            return self.messages
        if kind == "Calls":
            return self.calls
        raise not_found(path)

    def _one(self, kind: str, sid: str, path: str) -> Message | Call:
        record = self._shelf(kind, path).get(sid)
        if record is None:
            raise not_found(path)
        return record

    def _sender_of_service(self, to: str) -> str:
        senders = sorted(self.account.senders)
        return senders[sum(map(ord, to)) % len(senders)] if senders else ""

    def _sid(self, prefix: str, content: bytes, shelf: Shelf[Message] | Shelf[Call]) -> str:
        """Name a record by its content, so that the same month has the same names; a repeat gets a number."""
        for repeat in range(1_000_000):
            sid = prefix + blake2b(content + b"\x00%d" % repeat, digest_size=16).hexdigest()
            if sid not in shelf:
                return sid
        raise AssertionError("a million messages of one content at one instant")

    def _view_account(self) -> dict[str, object]:
        return {
            "sid": self.account.sid, "friendly_name": "Forbear sandbox", "status": "active", "type": "Trial",
            "owner_account_sid": self.account.sid, "uri": f"{self._prefix}.json",
        }  # fmt: skip


def _refusal(error: ApiError) -> web.Response:
    headers = {} if error.retry_after_s is None else {"Retry-After": str(error.retry_after_s)}
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="Twilio API"'
    return web.Response(
        body=orjson.dumps(error.body()), status=error.status, content_type="application/json", headers=headers
    )


async def _fail_before(fault: Fault | None, request: web.BaseRequest) -> None:
    """Fail a request of which nothing was taken."""
    if fault is None:
        return
    if fault.kind == "error_500":
        raise ApiError(500, 20500, "Internal Server Error")
    if fault.kind == "too_many":
        raise too_many_requests(RETRY_AFTER_S)
    if fault.kind == "hang":
        await asyncio.sleep(3600)
    _cut(request)


async def _fail_after(fault: Fault | None, request: web.BaseRequest) -> tuple[int, object] | None:
    """Spoil the answer to a request that was taken; None leaves it as it is."""
    if fault is None:
        return None
    if fault.kind == "garbage":
        return 201, b"<html>502 Bad Gateway</html>"
    if fault.kind == "cut_after":
        _cut(request)
    await asyncio.sleep(fault.seconds)
    return None


def _cut(request: web.BaseRequest) -> NoReturn:
    if request.transport is not None:
        request.transport.abort()
    raise _CutError
