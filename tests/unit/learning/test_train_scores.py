"""Training the cards by command: cards, a model card with fairness by group, clear words where a table cannot teach."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from contact_scheduler.__main__ import main
from contact_scheduler.learning.scores import LoanFacts, score_loans
from contact_scheduler.learning.training import ScoreReport
from contact_scheduler.score_cards import CardsRefused, never_known, read_cards
from contact_scheduler.train_scores import train_scores, verdict

COLUMNS = ("payment_to_income", "unemployment_pct", "days_past_due", "promises_kept", "ability", "willingness", "sex")


def write_table(path: Path, rows: int = 3_000, **changes: str) -> Path:
    """Loans whose ability falls with payment and unemployment, and whose willingness rises with kept promises."""
    draw = np.random.default_rng(1)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for number in range(rows):
            payment, unemployment = draw.uniform(0.1, 0.6), draw.uniform(2, 12)
            days, kept = int(draw.integers(1, 120)), int(draw.integers(-2, 3))
            row = {
                "payment_to_income": f"{payment:.3f}", "unemployment_pct": f"{unemployment:.1f}" if number % 5 else "",
                "days_past_due": days, "promises_kept": kept,
                "ability": int(draw.random() < 1 / (1 + np.exp(8 * (payment - 0.35) + 0.2 * (unemployment - 7)))),
                "willingness": int(draw.random() < 1 / (1 + np.exp(-kept))), "sex": "mf"[number % 2],
            }  # fmt: skip
            writer.writerow(row | (changes if number == 7 else {}))
    return path


def run(table: Path, out: Path, *more: str) -> tuple[int, str]:
    arguments = ["train-scores", str(table), "--out", str(out), "--origin", "loans of a test, 2025", *more]
    result = CliRunner().invoke(main, arguments)
    return result.exit_code, result.stdout if result.exit_code == 0 else result.output


def test_the_command_writes_cards_that_the_plan_can_read_and_a_model_card_that_tells(tmp_path: Path) -> None:
    """Better than chance on later loans, reasons in words, unemployment an input, fairness told by group."""
    code, told = run(write_table(tmp_path / "loans.csv"), tmp_path / "cards", "--group", "sex")
    assert 0 == code, told
    facts = LoanFacts.unknown(2)
    facts.payment_to_income[:] = (0.15, 0.55)
    facts.unemployment_pct[:] = (3.0, 11.0)
    scores = score_loans(facts, *read_cards(tmp_path / "cards"))

    assert scores.ability[0] > scores.ability[1] + 0.4
    assert any("unemployment in the region" in reason for reason in scores.reasons(1))
    assert told.strip() == (tmp_path / "cards" / "model-card.md").read_text(encoding="utf-8").strip()
    areas = [float(line.split("|")[2]) for line in told.splitlines() if line.startswith("| the card")]
    assert all(area > 0.7 for area in areas)
    assert "| m |" in told
    assert "as it should be" in told
    assert told.count("It tells later loans apart.") == 2
    assert "counted as able, from 0.5" in told
    assert "counted as willing, from 0.45" in told
    assert (
        "| sex | loans | remind gently | offer instalments | offer deferral | hand to person | leave in peace |" in told
    )
    assert "No group is offered otherwise than the others beyond chance" in told
    low, high = (float(text) for text in told.split("| the card |")[1].split("|")[1].split(" to "))
    assert 0.5 < low < areas[0] < high < low + 0.1


def test_columns_that_teach_nothing_are_named_before_anything_else(tmp_path: Path) -> None:
    """A misspelt column, an empty one and one that never varies; the table is then refused for its outcomes."""
    path = tmp_path / "loans.csv"
    header = "payment_to_incom,loan_to_value,missed_12m,days_past_due,ability,willingness"
    path.write_text("\n".join([header, *(f"0.3,,2,{number},1,1" for number in range(500))]), encoding="utf-8")
    told: list[str] = []

    with pytest.raises(CardsRefused, match="more loans of both outcomes"):
        train_scores(path, tmp_path / "cards", (), "loans of a test", told.append)

    assert [
        "not used: payment_to_incom: no input has this name; see --help for the names",
        "not used: loan_to_value: no row has a value",
        "not used: missed_12m: every known value is the same, so it tells loans apart by nothing",
    ] == told


def test_inputs_that_the_service_never_knows_teach_only_when_asked_to(tmp_path: Path) -> None:
    """Left out and told by default; with --all-inputs on the card, on its page, and named when the card is loaded."""
    table = write_table(tmp_path / "loans.csv")
    table.write_text(table.read_text(encoding="utf-8").replace("days_past_due", "loan_to_value"), encoding="utf-8")
    told: list[str] = []
    page = train_scores(table, tmp_path / "plain", ("sex",), "loans of a test", told.append)
    code, whole = run(table, tmp_path / "whole", "--group", "sex", "--all-inputs")

    assert told[0].startswith("not used: loan_to_value: the service does not know it when it scores")
    assert "loan_to_value" not in page
    assert [] == never_known(read_cards(tmp_path / "plain"))
    assert 0 == code
    assert whole.count("**Never known in use: loan_to_value.**") == 2
    assert ["loan_to_value"] == never_known(read_cards(tmp_path / "whole"))


def test_a_card_that_tells_nothing_is_called_so() -> None:
    """By the lower end of the area's interval, not by the area; a poor level and better trees get a word."""
    truth = np.arange(200.0) % 2
    trees = ScoreReport(0.80, 0.2, 0.01, 200)

    assert "do not use it" in verdict(ScoreReport(0.56, 0.2, 0.01, 200), trees, truth)
    fair = verdict(ScoreReport(0.70, 0.2, 0.05, 200), trees, truth)
    assert "off by 5 points on average" in fair
    assert "Trees would do better by 0.100" in fair
    assert verdict(trees, trees, truth) == "It tells later loans apart.\n"


def test_a_table_that_cannot_teach_is_refused_with_its_line_and_nothing_is_written(tmp_path: Path) -> None:
    """Protected inputs, words for numbers, outcomes that are none, too few rows, missing columns, infinity."""
    out = tmp_path / "cards"
    for changes, rows, more, words in (
        ({}, 3_000, (), "sex: protected attributes are no input"),
        ({"payment_to_income": "high"}, 3_000, ("--group", "sex"), "line 9, payment_to_income: write a number"),
        ({"payment_to_income": "inf"}, 3_000, ("--group", "sex"), "line 9, payment_to_income: write a finite number"),
        ({"ability": "yes"}, 3_000, ("--group", "sex"), "line 9, ability: write 0 or 1"),
        ({}, 100, ("--group", "sex"), "100 rows cannot teach a card"),
        ({}, 3_000, ("--group", "town"), "add the columns town"),
    ):
        code, told = run(write_table(tmp_path / "loans.csv", rows, **changes), out, *more)
        assert code != 0
        assert words in " ".join(told.split())
    assert not out.exists()


def test_damaged_and_forbidden_cards_are_refused_by_file(tmp_path: Path) -> None:
    """A missing file, no JSON, and a card that reads age."""
    with pytest.raises(CardsRefused, match="write it with `train-scores`"):
        read_cards(tmp_path)
    assert 0 == run(write_table(tmp_path / "loans.csv"), tmp_path, "--group", "sex")[0]
    path = tmp_path / "ability.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"unemployment_pct"', '"age"'), encoding="utf-8")
    with pytest.raises(CardsRefused, match="reads protected attributes: age"):
        read_cards(tmp_path)
    path.write_text("{", encoding="utf-8")
    with pytest.raises(CardsRefused, match=r"ability\.json"):
        read_cards(tmp_path)
