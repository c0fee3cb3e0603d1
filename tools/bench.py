"""Run benchmarks one after another: `make bench`, or `make bench B=name` for one.

Each benchmark is a program `bench/<name>.py` that prints a table and ends with JSON lines `{"name", "value",
"reference", "ratio", "goal", "ok"}`. This prints them all again at the end as one table. A missed goal is shown, not
hidden; it does not fail the run, because absolute speed depends on the machine.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "bench"
TIMEOUT_S = 1800


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all; return 0 when every one ended by itself."""
    known = {path.stem: path for path in sorted(FOLDER.glob("*.py")) if not path.stem.startswith("_")}
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"no benchmark named {', '.join(unknown)}; there are: {', '.join(known)}")
        return 2
    rows: list[dict[str, object]] = []
    broken = []
    for name in names or known:
        print(f"\n== {name}", flush=True)
        code, lines = run(known[name])
        rows += [row for line in lines if (row := as_row(line)) is not None]
        if code != 0:
            broken.append(name)
    show(rows)
    for name in broken:
        print(f"BROKEN {name}: it did not end with exit code 0")
    return 1 if broken else 0


def run(path: Path) -> tuple[int, list[str]]:
    """Run one benchmark, passing on what it prints; return its exit code and its lines."""
    lines = []
    with subprocess.Popen([sys.executable, str(path)], stdout=subprocess.PIPE, text=True, cwd=FOLDER.parent) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
        return process.wait(TIMEOUT_S), lines


def as_row(line: str) -> dict[str, object] | None:
    """Return the result that a line holds, or None."""
    if not line.startswith("{"):
        return None
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) and {"name", "value", "goal", "ok"} <= row.keys() else None


def show(rows: list[dict[str, object]]) -> None:
    """Print all results as one table."""
    print(f"\n{'benchmark':44}{'value':>14}{'reference':>14}{'ratio':>9}  goal")
    for row in rows:
        mark = "ok" if row["ok"] else "MISSED"
        cells = f"{row['name']!s:44}{row['value']!s:>14}{row.get('reference')!s:>14}{row.get('ratio')!s:>9}"
        print(f"{cells}  {row['goal']} {mark}")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
