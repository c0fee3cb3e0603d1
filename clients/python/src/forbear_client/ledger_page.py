"""One borrower's history as a page that a compliance officer reads and prints. Pure; everything is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import orjson

from forbear_client.ledger_story import local_times, story, summary, when
from forbear_domain.ledger import open_entry

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.4rem .6rem;"
    "border-bottom:1px solid #ccc}.when{min-width:10rem}small{opacity:.75}"
    "code{font-size:.85em;overflow-wrap:anywhere}details{margin-top:.3rem}"
    "@media(prefers-color-scheme:dark){body{background:#111;color:#eee}th,td{border-color:#444}}"
)


def render_page(document: Mapping[str, Any]) -> str:
    """Return the page for an export."""
    checkpoint = document["checkpoint"]
    key = bytes.fromhex(document["key"]) if document.get("key") else None
    bodies = [open_entry(entry["body"].encode(), key) for entry in document["entries"]]
    rows = "\n".join(_row(entry, body) for entry, body in zip(document["entries"], bodies, strict=True))
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Contact history of {escape(document["borrower"])}</title><style>{_STYLE}</style></head><body>
<h1>Contact history of one borrower</h1>
<p>Borrower <code>{escape(document["borrower"])}</code>. {len(document["entries"])} entries, each proved to stand in a
ledger of {checkpoint["size"]} entries whose root was signed at {escape(checkpoint["signed_at"])} by key
<code>{escape(checkpoint["key_id"])}</code>.</p>
<p>{escape(summary(bodies)[:1].upper() + summary(bodies)[1:])}. Every decision below names the rule and its source; what
is allowed was decided on the facts that stand in its entry, and anybody can decide again.</p>
<p>To check the proofs without our systems: <code>forbear ledger verify --export
ledger-{escape(document["borrower"])}.json</code><br>To decide every permit again: <code>forbear ledger audit --export
ledger-{escape(document["borrower"])}.json</code></p>
<table><thead><tr><th scope="col">No.</th><th scope="col">When (UTC)</th><th scope="col">What happened</th></tr></thead>
<tbody>
{rows}
</tbody></table>
<p>Root <code>{escape(checkpoint["root"])}</code><br>Signature <code>{escape(checkpoint["signature"])}</code></p>
</body></html>
"""


def _row(entry: Mapping[str, Any], body: Mapping[str, Any]) -> str:
    local = local_times(body)
    pretty = orjson.dumps(body, option=orjson.OPT_INDENT_2).decode()
    proof = "\n".join(entry["proof"])
    return (
        f"<tr><td>{entry['sequence']}</td><td class='when'>{escape(when(str(body['at'])))}"
        f"{f'<br><small>{escape(local)}</small>' if local else ''}</td>"
        f"<td>{escape(story(body))}"
        f"<details><summary>Entry and proof</summary><pre><code>{escape(pretty)}</code></pre>"
        f"<pre><code>{escape(proof)}</code></pre></details></td></tr>"
    )
