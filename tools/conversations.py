"""Writes docs/CONVERSATIONS.md: ten conversations of a demonstration, as they happened, in four languages.

    python tools/conversations.py [--seed 1] [--borrowers 500] [--days 14]

Runs the sandbox's campaign with the real services and reads what the tracker kept: what borrowers wrote, how it was
read, what was done and what came after. The borrowers are made up, and so are their numbers. The same seed gives the
same conversations as long as reader, texts and population are the same.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from forbear_client.api import Api
from forbear_domain.messages import Catalogue
from forbear_sandbox import portfolio
from forbear_sandbox.stack import START, Options, Stack
from response_tracker import wire
from response_tracker.store import cases, stories
from response_tracker.story import Line, LineKind, in_order

PAGE = Path(__file__).parents[1] / "docs" / "CONVERSATIONS.md"
LANGUAGES = {"en": "English", "es": "Spanish", "zh-Hans": "Chinese, simplified", "zh-Hant": "Chinese, traditional"}
WANTED = {"en": 4, "es": 2, "zh-Hans": 2, "zh-Hant": 2}
AFTER = timedelta(days=7)  # what came after is told for so long
BEFORE = timedelta(days=2)
LINES_MAX = 16
TEXT_CHARS_MAX = 300
# What the law wants said in every message is the same in each; the page leaves it out.
DISCLOSURE = re.compile(
    r"This is an attempt to collect a debt and any information obtained will be used for that purpose\. |"
    r"Intentamos cobrar una deuda y la información que se obtenga se usará para ese fin\. |"
    r"本次(联系|聯絡)旨在催收欠款，所[获獲](信息|資訊)[将將]用[于於][该該]目的。"
)
WHO = {
    LineKind.SAID: "**borrower**",
    LineKind.SENT: "sent",
    LineKind.DID: "so the borrower",
    LineKind.MACHINE: "machine",
    LineKind.PERSON: "person",
}

Key = tuple[UUID, UUID]


@dataclass(frozen=True, slots=True)
class Talk:
    """One borrower's first message that was read, and how."""

    key: Key
    language: str
    zone: ZoneInfo
    said_at: datetime
    labels: frozenset[str]


def main() -> int:
    """Run the campaign and write the page; 0 when ten conversations were found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--borrowers", type=int, default=500)
    parser.add_argument("--days", type=int, default=14)
    asked = parser.parse_args()
    with TemporaryDirectory(prefix="forbear-conversations-") as folder:
        path = Path(folder) / "portfolio.csv"
        portfolio.write_csv(portfolio.generate(asked.borrowers, asked.seed, START.date()), path)
        with Stack(Path(folder) / "run", Options(seed=asked.seed, portfolio=path, is_durable=False)) as stack:
            with Api(stack.scheduler_url, stack.api_key) as api:
                api.import_borrowers(path)
                campaign = api.create_campaign({"name": "Conversations"}, key="conversations")
                api.change_campaign(campaign["campaign_id"], "start")
            stack.world.run_until(START + timedelta(days=asked.days))
            parts = asyncio.run(collect(stack.database_url("forbear_tracker")))
    command = f"python tools/conversations.py --seed {asked.seed} --borrowers {asked.borrowers} --days {asked.days}"
    PAGE.write_text(page(parts, command), encoding="utf-8")
    print(f"{len(parts)} conversations in {PAGE.name}")  # a command
    return 0 if len(parts) == sum(WANTED.values()) else 1


async def collect(database_url: str) -> list[str]:
    """Return the chosen conversations as Markdown."""
    catalogue = Catalogue.load()
    connection = await asyncpg.connect(database_url)
    try:
        chosen = choose(await talks(connection))
        return [await tell(connection, catalogue, number, talk) for number, talk in enumerate(chosen, 1)]
    finally:
        await connection.close()


async def talks(connection: asyncpg.Connection) -> list[Talk]:
    """Return the first message of each borrower who wrote or spoke, oldest first."""
    rows = await connection.fetch(
        "SELECT DISTINCT ON (message.tenant_id, message.borrower_id) message.tenant_id, message.borrower_id, at, "
        "labels, contact FROM message JOIN attempt USING (tenant_id, borrower_id) WHERE is_inbound AND send_at <= at "
        "ORDER BY message.tenant_id, message.borrower_id, at, message.id, send_at DESC"
    )
    found = []
    for row in rows:
        snapshot = wire.snapshot(row["contact"])
        key = (row["tenant_id"], row["borrower_id"])
        found.append(Talk(key, snapshot.language, snapshot.zone, row["at"], frozenset(row["labels"])))
    return sorted(found, key=lambda talk: (talk.said_at, talk.key))


def choose(found: Sequence[Talk]) -> list[Talk]:
    """Choose conversations in each language, first those that show a label which none before them showed."""
    chosen: list[Talk] = []
    shown: set[str] = set()
    for language, wanted in WANTED.items():
        left = [talk for talk in found if talk.language == language]
        for _ in range(wanted):
            fresh = [talk for talk in left if talk.labels - shown] or left
            if fresh:
                chosen.append(fresh[0])
                shown |= fresh[0].labels
                left.remove(fresh[0])
    return chosen


async def tell(connection: asyncpg.Connection, catalogue: Catalogue, number: int, talk: Talk) -> str:
    """Return one conversation, from shortly before the first message to a week after it."""
    kept = await stories.read(connection, *talk.key)
    of_borrower = await cases.of_borrower(connection, *talk.key)
    lines = [
        line
        for line in in_order(kept, of_borrower, [], catalogue)
        if talk.said_at - BEFORE <= line.at <= talk.said_at + AFTER
    ]
    title = ", ".join(sorted(talk.labels)).replace("_", " ")
    head = f"## {number}. {LANGUAGES[talk.language]}: {title}\n\nThe borrower's clock is that of {talk.zone.key}.\n"
    return "\n".join([head, *shown(lines[:LINES_MAX], talk.zone)])


def shown(lines: Sequence[Line], zone: ZoneInfo) -> Iterator[str]:
    """Write lines as a list, with words quoted beneath."""
    for line in lines:
        channel = f" by {line.channel.label}" if line.channel is not None and line.kind in (1, 2) else ""
        yield f"- {line.at.astimezone(zone):%a %d %b %H:%M} {WHO[line.kind]}{channel}: {line.summary}"
        if line.words:
            words = DISCLOSURE.sub("... ", " ".join(line.words.split()))
            yield f"  > {words[:TEXT_CHARS_MAX]}{' ...' if len(words) > TEXT_CHARS_MAX else ''}"


def page(parts: Sequence[str], command: str) -> str:
    """Return the whole page."""
    return f"""# Ten conversations

What borrowers wrote or said, how it was read, what was done at once, and what came after, as the tracker kept it. This
page is written by a command, from a campaign of the sandbox with the real services:

    {command}

The borrowers are made up, their numbers and addresses are reserved ones, and their words come from the sandbox's texts.
So this shows what the software does, not how well it reads: for that see [READING.md](READING.md). Misreadings stay on
the page.

A line "read as" names the labels and the confidence. The machine gives at most one answer to a message; what it bars is
in force before the message is acknowledged; a case waits for a person with a term. `forbear cases show` tells the same
story to that person, and the ledger holds a commitment to every message.

{chr(10).join(part + chr(10) for part in parts)}"""


if __name__ == "__main__":
    sys.exit(main())
