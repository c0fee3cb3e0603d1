"""Evidence told in sentences: each kind of entry, in words that a compliance officer reads."""

from __future__ import annotations

from typing import Any

import pytest

from forbear_client.ledger_page import render_page
from forbear_client.ledger_story import WHAT, local_times, story, summary
from forbear_domain.ledger import Kind

AT = "2026-03-05T17:00:22Z"
FACTS = {"channel": "sms", "zones": ["America/New_York", "America/Denver"]}
VERDICT = {
    "rule": "US-MA-2IN7", "why": "2 contacts made already counted.", "source": "209 CMR 18.16(1)(c)",
    "not_before": "2026-03-09T12:00:01Z",
}  # fmt: skip


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            {"kind": "permit", "facts": FACTS, "template": "reminder.gentle", "packs": ["HOUSE@1", "US-MA@1"]},
            "Allowed: a text, reminder.gentle - under HOUSE@1, US-MA@1",
        ),
        (
            {"kind": "postponement", "facts": FACTS, "verdict": VERDICT, "reason": "US-MA-2IN7"},
            "Not yet: a text - 2 contacts made already counted. Decided by US-MA-2IN7: 209 CMR 18.16(1)(c) - "
            "not before 2026-03-09 12:00:01 UTC",
        ),
        ({"kind": "settlement", "outcome": "accepted"}, "How the attempt ended - the provider took it"),
        ({"kind": "settlement", "outcome": "refused", "reason": "21610"},
         "How the attempt ended - the provider refused it - 21610"),
        ({"kind": "receipt", "state": "inbound"}, "What became of it - the borrower wrote or called"),
        ({"kind": "suppression", "bars": "opt_out"}, "Contact was barred - opt out"),
        ({"kind": "permit", "erased": True}, "Allowed - what it said about the borrower was erased"),
        ({"kind": "erasure", "done": True, "kept_until": AT},
         "An erasure from the evidence - nobody can read it any more"),
        ({"kind": "erasure", "done": False, "kept_until": AT},
         "An erasure from the evidence - law keeps it until 2026-03-05 17:00:22"),
        ({"kind": "something new"}, "something new"),
    ],
)  # fmt: skip
def test_an_entry_is_told_in_words(body: dict[str, Any], told: str) -> None:
    """What, how it ended, by which rule, and why."""
    assert told == story({"at": AT, **body})


def test_every_kind_of_entry_has_words() -> None:
    """A new kind must be told before it is written."""
    assert {kind.value for kind in Kind} == set(WHAT)


def test_the_borrower_s_clock_is_shown_in_every_zone() -> None:
    """Lawful hours are those of the borrower; an entry without facts shows none."""
    assert "Thu 12:00 America/New_York, Thu 10:00 America/Denver" == local_times({"at": AT, "facts": FACTS})
    assert "" == local_times({"at": AT})


def test_the_summary_counts_what_matters_first() -> None:
    """And says when there is nothing."""
    kinds = ["permit", "permit", "postponement", "receipt"]
    assert "allowed: 2, put off: 1" == summary({"kind": kind} for kind in kinds)
    assert "nothing" == summary([])


def test_a_page_escapes_what_an_entry_says() -> None:
    """An entry is shown, never run."""
    entry = {"sequence": 0, "body": f'{{"at":"{AT}","kind":"policy","label":"<script>x</script>"}}', "proof": []}
    checkpoint = {"size": 1, "signed_at": AT, "key_id": "k", "root": "00", "signature": "00"}
    page = render_page({"borrower": "b", "checkpoint": checkpoint, "entries": [entry], "key": None})

    assert "<script>" not in page
    assert "&lt;script&gt;x&lt;/script&gt;" in page
