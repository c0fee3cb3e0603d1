"""`forbear policy`: ask the compliance engine from the command line, without any service running."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TextIO
from zoneinfo import ZoneInfo

import click

from forbear_client.access import connect, key_file_option, refused, url_option
from forbear_client.permit_audit import (
    Entry,
    database_option,
    export_option,
    facts_of_permit,
    instant_of,
    read_entries,
)
from forbear_client.tenant_policy_commands import put, show, withdraw
from forbear_domain.ledger import Kind
from forbear_domain.policy import (
    Facts,
    Pack,
    Packs,
    Rule,
    RuleSet,
    Verdict,
    decide,
    load_packs,
    read_tenant_policy,
    rules_for,
)
from forbear_domain.policy.cases import answer_case, matches
from forbear_domain.policy.plain import PlainError, facts_from_plain, instant_from_plain, verdict_as_plain

CASE_FIELDS = {"id", "rule", "situation"}
EXAMPLES_SHOWN_MAX = 5
MUST_PASS = ("official_example", "official_list")


@click.group("policy")
def policy() -> None:
    """Ask the compliance engine: check cases, explain a decision, list the packs of rules, add stricter ones.

    \b
    forbear policy packs --why US-NYC-3IN7          one rule, with source and grade
    forbear policy explain question.json            may this contact be made, and if not, why and when
    forbear policy simulate --rule mine.toml        what rules of your own would have stopped last month
    forbear policy put mine.toml                    put them in force; never looser than law
    """


for command in (put, show, withdraw):
    policy.add_command(command)


@policy.command("check")
@click.argument("file", type=click.File("r", encoding="utf-8"))
@click.option("--compare", is_flag=True, help="Compare with what each case expects and print pass rates.")
def check(file: TextIO, compare: bool) -> None:
    """Answer worked cases, one JSON object a line; prints one JSON answer a line."""
    packs = load_packs()
    tally = Tally()
    for case in _lines(file):
        answered = answer_case({key: value for key, value in case.items() if key != "expected"}, packs)
        if not compare:
            click.echo(json.dumps(answered.as_plain(), ensure_ascii=False))
            continue
        wrong = matches(case.get("expected", {}), answered.answer)
        tally.add(case, not wrong)
        if wrong:
            differences = {key: [case["expected"][key], answered.answer.get(key)] for key in wrong}
            click.echo(f"{answered.id}: {json.dumps(differences, ensure_ascii=False)} ({answered.why})")
    if compare:
        click.echo(tally.table())


@policy.command("explain")
@click.argument("file", type=click.File("r", encoding="utf-8"))
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as one JSON object instead of text.")
def explain(file: TextIO, as_json: bool) -> None:
    """Decide about one contact and say why. FILE holds {"now": instant, "facts": {...}} as JSON."""
    try:
        question = json.load(file)
        if not isinstance(question, dict) or not {"now", "facts"} <= set(question):
            raise PlainError('an object of the form {"now": "2026-06-09T22:00:00-04:00", "facts": {...}} is wanted')
        now = instant_from_plain(question["now"], "now")
        facts = facts_from_plain(question["facts"])
    except ValueError as error:  # JSON, encoding and facts alike
        raise click.ClickException(f"{file.name}: {error}") from error
    rules = rules_for(load_packs(), facts.place.jurisdictions, now.date())
    verdict = decide(facts, rules, now)
    if as_json:
        click.echo(json.dumps(verdict_as_plain(verdict), ensure_ascii=False))
        return
    by_id = {rule.id: rule for rule in rules.rules}
    click.echo("\n".join(explanation(facts, verdict, by_id)))


@policy.command("packs")
@click.option("--why", "rule_id", metavar="RULE", help="Tell everything about one rule.")
@click.option(
    "--folder", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Check packs of your own."
)
@click.option("--mine", is_flag=True, help="Your own rules too, as the campaign API holds them.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a rule.")
@url_option
@key_file_option
def packs_command(  # one argument an option
    rule_id: str | None, folder: Path | None, mine: bool, as_json: bool, url: str, key_file: str
) -> None:
    """List the packs of rules with sources, grades and dates."""
    try:
        packs = load_packs(folder)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    if mine:
        packs = Packs([*packs.all, *_own_pack(packs, url, key_file)])
    if rule_id:
        click.echo("\n".join(_about_rule(packs, rule_id)))
    elif as_json:
        for pack in packs.all:
            for rule in pack.rules:
                click.echo(json.dumps(_rule_as_plain(pack, rule), ensure_ascii=False))
    else:
        click.echo("\n".join(_pack_table(packs)))


@policy.command("simulate")
@click.option(
    "--rule", "rule_file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True,
    help="The rules to try, as TOML of the form of our packs.",
)  # fmt: skip
@click.option("--days", type=click.IntRange(min=1), default=30, show_default=True, help="How far to look back.")
@database_option
@export_option
def simulate(rule_file: Path, days: int, database_url: str | None, export_file: Path | None) -> None:
    """Tell which permits of the last days new rules of your own would have stopped."""
    try:
        text = rule_file.read_text(encoding="utf-8")
        simulation = Simulation(read_tenant_policy(text, 1, load_packs(), rule_file.name).rules)
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error
    read_entries(database_url, export_file, simulation.take)
    click.echo("\n".join(simulation.report(days)))


@dataclass(frozen=True, slots=True)
class Trial:
    """One permit that was granted, and what the new rules say of it."""

    at: datetime
    hour: int  # on the clock of the borrower's first zone
    channel: str
    contact: str
    verdict: Verdict


class Simulation:
    """Asks new rules about every permit of a ledger; each is judged by the facts it was granted on."""

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self.trials: list[Trial] = []
        self._rules = rules

    def take(self, _: int, entry: Entry) -> None:
        """Try the rules on the next entry, if it is a permit."""
        if entry["kind"] != Kind.PERMIT or "erased" in entry:
            return
        at, facts = instant_of(entry), facts_of_permit(entry)
        rules = RuleSet(facts.place.jurisdictions, self._rules, tuple({rule.pack for rule in self._rules}))
        hour = at.astimezone(ZoneInfo(min(facts.place.zones))).hour
        self.trials.append(Trial(at, hour, facts.channel.value, str(entry["contact"]), decide(facts, rules, at)))

    def report(self, days: int) -> Iterator[str]:
        """What would have been stopped, by rule, by channel and hour, with examples."""
        last_at = max((trial.at for trial in self.trials), default=datetime.min.replace(tzinfo=UTC))
        recent = [trial for trial in self.trials if last_at - trial.at < timedelta(days=days)]
        stopped = [trial for trial in recent if not trial.verdict.allowed]
        yield f"{len(recent)} permits in the last {days} days, {len(stopped)} would not have been granted"
        for rule, count in sorted(Counter(str(trial.verdict.rule) for trial in stopped).items()):
            yield f"  {rule:<30}{count:>6}"
        yield from _hour_table(recent, stopped)
        for trial in stopped[:EXAMPLES_SHOWN_MAX]:
            yield f"{trial.contact}  {trial.at:%Y-%m-%d %H:%M} UTC  {trial.channel}: {trial.verdict.why}"


def _hour_table(recent: list[Trial], stopped: list[Trial]) -> Iterator[str]:
    """Stopped of all permits, one line an hour of the borrower's day."""
    channels = sorted({trial.channel for trial in recent})
    seen = Counter((trial.hour, trial.channel) for trial in recent)
    barred = Counter((trial.hour, trial.channel) for trial in stopped)
    yield f"{'hour':<6}" + "".join(f"{channel:>16}" for channel in channels)
    for hour in sorted({trial.hour for trial in recent}):
        cells = (f"{barred[hour, channel]} of {seen[hour, channel]}" for channel in channels)
        yield f"{hour:02}:00 " + "".join(f"{cell:>16}" for cell in cells)


class Tally:
    """How many cases passed, by origin and by the grade of their source."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self.passed: Counter[str] = Counter()

    def add(self, case: dict[str, Any], passed: bool) -> None:
        """Count one case in every group it belongs to."""
        groups = ["all", f"origin {case.get('origin')}", f"grade {case.get('source_grade')}"]
        if case.get("verified") and case.get("origin") in MUST_PASS:
            groups.append("verified official examples and lists")
        self.seen.update(groups)
        self.passed.update(groups if passed else [])

    def table(self) -> str:
        """One line a group."""
        rows = ((group, self.passed[group], self.seen[group]) for group in sorted(self.seen))
        return "\n".join(f"{group:<40} {passed:>4} of {seen:>4}  {passed / seen:7.1%}" for group, passed, seen in rows)


def explanation(facts: Facts, verdict: Verdict, rules: dict[str, Rule]) -> Iterator[str]:
    """A verdict in full, as text a compliance officer reads."""
    yield f"Decision      {verdict.outcome.name.lower().replace('_', ' ')}"
    yield f"Why           {verdict.why}"
    if verdict.not_before:
        yield f"Not before    {verdict.not_before:%Y-%m-%d %H:%M:%S} UTC"
    if verdict.rule:
        yield f"Decided by    {verdict.rule}"
        yield f"Source        {verdict.source}"
        yield f"Facts used    {', '.join(verdict.facts_used)}"
    for index in verdict.counted:
        past = facts.past[index]
        contact = f"{past.direction.value} {past.channel.value}, {past.result.value}"
        yield f"Counted       {past.at:%Y-%m-%d %H:%M} UTC, {contact}"
    for finding in verdict.fired[1:]:
        kind = "law" if finding.rule not in rules or rules[finding.rule].law else "policy"
        yield f"Also          {finding.rule} ({kind}, {finding.outcome.name.lower()}): {finding.why}"
    yield f"Packs         {', '.join(verdict.packs)}"


def _own_pack(packs: Packs, url: str, key_file: str) -> list[Pack]:
    """The tenant's own rules as a pack; none where there are no rules."""
    with connect(url, key_file) as api:
        own = refused(api.policy)
    return [read_tenant_policy(own["text"], own["version"], packs, "your own").pack] if own["text"] else []


def _about_rule(packs: Packs, rule_id: str) -> Iterator[str]:
    found = [(pack, rule) for pack in packs.all for rule in pack.rules if rule.id == rule_id]
    if not found:
        raise click.ClickException(f"no pack holds a rule {rule_id}")
    for pack, rule in found:
        yield f"{rule.id} {rule.variant}".rstrip()
        yield from (
            f"  {name:<14}{value}" for name, value in _rule_as_plain(pack, rule).items() if value not in ("", None)
        )
        for case in pack.cases:
            if case.rule == rule.id:
                yield f"  {'case':<14}{case.name}: {case.expect.name.lower()}"


def _rule_as_plain(pack: Pack, rule: Rule) -> dict[str, Any]:
    return {
        "rule": rule.id,
        "variant": rule.variant,
        "pack": rule.pack,
        "file": f"{pack.name}, line {rule.line}",
        "kind": rule.kind,
        "binding": "law" if rule.law else "policy",
        "summary": rule.summary,
        "parameters": ", ".join(f"{name} = {value}" for name, value in rule.parameters.items()),
        "source": rule.source,
        "grade": rule.grade,
        "from": None if rule.effective_from.year == 1 else rule.effective_from.isoformat(),
        "to": None if rule.effective_to.year == 9999 else rule.effective_to.isoformat(),
    }


def _pack_table(packs: Packs) -> Iterator[str]:
    yield f"{'pack':<22}{'rules':>6}{'cases':>6}  {'weakest source':<18}covers"
    for pack in packs.all:
        grades = {rule.grade for rule in pack.rules}
        weakest = next(
            (grade for grade in ("memory", "vendor_doc", "secondary", "press_report") if grade in grades), ""
        )
        covers = ", ".join((pack.jurisdiction, *pack.covers))
        yield f"{pack.label:<22}{len(pack.rules):>6}{len(pack.cases):>6}  {weakest or 'official':<18}{covers[:90]}"
        for rule in pack.rules:
            since = "" if rule.effective_from.year == 1 else f" since {rule.effective_from}"
            yield f"  {rule.id:<22}{rule.kind:<22}{rule.grade:<18}{rule.variant}{since}"


def _lines(file: TextIO) -> Iterator[dict[str, Any]]:
    try:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield _case(line, f"{file.name}, line {number}")
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{file.name} is not UTF-8 text: {error.reason}") from None


def _case(line: str, where: str) -> dict[str, Any]:
    try:
        case = json.loads(line)
    except json.JSONDecodeError as error:
        raise click.ClickException(f"{where}: {error}") from error
    if not isinstance(case, dict) or not set(case) >= CASE_FIELDS:
        raise click.ClickException(f"{where}: a case is an object with id, rule and situation")
    return case
