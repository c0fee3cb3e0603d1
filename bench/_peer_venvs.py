"""Venvs for the libraries and tools that benches measure us against; nothing of them reaches the services."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def install_peer(wanted: Path, venv: Path) -> Path:
    """Make a peer's venv, where it is missing or older than what it is made from; return its folder of commands."""
    stamp = venv / ".stamp"
    if not stamp.exists() or stamp.read_text() != wanted.read_text():
        print(f"installing {wanted.stem} into {venv.relative_to(ROOT)}", flush=True)
        uv = str(Path(sys.executable).with_name("uv"))
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(venv)], check=True)
        into = ["--quiet", "--python", str(venv / "bin" / "python"), "-r", str(wanted)]
        subprocess.run([uv, "pip", "install", *into], check=True)
        stamp.write_text(wanted.read_text())
    return venv / "bin"
