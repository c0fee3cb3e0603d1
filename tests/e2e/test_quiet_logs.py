"""Nothing of a borrower is in the logs or metrics of a service: every row of the portfolio is a canary."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from forbear_client.api import Api, ApiError
from forbear_domain.messages import Catalogue
from forbear_sandbox.stack import SERVICES
from tests.kit.stack_kit import Scene

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_valkey, pytest.mark.slow, pytest.mark.xdist_group("tour")]

WORDS = "The quick brown fox told me a secret and I cannot pay this month"
HICCUPS = [
    {"kind": "error_500", "share": 0.1},
    {"kind": "garbage", "share": 0.1},
    {"kind": "cut_after", "share": 0.1},
    {"kind": "callback_twice", "share": 0.2},
]
SENTENCE_CHARS = 24


def knock_with_personal_data(scene: Scene, row: dict[str, str]) -> None:
    """Send what is refused: personal data in a path, in a form without signature, in a bad row and a bad body."""
    form = urlencode({"From": row["mobile"], "Body": WORDS, "MessageSid": "SM1", "To": "+18005550100"}).encode()
    tries = [
        Request(f"{scene.stack.tracker_url}/twilio/message", data=form, headers={"X-Twilio-Signature": "wrong"}),
        Request(f"{scene.stack.tracker_url}/u/{row['email']}"),
        Request(f"{scene.stack.scheduler_url}/v1/borrowers/{row['email']}/next-contact?phone={row['mobile'][1:]}"),
        Request(f"{scene.stack.scheduler_url}/{row['mobile'][1:]}"),
    ]
    for request in tries:
        with pytest.raises(HTTPError), urlopen(request, timeout=10):
            pass


def import_badly(api: Api, row: dict[str, str], folder: Path) -> None:
    """Import a row whose language is unknown, and a file that is none."""
    path = folder / "bad.csv"
    path.write_text("\n".join([",".join(row), ",".join({**row, "language": row["email"]}.values())]), encoding="utf-8")
    assert 1 == api.import_borrowers(path)["rows_rejected"]
    path.write_text(f"{row['mobile']};{row['email']}\n", encoding="utf-8")
    with pytest.raises(ApiError):
        api.create_campaign({"name": row["email"], "nonsense": row["mobile"]}, key=row["email"])
    assert "failed" == api.import_borrowers(path)["state"]


def canaries(scene: Scene) -> Iterator[tuple[str, str]]:
    """Yield patterns that must not be found, with what they stand for."""
    for row in scene.rows:
        for column in ("mobile", "landline"):
            if row[column]:
                yield f"{column} of {row['borrower_ref']}", re.escape(row[column].removeprefix("+1"))
        yield f"email of {row['borrower_ref']}", re.escape(row["email"])
    for name in sorted({row["given_name"] for row in scene.rows}):
        yield f"the name {name}", rf"\b{re.escape(name)}\b" if name.isascii() else re.escape(name)
    yield "words of a borrower", "quick brown fox"
    for (text,) in scene.select("SELECT DISTINCT replace(text, E'\\n', ' ') FROM tracker.message WHERE is_inbound"):
        yield "words of a borrower", re.escape(text[:SENTENCE_CHARS]) if len(text) >= SENTENCE_CHARS else r"\A\Z"
    for sentence in template_sentences():
        yield "text of a message", re.escape(sentence)


def template_sentences() -> set[str]:
    """Return the longest piece of each text that we send, free of blanks to fill."""
    pieces = (re.split(r"[{}\n]", source) for version in Catalogue.load() for source in version.sources.values())
    longest = (max(piece, key=len).strip() for piece in pieces)
    return {piece[:SENTENCE_CHARS] for piece in longest if len(piece) >= SENTENCE_CHARS // 2}


def told(scene: Scene) -> dict[str, str]:
    """Return everything that the services have told: logs, with escapes undone, and metrics."""
    admin = {
        "contact-scheduler": scene.stack.ports.scheduler_admin,
        "channel-dispatcher": scene.stack.ports.dispatcher_admin,
        "response-tracker": scene.stack.ports.tracker_admin,
    }
    found = {}
    for name in SERVICES:
        log = scene.stack.log_path(name).read_text("utf-8", "replace")
        unescaped = "\n".join(json.dumps(json.loads(line), ensure_ascii=False) for line in log.splitlines() if line)
        found[f"log of {name}"] = log + unescaped
        with urlopen(f"http://127.0.0.1:{admin[name]}/metrics", timeout=10) as answer:
            found[f"metrics of {name}"] = answer.read().decode()
    return found


def test_no_number_address_name_or_text_is_in_logs_and_metrics(tour: Scene, tmp_path: Path) -> None:
    """A day with replies, refused requests, bad files and providers that fail, at the most talkative log level."""
    row = tour.rows[0]
    tour.run_until(tour.next_daytime())
    tour.world.set_faults(HICCUPS)
    for other in tour.rows[:5]:
        tour.world.say(other["borrower_ref"], WORDS)
    knock_with_personal_data(tour, row)
    import_badly(tour.api, row, tmp_path)
    tour.run_until(tour.next_quiet_hour())
    tour.world.set_faults([])

    texts = told(tour)
    leaks = [
        (where, what) for what, pattern in canaries(tour) for where, text in texts.items() if re.search(pattern, text)
    ]

    assert all(texts.values())
    assert [] == leaks
