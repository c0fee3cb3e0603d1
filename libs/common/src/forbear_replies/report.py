"""How well replies are read: per label, per language, extraction, harm done, confusions. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from forbear_replies.items import EXTRACT_FIELDS, Item
from forbear_replies.labels import Label
from forbear_replies.reader import Reader
from forbear_replies.reading import Reading


@dataclass(slots=True)
class Tally:
    """Hits, extras and misses of a label or a language."""

    hits: int = 0
    extras: int = 0
    misses: int = 0

    @property
    def precision(self) -> float:
        """The share of what was given that was right; 1 where nothing was given."""
        return self.hits / (self.hits + self.extras) if self.hits + self.extras else 1.0

    @property
    def recall(self) -> float:
        """The share of what was wanted that was given; 1 where nothing was wanted."""
        return self.hits / (self.hits + self.misses) if self.hits + self.misses else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        both = 2 * self.hits + self.extras + self.misses
        return 2 * self.hits / both if both else 1.0

    def add(self, given: set[Label], wanted: set[Label]) -> None:
        """Count one reading."""
        self.hits += len(given & wanted)
        self.extras += len(given - wanted)
        self.misses += len(wanted - given)


@dataclass(slots=True)
class Report:
    """The figures over a set of items."""

    items: int = 0
    exact: int = 0
    overall: Tally = field(default_factory=Tally)
    by_label: dict[Label, Tally] = field(default_factory=lambda: {label: Tally() for label in Label})
    by_lang: dict[str, Tally] = field(default_factory=dict)
    harmful: int = 0
    facts: int = 0
    facts_exact: int = 0
    fields_wrong: Counter[str] = field(default_factory=Counter)
    confusions: Counter[tuple[str, str]] = field(default_factory=Counter)
    to_person: int = 0
    calibration: dict[int, list[int]] = field(default_factory=dict)  # tenth of confidence: items, exactly right
    mistakes: list[tuple[Item, Reading]] = field(default_factory=list)

    def add(self, item: Item, reading: Reading) -> None:
        """Count one item and what was read."""
        given, wanted = set(reading.labels), set(item.labels)
        self.items += 1
        self.exact += given == wanted
        self.to_person += reading.needs_person
        tenth = self.calibration.setdefault(min(int(reading.confidence * 10), 9), [0, 0])
        tenth[0] += 1
        tenth[1] += given == wanted
        self.overall.add(given, wanted)
        self.by_lang.setdefault(item.lang or reading.lang, Tally()).add(given, wanted)
        for label in given | wanted:
            self.by_label[label].add(given & {label}, wanted & {label})
        self.harmful += bool(given & item.must_not)
        self._add_confusions(given, wanted)
        facts_right = self._add_facts(item, reading)
        if given != wanted or not facts_right:
            self.mistakes.append((item, reading))

    def _add_confusions(self, given: set[Label], wanted: set[Label]) -> None:
        missed = [*map(str, sorted(wanted - given))] or ["-"]
        extra = [*map(str, sorted(given - wanted))] or ["-"]
        if given != wanted:
            self.confusions.update((one, other) for one in missed for other in extra)

    def _add_facts(self, item: Item, reading: Reading) -> bool:
        """Facts are counted on items where any was to be found or any was given."""
        found = {name: value for name, value in reading.extract.as_json().items() if value is not None}
        if not found and not item.extract:
            return True
        wrong = [name for name in EXTRACT_FIELDS if found.get(name) != item.extract.get(name)]
        self.facts += 1
        self.facts_exact += not wrong
        self.fields_wrong.update(wrong)
        return not wrong


def measure(reader: Reader, items: Iterable[Item]) -> Report:
    """Read all items and compare with the truth."""
    report = Report()
    for item in items:
        reading = reader.read(item.text, lang=item.lang, channel=item.channel, received_at=item.received_at)
        report.add(item, reading)
    return report


def render(report: Report, *, confusions_max: int = 25) -> str:
    """The report as Markdown tables."""
    items = max(report.items, 1)
    lines = [
        f"{report.items} items; exactly right {report.exact / items:.3f}; micro-F1 {report.overall.f1:.3f}; "
        f"harmful label {report.harmful / items:.3f}; handed to a person {report.to_person / items:.2f}",
        f"extraction exact {report.facts_exact}/{report.facts} = {report.facts_exact / max(report.facts, 1):.3f}; "
        f"wrong fields {dict(report.fields_wrong.most_common())}",
        "",
        "| label | wanted | precision | recall | F1 |",
        "|---|---:|---:|---:|---:|",
    ]
    lines += [_row(label, tally) for label, tally in report.by_label.items()]
    lines += ["", "| language | wanted | precision | recall | F1 |", "|---|---:|---:|---:|---:|"]
    lines += [_row(lang, tally) for lang, tally in sorted(report.by_lang.items())]
    lines += ["", "| confidence | items | exactly right |", "|---|---:|---:|"]
    lines += [
        f"| {tenth / 10:.1f} to {tenth / 10 + 0.1:.1f} | {count} | {right / count:.2f} |"
        for tenth, (count, right) in sorted(report.calibration.items())
    ]
    lines += ["", "| wanted | given instead | times |", "|---|---|---:|"]
    lines += [
        f"| {missed} | {extra} | {count} |" for (missed, extra), count in report.confusions.most_common(confusions_max)
    ]
    return "\n".join(lines)


def _row(name: str, tally: Tally) -> str:
    return f"| {name} | {tally.hits + tally.misses} | {tally.precision:.3f} | {tally.recall:.3f} | {tally.f1:.3f} |"
