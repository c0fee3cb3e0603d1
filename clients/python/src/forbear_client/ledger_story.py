"""Entries of the ledger told in sentences, for people who read evidence. Pure; an unknown word is shown as it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

WHAT = {
    "permit": "Allowed",
    "refusal": "Forbidden",
    "postponement": "Not yet",
    "expiry": "Never sent, because its time passed",
    "settlement": "How the attempt ended",
    "reconciliation": "What the provider said later",
    "receipt": "What became of it",
    "words": "The borrower wrote or said something",
    "suppression": "Contact was barred",
    "lift": "A bar was lifted",
    "recall": "Taken back before it was sent",
    "erasure": "An erasure from the evidence",
    "policy": "Own rules of the tenant came into force",
    "override": "A person decided",
}
MEDIA = {"sms": "a text", "email": "an e-mail", "voice_call": "a call"}
ENDS = {
    "accepted": "the provider took it",
    "refused": "the provider refused it",
    "unknown": "the provider did not say, so it counts as made and is not repeated",
}
STATES = {
    "sent": "handed to the network",
    "delivered": "it arrived",
    "undelivered": "it did not arrive",
    "answered": "somebody answered the call",
    "conversed": "it became a conversation",
    "machine": "an answering machine took the call",
    "not_connected": "the call did not connect",
    "inbound": "the borrower wrote or called",
}
COUNTED = {
    "permit": "allowed", "settlement": "attempts ended", "postponement": "put off", "refusal": "forbidden",
    "suppression": "bars", "override": "decisions of people",
}  # fmt: skip


def story(body: Mapping[str, Any]) -> str:
    """Tell an opened entry: what, by which channel and text, how it ended, by which rule and source, and why."""
    kind, facts, verdict = body["kind"], body.get("facts", {}), body.get("verdict", {})
    head = WHAT.get(kind, kind)
    if medium := facts.get("channel"):
        head += f": {MEDIA.get(medium, medium)}"
    if body.get("template"):
        head += f", {body['template']}"
    told = [head, ENDS.get(body.get("outcome", ""), body.get("outcome")), STATES.get(body.get("state", ""))]
    told += [_words(body.get("bars")), body.get("label"), *_erased(body)]
    if verdict.get("why"):
        told.append(f"{verdict['why'].rstrip('.')}. Decided by {verdict['rule']}: {verdict.get('source', '')}")
    elif body.get("reason"):
        told.append(_words(body["reason"]))
    if verdict.get("not_before"):
        told.append(f"not before {when(verdict['not_before'])} UTC")
    if body.get("packs"):
        told.append(f"under {', '.join(body['packs'])}")
    return " - ".join(str(one) for one in told if one)


def _erased(body: Mapping[str, Any]) -> list[str]:
    told = ["what it said about the borrower was erased"] if "erased" in body else []
    if body["kind"] == "erasure":
        kept = f"law keeps it until {when(body['kept_until'])}"
        told.append("nobody can read it any more" if body["done"] else kept)
    return told


def _words(constant: str | None) -> str:
    """A short constant as words; ids of rules and codes of providers stay as they are."""
    return constant.replace("_", " ") if constant and constant.islower() else constant or ""


def local_times(body: Mapping[str, Any]) -> str:
    """The borrower's clock at the entry, in every zone where the borrower may be; empty where the entry names none."""
    at = datetime.fromisoformat(str(body["at"]))
    zones = body.get("facts", {}).get("zones", [])
    return ", ".join(f"{at.astimezone(ZoneInfo(zone)):%a %H:%M} {zone}" for zone in zones)


def summary(bodies: Iterable[Mapping[str, Any]]) -> str:
    """How many entries there are of the kinds that matter first."""
    counts = Counter(body["kind"] for body in bodies)
    return ", ".join(f"{name}: {counts[kind]}" for kind, name in COUNTED.items() if counts[kind]) or "nothing"


def when(at: str) -> str:
    """An instant as people read it; the entry itself keeps its exact form."""
    return at[:19].replace("T", " ")
