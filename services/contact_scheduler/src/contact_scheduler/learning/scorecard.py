"""A scorecard: points per bin of each attribute, added up to log-odds, with a sentence for every bin.

The form people in credit have read for decades: whoever is scored can be told which facts counted and how much. A
missing value is a bin of its own. Points are natural log-odds, so a card is also a calibrated logistic model.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Columns = dict[str, Matrix]

FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Attribute:
    """One input: bin k holds values in [edges[k-1], edges[k]); `missing` are the points of an unknown value."""

    name: str
    words: str
    edges: tuple[float, ...]
    points: tuple[float, ...]
    missing: float

    def __post_init__(self) -> None:
        if len(self.points) != len(self.edges) + 1 or list(self.edges) != sorted(set(self.edges)):
            raise ValueError(f"{self.name}: points must be one more than the rising edges")

    def points_of(self, values: Matrix) -> Matrix:
        """Returns the points of each value."""
        found = np.asarray(self.points)[np.searchsorted(self.edges, values, side="right")]
        result: Matrix = np.where(np.isfinite(values), found, self.missing)
        return result

    def sentence(self, value: float) -> str:
        """Says in words which bin a value fell into."""
        if not np.isfinite(value):
            return f"{self.words} is not known"
        bin_number = int(np.searchsorted(self.edges, value, side="right"))
        if bin_number == 0:
            return f"{self.words} is below {self.edges[0]:g}" if self.edges else self.words
        if bin_number == len(self.edges):
            return f"{self.words} is {self.edges[-1]:g} or more"
        return f"{self.words} is between {self.edges[bin_number - 1]:g} and {self.edges[bin_number]:g}"


@dataclass(frozen=True, slots=True)
class Scorecard:
    """A named card with its origin; `base` are the log-odds with no points at all."""

    name: str
    version: str
    origin: str
    base: float
    attributes: tuple[Attribute, ...]

    def points(self, columns: Columns) -> Matrix:
        """Returns the points [n, attributes]; a column that is absent counts as unknown."""
        count = len(next(iter(columns.values()))) if columns else 0
        unknown = np.full(count, np.nan)
        parts = [attribute.points_of(columns.get(attribute.name, unknown)) for attribute in self.attributes]
        result: Matrix = np.stack(parts, axis=1)
        return result

    def score(self, columns: Columns) -> Matrix:
        """Returns the probability per row."""
        result: Matrix = 1.0 / (1.0 + np.exp(-(self.base + self.points(columns).sum(axis=1))))
        return result

    def reasons(self, columns: Columns, row: int, count: int = 3) -> tuple[str, ...]:
        """Names the attributes that moved one row most, strongest first, with the direction."""
        one = {name: values[[row]] for name, values in columns.items()}
        points = self.points(one)[0]
        ranked = sorted(range(len(points)), key=lambda k: (-abs(points[k]), k))[:count]
        unknown = np.array([np.nan])
        return tuple(
            f"{self.attributes[k].sentence(float(one.get(self.attributes[k].name, unknown)[0]))} "
            f"({'raises' if points[k] > 0 else 'lowers'} the score)"
            for k in ranked
            if points[k] != 0.0
        )

    def to_json(self) -> str:
        """Writes the card for people and for `from_json`."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2)

    @classmethod
    def from_json(cls, text: str) -> Scorecard:
        """Reads a card; raises ValueError for another format or a card that does not fit together."""
        raw: dict[str, Any] = json.loads(text)
        if raw.pop("format", None) != FORMAT:
            raise ValueError(f"this is no scorecard of format {FORMAT}")
        attributes = tuple(
            Attribute(**{**entry, "edges": tuple(entry["edges"]), "points": tuple(entry["points"])})
            for entry in raw.pop("attributes")
        )
        return cls(**raw, attributes=attributes)
