"""Writes docs/CONVERSATIONS.md: ten telling conversations of a demonstration, as they happened, in four languages.

    python tools/conversations.py [--seed 1] [--borrowers 500] [--days 18] [--page FILE]

Runs the sandbox's campaign with the real services; a person works on the cases of despair within their term.
Then it reads what the tracker kept and picks one conversation for each theme: what was written, how it was understood,
what was done, and what came after. The borrowers are made up. The same seed gives the same conversations as long as
reader, texts and population are the same.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import fill
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from forbear_client.api import Api, ApiError
from forbear_domain.arrangements import PromiseState
from forbear_domain.messages import Catalogue
from forbear_domain.model import Channel, ResponseKind
from forbear_sandbox import portfolio
from forbear_sandbox.stack import START, Options, Stack
from response_tracker import wire
from response_tracker.store import cases, stories
from response_tracker.story import Line, LineKind, in_order

PAGE = Path(__file__).parents[1] / "docs" / "CONVERSATIONS.md"
PERSON = "Ana Ruiz"
LANGUAGES = {"en": "English", "es": "Spanish", "zh-Hans": "Chinese, simplified", "zh-Hant": "Chinese, traditional"}
BEFORE = timedelta(days=2)
AFTER = timedelta(days=17)
SURE = 0.7
LINES_MAX = 26
TEXT_CHARS_MAX = 260
WIDTH = 118
AT_WORK = range(8 * 4, 22 * 4)  # quarters of an hour in which a person looks at the queue
# What the law wants said in every message is the same in each; the page leaves it out, and how to leave.
SAME_IN_ALL = re.compile(
    r"This is an attempt to collect a debt and any information obtained will be used for that purpose\. |"
    r"Intentamos cobrar una deuda y la informaci[oó]n que se obtenga se usar[aá] para ese fin\. |"
    r"本次(联系|聯絡)旨在催收欠款，所[获獲](信息|資訊)[将將]用[于於][该該]目的。|"
    r" Reply STOP to opt out\.| Responda ALTO o STOP para no recibir m[aá]s\.|回复TD退订|回覆TD退訂"
)
IN_TURN = ("claim", "note", "answer", "lift", "close", "release")  # of acts in one instant of the stepped clock
MACHINE_WORDS = (
    (re.compile(r"chose the answer (.+)"), r"chose the approved text `\1`"),
    (re.compile(r"barred contact: (.+)"), r"barred reminders, in force before the message was acknowledged: \1"),
    (re.compile(r"opened the case (\w+)"), r"put a case into the queue of people: \1"),
    (re.compile(r"put options on the table"), "put two ways out on the table"),
)


@dataclass(frozen=True, slots=True)
class Borrower:
    """What is kept of one borrower, with the record's language and the borrower's clock."""

    language: str
    zone: ZoneInfo
    kept: stories.Kept
    of_borrower: list[cases.Case]
    acts: list[cases.CaseAct]

    @property
    def began_at(self) -> datetime:
        """When the borrower first wrote, spoke or pressed a key."""
        began_at: datetime = min([row["at"] for row in self._said] + [row["event_at"] for row in self._did])
        return began_at

    @property
    def _said(self) -> list[asyncpg.Record]:
        return [row for row in self.kept.messages if row["is_inbound"]]

    @property
    def _did(self) -> list[asyncpg.Record]:
        told_by_others = {ResponseKind.DELIVERED, ResponseKind.UNDELIVERED, ResponseKind.BOUNCED, ResponseKind.PAID}
        return [row for row in self.kept.responses if row["kind"] not in told_by_others]

    @property
    def is_heard(self) -> bool:
        """Whether the borrower did anything at all."""
        return bool(self._said or self._did)

    def wrote(self, *labels: str) -> bool:
        """Whether some message was read as one of the labels."""
        return any(set(labels) & set(row["labels"]) for row in self._said)

    def surely_wrote(self, label: str) -> bool:
        """Whether some message was read as a label without much doubt."""
        return any(label in row["labels"] and row["confidence"] >= SURE for row in self._said)

    def did(self, kind: ResponseKind, channel: Channel | None = None) -> bool:
        """Whether a response of a kind was kept, by a channel."""
        return any(row["kind"] == kind and channel in (None, row["channel"]) for row in self.kept.responses)

    def promised(self, state: PromiseState) -> bool:
        """Whether a promise that was written stands so now."""
        return any(row["state"] == state and row["channel"] != Channel.VOICE for row in self.kept.promises)


Test = Callable[[Borrower], bool]


@dataclass(frozen=True, slots=True)
class Theme:
    """What a conversation is to show; of the tests the first that any borrower passes chooses."""

    title: str
    shows: str
    tests: tuple[Test, ...]


def _in(language: str, *labels: str) -> Test:
    return lambda one: one.language == language and one.wrote(*labels)


def _helped(language: str) -> Test:
    return lambda one: one.language == language and bool(one.kept.arrangements) and one.wrote("hardship")


_R, _P = ResponseKind, PromiseState
THEMES = (
    Theme(
        "Work is lost, and a way out is found and kept",
        "Reminders stop at once and two ways are offered, computed for this loan. The borrower chooses by one figure; "
        "what is agreed is confirmed, reminded of the day before, and thanked for when the money comes.",
        (
            lambda one: (
                one.language == "en" and one.wrote("hardship") and bool(one.kept.arrangements) and one.did(_R.KEPT)
            ),
            _helped("en"),
        ),
    ),
    Theme(
        "A debt is disputed",
        "Nothing is collected any more. Two cases open, each with the term that the law sets: to acknowledge the "
        "dispute, and to verify the debt.",
        (lambda one: one.surely_wrote("dispute") and not one.wrote("wrong_party"),),
    ),
    Theme(
        "Stop",
        "The stop is in force before the message is acknowledged. One confirmation, and no message after it.",
        (lambda one: one.language == "en" and one.wrote("opt_out") and not one.wrote("wrong_party", "cease_all"),),
    ),
    Theme(
        "The number belongs to somebody else",
        "The address is barred for every lender here. Nothing is answered: a stranger must not learn of a debt.",
        (lambda one: one.surely_wrote("wrong_party"), lambda one: one.wrote("wrong_party")),
    ),
    Theme(
        "Despair, and the person who took over",
        "No word of money, whom to call in danger, and a case of fifteen minutes for a person. What the person did "
        "stands under their name; the machine speaks of the loan again only after they lifted the bar.",
        (
            lambda one: one.surely_wrote("distress") and bool(one.acts),
            lambda one: one.wrote("distress") and bool(one.acts),
        ),
    ),
    Theme(
        "A promise that is kept, in Spanish",
        "Thanked for, left in peace, reminded once the day before, and thanked for again.",
        (lambda one: one.language == "es" and one.promised(_P.KEPT) and not one.promised(_P.MISSED),),
    ),
    Theme(
        "A promise that is missed",
        "A day of grace, then one kind question at a kind hour. Reminders go on only some days after it.",
        (lambda one: one.language == "en" and one.promised(_P.MISSED), lambda one: one.promised(_P.MISSED)),
    ),
    Theme(
        "Written in simplified Chinese",
        "Read and answered in the script that was written in.",
        (_helped("zh-Hans"), _in("zh-Hans", "promise_to_pay", "hardship", "plan_request", "question_how_to_pay")),
    ),
    Theme(
        "Written in traditional Chinese",
        "Read and answered in the script that was written in.",
        (_helped("zh-Hant"), _in("zh-Hant", "promise_to_pay", "hardship", "plan_request", "question_how_to_pay")),
    ),
    Theme(
        "A call that is answered by keys",
        "The person says who they are before a debt is named. A key does what a reply does; what was agreed is said "
        "in the call, and confirmed in writing to whoever may be written to.",
        (
            lambda one: one.did(_R.ARRANGED, Channel.VOICE),
            lambda one: one.did(_R.PROMISED, Channel.VOICE),
        ),
    ),
)


def main() -> int:
    """Run the campaign and write the page; 0 when a conversation was found for every theme."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--borrowers", type=int, default=500)
    parser.add_argument("--days", type=int, default=18)
    parser.add_argument("--page", type=Path, default=PAGE, help="where to write, instead of the page in docs/")
    asked = parser.parse_args()
    with TemporaryDirectory(prefix="forbear-conversations-") as folder:
        path = Path(folder) / "portfolio.csv"
        people = portfolio.generate(asked.borrowers, asked.seed, START.date())
        portfolio.write_csv((replace(row, circumstances="") for row in people), path)  # all may write and be answered
        with Stack(Path(folder) / "run", Options(seed=asked.seed, portfolio=path, is_durable=False)) as stack:
            with Api(stack.scheduler_url, stack.api_key) as api:
                api.import_borrowers(path)
                campaign = api.create_campaign({"name": "Conversations"}, key="conversations")
                api.change_campaign(campaign["campaign_id"], "start")
            live(stack, asked.days)
            found = asyncio.run(read(stack.database_url("forbear_tracker")))
    chosen = choose(found)
    command = f"python tools/conversations.py --seed {asked.seed} --borrowers {asked.borrowers} --days {asked.days}"
    asked.page.write_text(page([tell(number, *one) for number, one in enumerate(chosen, 1)], command), encoding="utf-8")
    print(f"{len(chosen)} conversations in {asked.page.name}")  # a command
    for theme in THEMES:
        if theme not in {one[0] for one in chosen}:
            print(f"nobody for: {theme.title}; take more borrowers, or more days")
    return 0 if len(chosen) == len(THEMES) else 1


def live(stack: Stack, days: int) -> None:
    """Let the days pass; every quarter of an hour a person looks for cases of despair."""
    key = stack.add_person(PERSON).read_text(encoding="utf-8").strip()
    with Api(stack.scheduler_url, key) as desk:
        for day, quarter in product(range(days), AT_WORK):
            stack.world.run_until(START + timedelta(days=day, minutes=15 * quarter))
            for case in desk.cases(reason="distress", page_size=20)["cases"]:
                care(desk, case["case_id"])


def care(desk: Api, case_id: str) -> None:
    """Do what a person does about a case of despair: speak, write down, lift the bar, give the borrower back."""
    desk.act_on_case(case_id, "claim")
    desk.act_on_case(case_id, "note", note="Called, and stayed on the line. Not alone now. No word of money.")
    for bar in desk.case(case_id)["bars"]:
        if bar["kind"] == "distress" and bar["is_in_force"]:
            basis = {"suppression_id": bar["suppression_id"], "basis": "spoken_with_borrower"}
            desk.act_on_case(case_id, "lift", note="We spoke twice; messages are welcome again.", **basis)
    note = "Knows whom to call, and asks to hear of ways out."
    try:
        desk.act_on_case(case_id, "close", outcome="returned", note=note)
    except ApiError:  # something else of the borrower waits for a person: it comes first
        desk.act_on_case(case_id, "close", outcome="resolved", note=note)


async def read(database_url: str) -> list[Borrower]:
    """Return every borrower who did anything, in the order in which they first did."""
    connection = await asyncpg.connect(database_url)
    try:
        rows = await connection.fetch(
            "SELECT DISTINCT ON (tenant_id, borrower_id) tenant_id, borrower_id, contact FROM attempt "
            "ORDER BY tenant_id, borrower_id, send_at DESC"
        )
        found = [await _borrower(connection, row) for row in rows]
    finally:
        await connection.close()
    return sorted((one for one in found if one.is_heard), key=lambda one: one.began_at)


async def _borrower(connection: asyncpg.Connection, row: asyncpg.Record) -> Borrower:
    key: tuple[UUID, UUID] = (row["tenant_id"], row["borrower_id"])
    snapshot = wire.snapshot(row["contact"])
    return Borrower(
        snapshot.language,
        snapshot.zone,
        await stories.read(connection, *key),
        await cases.of_borrower(connection, *key),
        sorted(await cases.acts_of(connection, *key), key=lambda act: (act.at, IN_TURN.index(act.act))),
    )


def choose(found: Sequence[Borrower]) -> list[tuple[Theme, Borrower]]:
    """Choose for each theme the first borrower who shows it best and whom no other theme took."""
    chosen: list[tuple[Theme, Borrower]] = []
    left = list(found)
    for theme in THEMES:
        one = next((one for test in theme.tests for one in left if test(one)), None)
        if one is not None:
            chosen.append((theme, one))
            left.remove(one)
    return chosen


def tell(number: int, theme: Theme, one: Borrower) -> str:
    """Return one conversation, from shortly before the first word to some weeks after it."""
    lines = [
        line
        for line in in_order(one.kept, one.of_borrower, one.acts, Catalogue.load())
        if one.began_at - BEFORE <= line.at <= one.began_at + AFTER
    ]
    head = (
        f"## {number}. {theme.title}\n\n{fill(theme.shows, WIDTH)}\n\n"
        f"Language on record: {LANGUAGES[one.language]}. Times are those of the borrower's clock, {one.zone.key}.\n"
    )
    return "\n".join([head, *shown(lines[:LINES_MAX], one.zone)])


def shown(lines: Sequence[Line], zone: ZoneInfo) -> Iterator[str]:
    """Write lines as a list: what was written and sent with its words; beneath it what was done in the same instant."""
    said_at: datetime | None = None
    for line in lines:
        at = f"- {line.at.astimezone(zone):%a %d %b %H:%M} "
        told = _told(line)
        if line.kind is LineKind.SAID:
            said_at = line.at
            yield f"{at}**the borrower{_by(line)}**: {_quoted(line.words)}"
            yield f"    - understood: {told.removeprefix('read as ')}"
        elif line.kind is LineKind.SENT:
            template, _, fate = line.summary.partition(": ")
            yield f"{at}sent{_by(line)}, `{template}` ({fate.replace('_', ' ')}): {_quoted(line.words)}"
        elif line.at == said_at:
            yield f"    - {BENEATH[line.kind]}: {told}"
        else:
            yield f"{at}{ALONE[line.kind]}: {told}"


BENEATH = {LineKind.DID: "on record", LineKind.MACHINE: "done", LineKind.PERSON: "a person"}
ALONE = {LineKind.DID: "on record", LineKind.MACHINE: "the machine", LineKind.PERSON: "**a person**"}


def _by(line: Line) -> str:
    return f" by {line.channel.label}" if line.channel is not None else ""


def _told(line: Line) -> str:
    """Return what a line tells, in plain words."""
    plain = line.summary
    for pattern, words in MACHINE_WORDS:
        plain = pattern.sub(words, plain)
    plain = "`".join(part if number % 2 else part.replace("_", " ") for number, part in enumerate(plain.split("`")))
    channel = _by(line) if line.kind is LineKind.DID else ""
    note = f": {line.words}" if line.words and line.kind in (LineKind.DID, LineKind.PERSON) else ""
    return f"{plain}{channel}{note}"


def _quoted(words: str) -> str:
    text = SAME_IN_ALL.sub("", " ".join(words.split()))
    return f"*{text[:TEXT_CHARS_MAX]}{' ...' if len(text) > TEXT_CHARS_MAX else ''}*" if text else "(no words)"


def page(parts: Sequence[str], command: str) -> str:
    """Return the whole page."""
    return f"""# Ten conversations

What borrowers wrote or pressed, how it was understood, what was done, and what came after, as the tracker kept it. The
page is written by a command, from a campaign of the sandbox with the real services:

    {command}

The borrowers are made up, their numbers and addresses are reserved ones, and their words come from the sandbox's texts.
So this shows what the software does, not how well it reads: for that see [READING.md](READING.md). Misreadings stay on
the page. The person of the fifth conversation is played by the command, over the same API as any other.

**How to read it.** *Understood* names the labels that the reader gave and how sure it was, from 0 to 1. *On record* is
what counts from then on, such as a promise. *Done* is what followed at once: a bar keeps reminders away, a case waits
for a person and has a term, an answer is one of the approved texts. A message gets one answer at most, and one that
disputes a debt none from a collector's machine: a person acknowledges it. Where no line says that an answer was sent,
the law held it back, or the carrier answers in our place (to STOP). What the law wants said in every message (that this
is to collect a debt, and how to stop) is left out here, and so are links.
`forbear cases show` tells the same story to the person who takes over.

{chr(10).join(part + chr(10) for part in parts)}"""


if __name__ == "__main__":
    sys.exit(main())
