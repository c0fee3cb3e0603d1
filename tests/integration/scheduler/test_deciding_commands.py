"""`forbear campaign`, `evaluate` and `strategy` over HTTP: what analysts type, and are told when it is wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from contact_scheduler.learning.strategies import term_names
from forbear_chassis.http import HttpServer
from forbear_client import campaign_commands, evaluate_commands, strategy_commands
from forbear_client.cli import main
from tests.integration.scheduler.scheduler_stage import KEY, Scheduler, make_csv, make_row

pytestmark = pytest.mark.needs_postgres
Forbear = Callable[..., Awaitable[Result]]


@pytest.fixture
async def forbear(scheduler: Scheduler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Forbear]:
    """Run the command beside the campaign API, on a terminal of eighty columns."""
    server = HttpServer(scheduler.app, "127.0.0.1:0")
    await server.start()
    key_file = tmp_path / "key"
    key_file.write_text(KEY, encoding="utf-8")
    monkeypatch.setenv("FORBEAR_URL", f"http://127.0.0.1:{server.port}")
    monkeypatch.setenv("FORBEAR_API_KEY_FILE", str(key_file))
    for commands in (campaign_commands, evaluate_commands, strategy_commands):  # a console keeps its first width
        monkeypatch.setattr(commands, "console", Console(width=80))

    async def run(*words: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, main, words)

    yield run
    await server.stop(1.0)


async def test_ids_are_listed_whole_and_names_of_any_letters_can_be_used(
    scheduler: Scheduler, forbear: Forbear
) -> None:
    """An id cut short is of no use; a repeat under the same name creates nothing."""
    first = await forbear("campaign", "create", "März: ein langer Name, der die Zeile füllt")
    again = await forbear("campaign", "create", "März: ein langer Name, der die Zeile füllt")
    listed = await forbear("campaign", "list")
    campaign_id = json.loads(first.output)["campaign_id"]

    assert (0, first.output) == (again.exit_code, again.output)
    assert campaign_id in listed.output
    assert 1 == await scheduler.count("SELECT count(*) FROM campaign")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"weights": {"base x sms": NaN}}', "the weight of 'base x sms' is no finite number"),
        ('{"weights": {"base x sms": "0.3"}}', "the weight of 'base x sms' is no finite number"),
        ('{"weights": {"base x sms": 21}}', "the weight of 'base x sms' must lie between -20 and 20"),
        ('{"weights": {"base x s', "is not JSON of the form"),
        (
            json.dumps({"weights": dict.fromkeys([*term_names(), "evenings"], 0.1)}),
            "there is no term 'evenings'; see `forbear strategy export`",
        ),
    ],
)
async def test_a_strategy_that_cannot_be_read_is_refused_with_the_term_at_fault(
    scheduler: Scheduler, forbear: Forbear, tmp_path: Path, text: str, told: str
) -> None:
    """NaN, text, an impossible weight, half a file, one term too many: no traceback, and nothing is proposed."""
    path = tmp_path / "mine.json"
    path.write_text(text, encoding="utf-8")

    found = await forbear("strategy", "propose", str(path), "--name", "mine", "--origin", "by hand")

    assert (1, SystemExit) == (found.exit_code, type(found.exception))
    assert told in found.output
    assert 0 == await scheduler.count("SELECT count(*) FROM strategy")


async def test_a_name_that_is_taken_is_said_to_be_taken(forbear: Forbear, tmp_path: Path) -> None:
    """The same proposal again is harmless; another one under its name is told what is wrong with it."""
    path, other = tmp_path / "mine.json", tmp_path / "other.json"
    path.write_text('{"weights": {"base x sms": 0.3}}', encoding="utf-8")
    other.write_text('{"weights": {"base x sms": 0.4}}', encoding="utf-8")
    made = [
        await forbear("strategy", "propose", str(one), "--name", "mine", "--origin", "by hand")
        for one in (path, path, other)
    ]

    assert [0, 0, 1] == [one.exit_code for one in made]
    assert "there is a strategy mine already; choose another name" in made[2].output


async def test_a_tolerance_that_is_no_number_is_refused_without_a_traceback(forbear: Forbear) -> None:
    """JSON has no word for it."""
    found = await forbear("brake", "set", "opted_out", "nan", "--reason", "x")

    assert (1, SystemExit) == (found.exit_code, type(found.exception))
    assert "tolerated: give a finite number" in found.output


async def test_analysts_are_told_who_decides_on_a_table_that_fits(scheduler: Scheduler, forbear: Forbear) -> None:
    """The figures of a policy stand on one line each, its words below; who decides stands with the answer."""
    await scheduler.upload(make_csv([make_row(number) for number in range(1, 41)]))
    campaign_id = await scheduler.start_campaign(control_share=0.5)
    await scheduler.live_until(scheduler.clock.now() + timedelta(days=1))
    await scheduler.pool.execute(
        "UPDATE contact SET state = 1, sent_at = not_before, responded_at = CASE WHEN slot % 4 = 0 THEN not_before END "
        "WHERE state IN (0, 6)"
    )
    await scheduler.live_until(scheduler.clock.now() + timedelta(days=3))
    told = await forbear("evaluate", campaign_id)
    shown = await forbear("strategy", "show")
    words = "The model as it learns decides for all borrowers; even choice stands in should it do harm."

    assert 0 == told.exit_code, told.output
    assert words in " ".join(told.output.split())
    assert words in " ".join(shown.output.split())
    lines = told.output.splitlines()
    rules, policies = (
        next(at for at, line in enumerate(lines) if name in line) for name in ("fixed rules, and", ", estimated")
    )
    for rule in ("even", "sms", "sms evening", "voice midday"):
        assert 1 == sum(line.startswith(f"{rule}  ") for line in lines[rules:policies])
    for policy in ("even", "sms", "email", "voice", "model"):
        assert 1 == sum(line.startswith(f"{policy} ") for line in lines[policies:])
        assert 1 == sum(line.startswith(f"  {policy}: ") for line in lines)
    assert any(", -" in line or "(-" in line for line in lines), told.output
    assert max(len(line) for line in lines) <= 80


async def test_hours_that_one_rule_closes_are_told_once(scheduler: Scheduler, forbear: Forbear) -> None:
    """Each night is one span for the channels that it closes, not a line for each of their hours."""
    await scheduler.upload(make_csv([make_row(1)]))
    await scheduler.start_campaign()
    await scheduler.run_plan()
    found = await forbear("campaign", "next", "B00001")
    nights = [line for line in found.output.splitlines() if "REGF-6B1-TIME" in line]

    assert 0 == found.exit_code, found.output
    assert 2 == len(nights)
    assert all(line.startswith("  email, voice ") for line in nights)


async def test_a_preflight_of_nothing_shows_no_empty_table(scheduler: Scheduler, forbear: Forbear) -> None:
    """Everybody rests: the reasons are told, and no hours of a day on which nothing happens."""
    await scheduler.upload(make_csv([make_row(number) for number in range(1, 11)]))
    campaign_id = await scheduler.start_campaign()
    before = await forbear("campaign", "preflight", campaign_id)
    await scheduler.run_plan()
    after = await forbear("campaign", "preflight", campaign_id)

    assert "The last contact of the day begins at" in before.output
    assert "0 of 10 borrowers would be contacted" in after.output
    assert "hour (UTC)" in before.output
    assert "hour (UTC)" not in after.output


async def test_what_if_names_the_plan_and_shows_both_outcomes(scheduler: Scheduler, forbear: Forbear) -> None:
    """Contacts by channel, answers and value stand beside each other."""
    await scheduler.upload(make_csv([make_row(number) for number in range(1, 41)]))
    campaign_id = await scheduler.start_campaign()
    await scheduler.run_plan()
    found = await forbear("campaign", "what-if", campaign_id, "--voice", "2")

    assert 0 == found.exit_code, found.output
    assert found.output.startswith(f"The plan of {scheduler.clock.now():%Y-%m-%d}")
    assert ["as is", "changed"] == [
        line[2:9].strip() for line in found.output.splitlines() if line[2:9] in ("as is  ", "changed")
    ]


async def test_open_slots_and_forecasts_beside_facts_are_listed_within_eighty_columns(
    scheduler: Scheduler, forbear: Forbear
) -> None:
    """Every open slot with its steps, before the contact; every step with its fifths, when its window is over."""
    await scheduler.upload(make_csv([make_row(number) for number in range(1, 31)]))
    campaign_id = await scheduler.start_campaign()
    await scheduler.run_plan()
    ref = await scheduler.count("SELECT min(ref) FROM contact JOIN borrower USING (tenant_id, borrower_id)")
    plain, with_slots = await forbear("campaign", "next", ref), await forbear("campaign", "next", ref, "--slots")
    await scheduler.pool.execute("UPDATE contact SET state = 1, sent_at = not_before")
    contacts = await scheduler.count("SELECT count(*) FROM contact")  # who draws "no contact" has none
    scheduler.clock.move_to(scheduler.clock.now() + timedelta(days=16))
    evaluated = await forbear("evaluate", campaign_id)

    title, steps = "Open slots of the plan's day", ("answered", "right party", "promise", "payment")
    assert (False, True) == (title in plain.output, title in with_slots.output)
    table = with_slots.output[with_slots.output.index(title) :].splitlines()
    told = evaluated.output[evaluated.output.index("Foreseen and happened") :].splitlines()
    listed = [line for line in table if line.startswith(("email ", "voice ")) and "Monday" in line]
    beside = [line for line in told if line.startswith(steps)]
    assert 18 == len(listed)
    assert [step.split()[0] for step in steps] == [line.split()[0] for line in beside]
    assert all(f" {contacts} " in line for line in beside)
    assert max(len(line) for line in (*listed, *beside)) <= 80
