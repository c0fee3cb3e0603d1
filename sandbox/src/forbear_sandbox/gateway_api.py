"""A second SMS gateway, shaped like Vonage's SMS API: the same people, another door, signature and words.

`POST /sms/json` with a form; an answer with one status for each part; receipts and inbound messages signed with HMAC
over the sorted fields. What the real one checks and says: developer.vonage.com/en/api/sms (read 2026-11).
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from urllib.parse import parse_qsl

import orjson
from aiohttp import web

from forbear_sandbox.census import Contact, attempt_of, text_digest
from forbear_sandbox.people import Fate, Who
from forbear_sandbox.twilio_delivery import Outside
from forbear_sandbox.twilio_rules import segments

STOP_WORDS = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"})
TTL_DEFAULT_MS, TTL_MIN_MS, TTL_MAX_MS = 259_200_000, 20_000, 604_800_000
ERRORS = {1: "Throughput Rate Exceeded", 2: "Missing parameter", 3: "Invalid parameter", 4: "Bad Credentials",
          6: "The message was invalid"}  # fmt: skip
# What the carriers of the sandbox say, in this gateway's words.
CODES = {30003: ("failed", "2"), 30005: ("failed", "3"), 30006: ("rejected", "12"), 30007: ("rejected", "6")}


@dataclass(frozen=True, slots=True)
class GatewayAccount:
    """The credentials and numbers of the one account, and where its inbound messages go."""

    key: str
    secret: str
    signature_secret: str
    senders: frozenset[str]
    inbound_url: str


class GatewayApi:
    """The gateway. `handle` is the HTTP handler; `receive_text` lets a borrower write to one of its numbers."""

    def __init__(self, account: GatewayAccount, outside: Outside) -> None:
        self.account = account
        self._outside = outside
        self._blocked: set[tuple[str, str]] = set()
        self._count = 0

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        with self._outside.traffic:
            form = dict(parse_qsl((await request.read()).decode(), keep_blank_values=True))
            if request.path != "/sms/json" or request.method != "POST":
                return web.Response(status=404)
            key = (form.get("to"), form.get("text"), self._outside.time.now())
            fault = self._outside.faults.hit("gateway", ("error_500", "too_many", "hang", "cut_before"), *key)
            if fault is not None and fault.kind == "too_many":
                return _refused(1)
            if fault is not None and fault.kind == "error_500":
                return web.Response(status=500)
            if fault is not None and fault.kind == "hang":
                await asyncio.sleep(3600)
            if fault is not None:
                return _cut(request)
            objection = self._objection(form)
            if objection:
                return _refused(objection)
            answer = self._take(form)
            if self._outside.faults.hit("gateway", ("cut_after",), *key) is not None:
                return _cut(request)
            return answer

    async def receive_text(self, sender: str, to: str, body: str) -> None:
        """Take a text from a borrower to one of our numbers, and tell the customer's webhook."""
        if body.strip().upper().rstrip(".!") in STOP_WORDS:
            self._blocked.add((to, sender))
        form = {"msisdn": sender[1:], "to": to[1:], "messageId": self._name(sender + to + body), "text": body,
                "type": "text", "keyword": body.partition(" ")[0].upper()}  # fmt: skip
        await self._post(self.account.inbound_url, form)

    def _objection(self, form: Mapping[str, str]) -> int:
        if form.get("api_key") != self.account.key or form.get("api_secret") != self.account.secret:
            return 4
        if not all(form.get(name) for name in ("from", "to", "text")):
            return 2
        ttl = form.get("ttl", str(TTL_DEFAULT_MS))
        if (
            not ttl.isdigit()
            or not TTL_MIN_MS <= int(ttl) <= TTL_MAX_MS
            or f"+{form['from']}" not in self.account.senders
        ):
            return 3
        return 0 if form["to"].isdigit() and 7 <= len(form["to"]) <= 15 else 6

    def _take(self, form: Mapping[str, str]) -> web.Response:
        outside, to, sender, text = self._outside, f"+{form['to']}", f"+{form['from']}", form["text"]
        ref, attempt, now = self._name(to + form.get("client-ref", text)), attempt_of(form.get("callback", "")), (
            outside.time.now())  # fmt: skip
        who = outside.people.who(to) if outside.people else Who()
        outside.census.reached(
            Contact(now, "sms", ref, attempt, sender, to, who.borrower, who.zone, text_digest(text), who.is_talking)
        )
        stall = outside.faults.hit("gateway", ("stall",), ref)
        life_s = int(form.get("ttl", TTL_DEFAULT_MS)) / 1000
        late_s = 0.0 if stall is None else min(stall.seconds, life_s)
        is_expired = stall is not None and stall.seconds > life_s
        outside.agenda.add(now + timedelta(seconds=late_s), f"gateway {ref}", lambda: self._deliver(
            dict(form), ref, is_expired=is_expired))  # fmt: skip
        parts = [{"to": form["to"], "message-id": f"{ref}{number}", "status": "0", "network": "310260"}
                 for number in range(segments(text))]  # fmt: skip
        return _answer({"message-count": str(len(parts)), "messages": parts})

    async def _deliver(self, form: Mapping[str, str], ref: str, *, is_expired: bool) -> None:
        outside, to, sender = self._outside, f"+{form['to']}", f"+{form['from']}"
        fate = Fate() if outside.people is None else outside.people.text_fate(to, outside.time.now())
        status, code = ("expired", "1") if is_expired else CODES.get(fate.code or 0, (fate.status, "0"))
        if (sender, to) in self._blocked:
            status, code = "rejected", "9"
        borrower = outside.people.who(to).borrower if outside.people else ""
        outside.census.happened(outside.time.now(), f"sms.{status}", borrower, ref)
        if status == "delivered" and outside.people is not None:
            outside.people.on_text(to, sender, form["text"])
        await self._post(form.get("callback", ""), {
            "msisdn": form["to"], "to": form["from"], "messageId": f"{ref}0", "status": status, "err-code": code,
            "client-ref": form.get("client-ref", ""),
        })  # fmt: skip

    async def _post(self, url: str, form: dict[str, str]) -> None:
        if not url:
            return
        now = self._outside.time.now()
        form |= {"api-key": self.account.key, "message-timestamp": f"{now:%Y-%m-%d %H:%M:%S}",
                 "timestamp": str(int(now.timestamp())), "nonce": form["messageId"]}  # fmt: skip
        signed = "".join(f"&{name}={form[name].replace('&', '_').replace('=', '_')}" for name in sorted(form))
        form["sig"] = hmac.digest(self.account.signature_secret.encode(), signed.encode(), "sha256").hex().upper()
        await self._outside.callbacks.post(url, form)

    def _name(self, content: str) -> str:
        self._count += 1
        return blake2b(f"{content}:{self._count}".encode(), digest_size=8).hexdigest().upper()


def _answer(document: object) -> web.Response:
    return web.Response(body=orjson.dumps(document), content_type="application/json")


def _refused(code: int) -> web.Response:
    return _answer({"message-count": "1", "messages": [{"status": str(code), "error-text": ERRORS[code]}]})


def _cut(request: web.BaseRequest) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)  # to nobody: the connection is gone
