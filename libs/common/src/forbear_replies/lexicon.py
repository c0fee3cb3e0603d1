"""The rule layer: per language, what gives a label, what is blanked out before looking, and what forbids a label.

The patterns are data (``data/lexicon/*.toml``); this file only compiles and asks them. Who calls it: ``reader`` for the
labels that must never be missed, ``features`` for turning hits into evidence the model can weigh.
"""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from forbear_replies.labels import Label


@dataclass(frozen=True, slots=True)
class LabelRules:
    """The patterns of one label in one language; any of them may be absent."""

    keyword: re.Pattern[str] | None
    must: re.Pattern[str] | None
    unless: re.Pattern[str] | None
    never: re.Pattern[str] | None
    aside: re.Pattern[str] | None  # blanked out before ``never`` is looked for: a question that follows a promise


@dataclass(frozen=True, slots=True)
class Findings:
    """What the rules say about one text: labels given outright by a keyword, labels found, labels forbidden.

    ``explained`` are labels whose words are there, but in a harmless sense: 'don't call the warehouse', 'non stop'.
    """

    keywords: frozenset[Label]
    found: frozenset[Label]
    forbidden: frozenset[Label]
    explained: frozenset[Label] = frozenset()

    def with_keywords(self, keywords: frozenset[Label]) -> "Findings":
        """The findings, with keywords of other languages added: STOP and ALTO are known to all."""
        return Findings(
            self.keywords | keywords, self.found | keywords, self.forbidden - keywords, self.explained - keywords
        )

    @property
    def soft_opt_out(self) -> frozenset[Label]:
        """The opt-out as far as the wish for another channel may explain it; never one said by keyword or for all."""
        is_hard = self.keywords or Label.CEASE_ALL in self.found
        return frozenset() if is_hard else frozenset({Label.OPT_OUT})


@dataclass(frozen=True, slots=True)
class Lexicon:
    """All rules of one language family (``en``, ``es``, ``zh``)."""

    rules: dict[Label, LabelRules]

    def keywords(self, squeezed: str) -> frozenset[Label]:
        """The labels that the squeezed text is a keyword for, as a whole."""
        return frozenset(
            label for label, rules in self.rules.items() if rules.keyword and rules.keyword.fullmatch(squeezed)
        )

    def ask(self, folded: str, squeezed: str) -> Findings:
        """What the rules find in the folded text; keywords are matched against the squeezed text as a whole."""
        keywords, found, forbidden, explained = self.keywords(squeezed), set(), set(), set()
        for label, rules in self.rules.items():
            if rules.must and rules.must.search(_blank(rules.unless, folded)):
                found.add(label)
            elif rules.must and rules.must.search(folded):
                explained.add(label)
            if rules.never and rules.never.search(_blank(rules.aside, folded)):
                forbidden.add(label)
        return Findings(
            keywords, frozenset(found | keywords), frozenset(forbidden - keywords), frozenset(explained - keywords)
        )


def _blank(unless: re.Pattern[str] | None, folded: str) -> str:
    """The text without its harmless look-alikes ('non stop', 'cancel my autopay')."""
    return unless.sub(" ~ ", folded) if unless else folded


FAMILIES = ("en", "es", "zh")


@cache
def lexicon(family: str) -> Lexicon:
    """The compiled rules of a language family, read once."""
    source = files("forbear_replies").joinpath(f"data/lexicon/{family}.toml").read_text("utf-8")
    tables: dict[str, dict[str, str | list[str]]] = tomllib.loads(source)
    return Lexicon({Label(name): _compile(table) for name, table in tables.items()})


def _compile(table: dict[str, str | list[str]]) -> LabelRules:
    return LabelRules(
        keyword=_pattern(table.get("keyword")),
        must=_pattern(table.get("must")),
        unless=_pattern(table.get("unless")),
        never=_pattern(table.get("never")),
        aside=_pattern(table.get("aside")),
    )


def _pattern(source: str | list[str] | None) -> re.Pattern[str] | None:
    if source is None:
        return None
    return re.compile(source if isinstance(source, str) else "|".join(source))
