"""CPU that other processes of this machine took, from /proc: theirs, their children's, and that of children gone."""

from __future__ import annotations

import os
from pathlib import Path

TICK_S = 1.0 / os.sysconf("SC_CLK_TCK")


def children_of(pid: int) -> list[int]:
    """Return all descendants of a process."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (stat := _stat(int(entry.name))):
            parents.setdefault(int(stat[1]), []).append(int(entry.name))
    found, new = [], [pid]
    while new:
        new = [child for parent in new for child in parents.get(parent, [])]
        found += new
    return found


def cpu_s(pids: list[int]) -> float:
    """Return the seconds that these processes, and children of theirs that are gone, spent on a processor."""
    return sum(sum(int(ticks) for ticks in stat[11:15]) for pid in pids if (stat := _stat(pid))) * TICK_S


def tree_cpu_s(pid: int) -> float:
    """Return the seconds of a process and all its descendants."""
    return cpu_s([pid, *children_of(pid)])


def named(word: str) -> list[int]:
    """Return the descendants of this process whose program's name begins with a word."""
    return [pid for pid in children_of(os.getpid()) if _name(pid).startswith(word)]


def resident_mib(pid: int) -> float:
    """Return the memory that a process holds in RAM."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _stat(pid: int) -> list[str] | None:
    """Return the fields of /proc/PID/stat after the name: state, parent, ...; 11 to 14 are ticks of CPU."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""
