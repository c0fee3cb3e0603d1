"""Measure the tests of the decision code by mutation: `python tools/mutation.py`, or of some: `... rest.py clock.py`.

Builds a private copy of the domain and its quick tests in a temporary folder, lets mutmut change one thing at a time
in the code that decides, and tells how many of the changes some test noticed. Nothing in the checkout is touched.
The slow sweep over all time zones is left out: it would say little more and take hours.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GOAL = 0.95
TIMEOUT_S = 3 * 3600
DECIDING = (
    "decide.py",
    "calendar.py",
    "checks/__init__.py",
    "checks/check.py",
    "checks/clock.py",
    "checks/content.py",
    "checks/counts.py",
    "checks/rest.py",
    "checks/states.py",
)
CONFIG = """
[tool.mutmut]
source_paths = ["src"]
also_copy = ["tests", "conftest.py"]
only_mutate = [MUTATED]
pytest_add_cli_args_test_selection = [
    "tests/unit/policy/test_policy_calendar.py",
    "tests/unit/policy/test_policy_checks.py",
    "tests/unit/policy/test_policy_papers.py",
    "tests/unit/policy/test_policy_states.py",
    "tests/unit/policy/test_policy_rules.py",
    "tests/unit/policy/test_policy_decide.py",
    "tests/unit/policy/test_policy_twins.py",
    "tests/unit/policy/test_policy_exceptions.py",
    "tests/unit/policy/test_policy_packs.py",
    "tests/unit/policy/test_rest_days.py",
]
pytest_add_cli_args = ["-p", "no:randomly", "-p", "no:cacheprovider"]
use_git_change_detection = false

[tool.pytest.ini_options]
pythonpath = ["."]
"""
CONFTEST = '''"""Forget before each test what was worked out earlier: caches would hide changes, and who tests them."""

import sys

import pytest


@pytest.fixture(autouse=True)
def no_caches():
    for name, module in list(sys.modules.items()):
        if name.startswith("forbear_domain.policy"):
            for value in [*vars(module).values(), *_methods(module)]:
                if hasattr(value, "cache_clear") and value.__name__ != "load_packs":
                    value.cache_clear()


def _methods(module):
    classes = [value for value in list(vars(module).values()) if isinstance(value, type)]
    return [value for one in classes for value in vars(one).values()]
'''


def main() -> int:
    """Run mutmut on a private copy and print the score; 0 when the goal is reached."""
    with tempfile.TemporaryDirectory(prefix="forbear-mutation-") as name:
        folder = Path(name)
        build_copy(folder, sys.argv[1:])
        run_mutmut(folder, "run", "--max-children", "1")
        run_mutmut(folder, "export-cicd-stats")
        survivors = run_mutmut(folder, "results", capture=True)
        counts = json.loads((folder / "mutants" / "mutmut-cicd-stats.json").read_text(encoding="utf-8"))
        for line in survivors.split("\n"):
            if line.strip().endswith(("survived", "no tests")):
                print(line.strip())
    return tell(counts)


def build_copy(folder: Path, names: list[str]) -> None:
    """Copy the domain, its policy tests, and the settings for a run over all files that decide, or those named."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "libs/common/src/forbear_domain", folder / "src/forbear_domain", ignore=ignored)
    shutil.copytree(ROOT / "tests/unit/policy", folder / "tests/unit/policy", ignore=ignored)
    paths = [path for path in DECIDING if not names or path.rpartition("/")[2] in names]
    if names and len(paths) != len(names):
        sys.exit(f"known files are {', '.join(path.rpartition('/')[2] for path in DECIDING)}")
    mutated = ", ".join(json.dumps(f"src/forbear_domain/policy/{path}") for path in paths)
    (folder / "pyproject.toml").write_text(CONFIG.replace("MUTATED", mutated), encoding="utf-8")
    (folder / "conftest.py").write_text(CONFTEST, encoding="utf-8")


def run_mutmut(folder: Path, *arguments: str, capture: bool = False) -> str:
    """Run one command of mutmut in the copy."""
    command = [sys.executable, "-m", "mutmut", *arguments]
    done = subprocess.run(command, cwd=folder, timeout=TIMEOUT_S, check=True, text=True, capture_output=capture)
    return done.stdout if capture else ""


def tell(counts: dict[str, int]) -> int:
    """Print the score and the same as one JSON line."""
    total = counts["total"] - counts.get("skipped", 0)
    killed = counts["killed"] + counts.get("timeout", 0)
    score = killed / total
    print(f"{killed} of {total} changes were noticed ({score:.1%}), {counts['survived']} survived")
    line = {"name": "policy_mutation", "value": score, "reference": GOAL, "ratio": score / GOAL, "goal": GOAL}
    print(json.dumps(line | {"ok": score >= GOAL}))
    return 0 if score >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
