"""One borrower's history as a page that a compliance officer reads and prints. Pure; everything is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import orjson

from forbear_domain.ledger import open_entry

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.4rem .6rem;"
    "border-bottom:1px solid #ccc}.when{white-space:nowrap}"
    "code{font-size:.85em;overflow-wrap:anywhere}details{margin-top:.3rem}"
    "@media(prefers-color-scheme:dark){body{background:#111;color:#eee}th,td{border-color:#444}}"
)
_WORDS = {
    "permit": "The gate allowed an attempt, and it was claimed",
    "refusal": "The gate forbade the contact",
    "postponement": "The gate said: not yet",
    "expiry": "The contact's time passed before it could lawfully be sent",
    "settlement": "How the attempt ended",
    "reconciliation": "What the provider said later about an unknown outcome",
    "receipt": "What became of the message",
    "words": "The borrower wrote or said something",
    "suppression": "Contact was barred",
    "lift": "A bar was lifted",
    "recall": "The contact was taken back",
    "erasure": "An erasure of the borrower from the evidence",
    "policy": "Own rules of the tenant came into force",
    "override": "A person decided",
}


def render_page(document: Mapping[str, Any]) -> str:
    """Return the page for an export."""
    checkpoint = document["checkpoint"]
    key = bytes.fromhex(document["key"]) if document.get("key") else None
    rows = "\n".join(_row(entry, key) for entry in document["entries"])
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Contact history of {escape(document["borrower"])}</title><style>{_STYLE}</style></head><body>
<h1>Contact history of one borrower</h1>
<p>Borrower <code>{escape(document["borrower"])}</code>. {len(document["entries"])} entries, each proved to stand in a
ledger of {checkpoint["size"]} entries whose root was signed at {escape(checkpoint["signed_at"])} by key
<code>{escape(checkpoint["key_id"])}</code>.</p>
<p>To check the proofs without our systems: <code>forbear ledger verify --export
ledger-{escape(document["borrower"])}.json</code></p>
<table><thead><tr><th scope="col">No.</th><th scope="col">When (UTC)</th><th scope="col">What happened</th></tr></thead>
<tbody>
{rows}
</tbody></table>
<p>Root <code>{escape(checkpoint["root"])}</code><br>Signature <code>{escape(checkpoint["signature"])}</code></p>
</body></html>
"""


def _row(entry: Mapping[str, Any], key: bytes | None) -> str:
    body = open_entry(entry["body"].encode(), key)
    pretty = orjson.dumps(body, option=orjson.OPT_INDENT_2).decode()
    proof = "\n".join(entry["proof"])
    return (
        f"<tr><td>{entry['sequence']}</td><td class='when'>{escape(_when(str(body['at'])))}</td>"
        f"<td>{escape(_story(body))}"
        f"<details><summary>Entry and proof</summary><pre><code>{escape(pretty)}</code></pre>"
        f"<pre><code>{escape(proof)}</code></pre></details></td></tr>"
    )


def _story(body: Mapping[str, Any]) -> str:
    """Tell an entry in one sentence: what, by which channel and text, under which rules, and why."""
    verdict = body.get("verdict", {})
    parts = [_WORDS.get(body["kind"], body["kind"])]
    if "erased" in body:
        parts.append("what it said about the borrower was erased")
    if body["kind"] == "erasure":
        kept = f"law keeps it until {_when(body['kept_until'])}"
        parts.append("nobody can read it any more" if body["done"] else kept)
    told = (body.get("facts", {}).get("channel"), body.get("template"), verdict.get("rule"), body.get("outcome"),
            body.get("bars"), body.get("state"), body.get("label"), body.get("reason"))  # fmt: skip
    parts += [str(text) for text in dict.fromkeys(told) if text]
    if body.get("packs"):
        parts.append(f"under {', '.join(body['packs'])}")
    if verdict.get("why"):
        parts.append(f"{verdict['why']} ({verdict.get('source', '')})")
    return " - ".join(parts)


def _when(at: str) -> str:
    """An instant as people read it; the entry itself keeps its exact form."""
    return at[:19].replace("T", " ")
