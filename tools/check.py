"""Run every static check of the repository, all of them even when one fails, and say which failed.

`make check` and CI call this; it changes nothing.
"""

from __future__ import annotations

import filecmp
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = [
    "libs/common",
    "services/contact_scheduler",
    "services/channel_dispatcher",
    "services/response_tracker",
    "clients/python",
    "sandbox",
]
SOURCES = [*PACKAGES, "tests", "bench", "tools"]
GENERATED = "libs/common/src"
# The tools stand beside the interpreter that runs this, whether or not the environment is activated.
ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
CHECKS = {
    "format": ["ruff", "format", "--check", "--quiet", *SOURCES],
    "lint": ["ruff", "check", "--quiet", *SOURCES],
    "types": ["mypy", *(f"{package}/src" for package in PACKAGES), "tools", "tests/kit"],
    "imports": ["lint-imports"],
    "protos": ["buf", "lint"],
    "proto format": ["buf", "format", "--diff", "--exit-code", "proto"],
    "tidy": [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "tests/tidy"],
}


def main() -> int:
    """Run the checks; return 0 when all passed."""
    failed = [name for name, command in CHECKS.items() if not run(name, command)]
    if not is_generated_fresh():
        failed.append("generated code")
    for name in failed:
        print(f"FAILED {name}")
    return 1 if failed else 0


def run(name: str, command: list[str]) -> bool:
    """Run one check and print its output when it fails."""
    started = time.perf_counter()
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=ENVIRONMENT)
    took_s = time.perf_counter() - started
    print(f"{'ok' if result.returncode == 0 else 'FAILED':7}{name} ({took_s:.1f} s)", flush=True)
    if result.returncode != 0:
        print(result.stdout + result.stderr)
    return result.returncode == 0


def is_generated_fresh() -> bool:
    """Generate the wire code anew and compare it with what is committed."""
    protos = sorted(str(path.relative_to(ROOT / "proto")) for path in (ROOT / "proto").rglob("*.proto"))
    with tempfile.TemporaryDirectory() as folder:
        outputs = [f"--{kind}={folder}" for kind in ("python_out", "grpc_python_out")]
        outputs += [f"--{kind}=quiet:{folder}" for kind in ("mypy_out", "mypy_grpc_out")]
        command = [sys.executable, "-m", "grpc_tools.protoc", "-Iproto", *outputs, *protos]
        subprocess.run(command, cwd=ROOT, check=True, env=ENVIRONMENT)
        stale = [
            str(made.relative_to(folder))
            for made in Path(folder).rglob("*_pb2*")
            if not same(made, ROOT / GENERATED / made.relative_to(folder))
        ]
    print(f"{'FAILED' if stale else 'ok':7}generated code")
    for name in stale:
        print(f"  {name} is stale: run `make proto`")
    return not stale


def same(made: Path, committed: Path) -> bool:
    """Return whether the two files hold the same bytes."""
    return committed.exists() and filecmp.cmp(made, committed, shallow=False)


if __name__ == "__main__":
    raise SystemExit(main())
