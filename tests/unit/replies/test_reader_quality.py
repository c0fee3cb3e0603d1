"""How well the reader reads voices that it was not trained on: the bounds that it must keep, whoever changes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from forbear_replies import Label, Reader
from forbear_replies.corpus import DEVELOPMENT
from forbear_replies.items import author_items
from forbear_replies.report import Report, measure

AUTHORS = Path(__file__).resolve().parents[3] / "training/replies"


@pytest.fixture(scope="module")
def report() -> Report:
    """The report over the voices kept for development, which takes a second."""
    return measure(Reader.load(), author_items(AUTHORS, split=DEVELOPMENT))


@pytest.mark.parametrize("label", [Label.OPT_OUT, Label.CEASE_ALL, Label.DISTRESS])
def test_what_must_never_be_missed_is_found(report: Report, label: Label) -> None:
    found = report.by_label[label]

    assert found.hits + found.misses >= 20, "too few to tell"
    assert found.recall >= 0.99


@pytest.mark.parametrize(("label", "least"), [(Label.PROMISE_TO_PAY, 0.97), (Label.OPT_OUT, 0.95)])
def test_what_must_not_be_invented_is_not(report: Report, label: Label, least: float) -> None:
    found = report.by_label[label]

    assert found.hits >= 20, "too few to tell"
    assert found.precision >= least


def test_every_language_is_read_well(report: Report) -> None:
    assert report.overall.f1 >= 0.92
    assert {"en", "es", "zh-Hans", "zh-Hant"} == set(report.by_lang)
    assert [] == [lang for lang, found in report.by_lang.items() if found.f1 < 0.88]


def test_facts_are_exact_and_harm_is_rare(report: Report) -> None:
    assert report.facts >= 100, "too few to tell"
    assert report.facts_exact / report.facts >= 0.92
    assert report.harmful / report.items <= 0.01
