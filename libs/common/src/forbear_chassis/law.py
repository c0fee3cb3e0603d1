"""Reads the packs of rules at the start of a service: one that is doubtful in anything stops the start."""

from __future__ import annotations

from forbear_domain.policy import PackError, Packs, load_packs


def packs_at_start() -> Packs:
    """Return the packs; ends the process with the file and the line of what is wrong."""
    try:
        return load_packs()
    except PackError as error:
        raise SystemExit(f"a pack of rules cannot be used, so nothing is started: {error}") from None
