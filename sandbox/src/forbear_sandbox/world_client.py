"""Client of the sandbox's control API, for demos and tests. It blocks: its callers have nothing else to do."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

TIMEOUT_S = 30.0
RUN_TIMEOUT_S = 1800.0


class WorldError(RuntimeError):
    """The sandbox refused, failed or stalled."""


class WorldClient:
    """Asks the world and tells it; see `control` for what each call means."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url

    def state(self) -> dict[str, Any]:
        """Return the state of the world."""
        return self._call("GET", "/state")

    def aim(self, until: datetime) -> dict[str, Any]:
        """Let the time run until an instant, without waiting for it."""
        return self._call("POST", "/clock/run-until", {"until": until.isoformat(), "wait": False})

    def run_until(self, until: datetime) -> dict[str, Any]:
        """Let the time run and return when it is there. Raises WorldError when it stalls."""
        return self._call("POST", "/clock/run-until", {"until": until.isoformat()}, RUN_TIMEOUT_S)

    def report_payments_to(self, url: str, api_key: str, borrowers: Sequence[str] = ()) -> None:
        """Say where payments are reported: those of the borrowers named, or of everybody else."""
        self._call("POST", "/platform", {"url": url, "api_key": api_key, "borrowers": list(borrowers)})

    def summary(self) -> dict[str, Any]:
        """Return the counts of the census."""
        return self._call("GET", "/census/summary")

    def contacts(self) -> list[dict[str, Any]]:
        """Return every contact that reached a provider."""
        with urlopen(f"{self.base_url}/census", timeout=TIMEOUT_S) as answer:
            return [json.loads(line) for line in answer]

    def compare(self, attempts: Iterable[object]) -> dict[str, Any]:
        """Compare the ledger's attempts with the census."""
        return self._call("POST", "/census/compare", {"attempts": [str(attempt) for attempt in attempts]})

    def set_faults(self, faults: Sequence[Mapping[str, object]]) -> None:
        """Put fault rules in force in place of all others."""
        self._call("POST", "/faults", {"faults": list(faults)})

    def say(self, borrower_ref: str, text: str) -> None:
        """Let a borrower text us."""
        self._call("POST", "/say", {"borrower": borrower_ref, "text": text})

    def habits(self) -> dict[str, Any]:
        """Return the hidden habits."""
        return self._call("GET", "/habits")

    def _call(
        self, method: str, path: str, body: Mapping[str, object] | None = None, timeout_s: float = TIMEOUT_S
    ) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.base_url + path, data=data, method=method, headers={"Content-Type": "application/json"})
        try:
            with urlopen(request, timeout=timeout_s) as answer:
                content: dict[str, Any] = json.loads(answer.read())
        except HTTPError as error:
            raise WorldError(f"{method} {path}: {error.code} {error.read().decode(errors='replace')}") from None
        return content
