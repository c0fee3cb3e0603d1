"""Answers worked cases written as one JSON object a line: a situation, a question, and the rule it isolates.

The engine is asked about that rule and those it is an exception to; everything a case leaves unsaid counts as
satisfied. What is expected is never looked at here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from forbear_domain.policy.cases.contact import answer_contact, answer_counts
from forbear_domain.policy.cases.dates import answer_dates
from forbear_domain.policy.cases.papers import answer_papers
from forbear_domain.policy.cases.reading import Reader
from forbear_domain.policy.packs import Packs
from forbear_domain.policy.verdict import Verdict


@dataclass(frozen=True, slots=True)
class CaseAnswer:
    """What the engine says about one case."""

    id: str
    answer: dict[str, Any]
    rules: tuple[str, ...]
    why: str

    def as_plain(self) -> dict[str, Any]:
        """The answer in the form of the line that is written for it."""
        return {"id": self.id, "answer": self.answer, "rules": list(self.rules), "why": self.why}


def answer_case(case: Mapping[str, Any], packs: Packs) -> CaseAnswer:
    """The engine's answer to a case, from its situation and the rule it names.

    A part of a situation that cannot be read leaves that part of the answer out and is told in `why`.
    """
    reader = Reader(case.get("situation") or {}, str(case.get("rule", "")), str(case.get("jurisdiction", "")))
    answer: dict[str, Any] = {}
    verdict: Verdict | None = None
    unread: list[str] = []
    for part in (answer_contact, answer_counts, answer_dates, answer_papers):
        try:
            told, decided = part(reader, packs)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            unread.append(f"{part.__name__} could not read the situation ({error!r})")
            continue
        answer |= told
        verdict = decided or verdict
    if verdict is not None and verdict.fired:
        return CaseAnswer(str(case.get("id")), answer, tuple(one.rule for one in verdict.fired), verdict.why)
    fired = (reader.rule,) if answer.get("decision", "allow") not in ("allow", "allow_with_caution") else ()
    why = verdict.why if verdict else _told(reader, answer)
    return CaseAnswer(str(case.get("id")), answer, fired, "; ".join([why, *unread]))


def matches(expected: Mapping[str, Any], answer: Mapping[str, Any]) -> list[str]:
    """The expected keys on which an answer differs or is silent."""
    return [key for key, value in expected.items() if key not in answer or answer[key] != value]


def _told(reader: Reader, answer: Mapping[str, Any]) -> str:
    if not answer:
        return f"The engine has no opinion on this question about {reader.rule}."
    said = ", ".join(f"{key.replace('_', ' ')}: {value}" for key, value in answer.items())
    return f"By {reader.rule}, {said}."


__all__ = ["CaseAnswer", "answer_case", "matches"]
