"""Data and tables for the learning benches: reads the shared sets, prints figures beside their bars, ends with JSON.

The sets are not part of this repository. Their folder is `$FORBEAR_SHARED/data`, by default `../shared/data`.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

Matrix = NDArray[np.float64]
Rows = list[dict[str, str]]


def shared_folder() -> Path:
    """Where the data sets are kept."""
    root = Path(__file__).resolve().parents[1]
    return Path(os.environ.get("FORBEAR_SHARED", root.parent / "shared")) / "data"


def read_rows(name: str) -> Rows:
    """Reads a gzipped CSV; ends the bench with a plain message where it is missing."""
    path = shared_folder() / name
    if not path.exists():
        print(f"not measured: {path} is missing")
        sys.exit(0)
    with gzip.open(path, "rt", encoding="utf-8-sig") as lines:
        return list(csv.DictReader(lines))


def column(rows: Rows, name: str) -> Matrix:
    """A numeric column; what is no number becomes NaN."""
    return np.array([float(row[name]) if _is_number(row[name]) else np.nan for row in rows])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def one_hot(rows: Rows, name: str) -> Matrix:
    """A 0/1 column per value, values in sorted order."""
    values = np.array([row[name] for row in rows])
    result: Matrix = (values[:, None] == np.unique(values)[None, :]).astype(np.float64)
    return result


def mean_reach(values: list[float]) -> tuple[float, float]:
    """Mean over seeds and half of its 95 % interval by Student's t; infinite for a single one."""
    array = np.array(values)
    if len(array) < 2:
        return float(array.mean()), float("inf")
    reach = student.ppf(0.975, len(array) - 1) * array.std(ddof=1) / np.sqrt(len(array))
    return float(array.mean()), float(reach)


def standard_error(values: list[float]) -> float:
    """Standard error of the mean over seeds; infinite for a single one."""
    return float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("inf")


def verdict(name: str, value: float, reference: float, goal: str, is_ok: bool) -> None:
    """Prints one machine-readable line."""
    ratio = value / reference if reference else 0.0
    print(
        json.dumps(
            {
                "name": name,
                "value": round(value, 5),
                "reference": reference,
                "ratio": round(ratio, 4),
                "goal": goal,
                "ok": bool(is_ok),
            }
        )
    )
