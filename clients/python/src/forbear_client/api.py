"""A client of the campaign API: what a collection platform does, as functions.

    with Api("http://127.0.0.1:8080", key) as api:
        report = api.import_borrowers(Path("portfolio.csv"))
        campaign = api.create_campaign({"name": "March"}, key="march")
        api.change_campaign(campaign["campaign_id"], "start")

Every error of the service is raised as `ApiError`, with what is wrong and how to mend it. Answers are the JSON
documents that the service's OpenAPI page describes.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

Document = dict[str, Any]

CONNECT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 60.0
UPLOAD_TIMEOUT_S = 3600.0
CHUNK_BYTES = 1 << 18
MEDIA_TYPES = {".csv": "text/csv", ".ndjson": "application/x-ndjson", ".jsonl": "application/x-ndjson"}

POLICY_TYPE = "application/toml"


class ApiError(RuntimeError):
    """The service refused a request. `status` is the HTTP status, 0 when nobody answered."""

    def __init__(self, status: int, detail: str, errors: list[Document]) -> None:
        lines = [detail, *(f"  {error['field']}: {error['mend']}" for error in errors)]
        super().__init__("\n".join(lines))
        self.status = status
        self.errors = errors


class Api:
    """One tenant's access to the campaign API."""

    def __init__(self, url: str, api_key: str) -> None:
        timeout = httpx.Timeout(ANSWER_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
        self._url = url
        self._client = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {api_key}"}, timeout=timeout)

    def __enter__(self) -> Api:
        """Use the client in a `with` block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self._client.close()

    def import_borrowers(self, path: Path, told: Callable[[int], None] = lambda _: None) -> Document:
        """Stream a portfolio file (.csv, .ndjson) to the service and return its report; `told` hears the bytes sent."""
        kind = MEDIA_TYPES.get(path.suffix.lower())
        if kind is None:
            raise ApiError(0, f"{path.name}: name it .csv or .ndjson, so that its form is known", [])

        def chunks() -> Iterator[bytes]:
            with path.open("rb") as file:
                while chunk := file.read(CHUNK_BYTES):
                    yield chunk
                    told(len(chunk))

        timeout = httpx.Timeout(UPLOAD_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
        return self._document(
            "POST", "/v1/borrowers:import", content=chunks(), headers={"Content-Type": kind}, timeout=timeout
        )

    def create_campaign(self, body: Document, *, key: str) -> Document:
        """Create a campaign as a draft. The same key, of printable ASCII without spaces, gives the same campaign."""
        _check_finite(body)
        return self._document("POST", "/v1/campaigns", json=body, headers={"Idempotency-Key": key})

    def campaigns(self) -> list[Document]:
        """List the campaigns, newest first."""
        found: list[Document] = self._answer("GET", "/v1/campaigns").json()
        return found

    def preflight(self, campaign_id: str) -> Document:
        """Return what a campaign would do if it were started now."""
        return self._document("GET", f"/v1/campaigns/{campaign_id}/preflight")

    def change_campaign(self, campaign_id: str, verb: str) -> Document:
        """Apply a verb: start, pause, resume or cancel."""
        return self._document("POST", f"/v1/campaigns/{campaign_id}:{verb}")

    def report(self, campaign_id: str) -> Document:
        """Return what a campaign has brought so far."""
        return self._document("GET", f"/v1/campaigns/{campaign_id}/report")

    def response_rates(self, campaign_id: str | None = None, *, by_segment: bool = False) -> list[Document]:
        """Return how often contacts were answered, by channel and local hour, and where asked by segment."""
        path = "/v1/response-rates/segments" if by_segment else "/v1/response-rates"
        asked = {} if campaign_id is None else {"campaign_id": campaign_id}
        found: list[Document] = self._answer("GET", path, params=asked).json()
        return found

    def disparity(self, campaign_id: str) -> Document:
        """Return how borrowers of each language and state fare beside the others."""
        return self._document("GET", f"/v1/campaigns/{campaign_id}/disparity")

    def evaluation(self, campaign_id: str) -> Document:
        """Return what learning brought, beside the control group and beside fixed rules."""
        return self._document("GET", f"/v1/campaigns/{campaign_id}/evaluation")

    def what_if(self, campaign_id: str, **changes: float) -> Document:
        """Return what other capacity (factors by channel) or a budget would bring; nothing is changed."""
        return self._document("GET", f"/v1/campaigns/{campaign_id}/what-if", params=changes)

    def strategies(self) -> Document:
        """Return who decides, what asks to, and the record of every change."""
        return self._document("GET", "/v1/strategies")

    def learned_weights(self) -> Document:
        """Return the model as it has learned, as a table of weights by term."""
        return self._document("GET", "/v1/strategies/learning")

    def propose_strategy(self, body: Document) -> Document:
        """Propose a strategy; the same body again is harmless, another one under a used name is refused."""
        _check_finite(body)
        key = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        return self._document("POST", "/v1/strategies", json=body, headers={"Idempotency-Key": key})

    def policy(self, version: int | None = None) -> Document:
        """Return a version of the tenant's own rules, by default the newest."""
        return self._document("GET", "/v1/policy" if version is None else f"/v1/policy/versions/{version}")

    def policy_versions(self) -> list[Document]:
        """List the versions of the tenant's own rules, newest first."""
        found: list[Document] = self._answer("GET", "/v1/policy/versions").json()
        return found

    def put_policy(self, text: bytes) -> Document:
        """Put stricter rules of the tenant's own, as TOML; the same text again changes nothing."""
        return self._document("PUT", "/v1/policy", content=text, headers={"Content-Type": POLICY_TYPE})

    def check_policy(self, text: bytes) -> Document:
        """Check rules and run their worked cases without putting them."""
        return self._document("POST", "/v1/policy:check", content=text, headers={"Content-Type": POLICY_TYPE})

    def withdraw_policy(self) -> Document:
        """Withdraw all rules of the tenant's own."""
        return self._document("DELETE", "/v1/policy")

    def tolerances(self, campaign_id: str | None = None) -> list[Document]:
        """List what the brake tolerates, as it holds for a campaign, or where a campaign says nothing else."""
        asked = {} if campaign_id is None else {"campaign_id": campaign_id}
        found: list[Document] = self._answer("GET", "/v1/brake", params=asked).json()
        return found

    def set_tolerance(self, signal: str, tolerated: float | None, campaign_id: str | None, reason: str) -> None:
        """Set the share that the brake tolerates of a signal; None: what holds otherwise."""
        body = {"tolerated": tolerated, "campaign_id": campaign_id, "reason": reason}
        _check_finite(body)
        self._answer("PUT", f"/v1/brake/{signal}", json=body)

    def load_unemployment(self, body: bytes) -> Document:
        """Add or correct regional unemployment: CSV of region, month and percent, all of it or none."""
        return self._document("PUT", "/v1/unemployment", content=body, headers={"Content-Type": "text/csv"})

    def unemployment(self) -> list[Document]:
        """Return the latest unemployment of each region."""
        found: list[Document] = self._answer("GET", "/v1/unemployment").json()
        return found

    def record_number_checks(self, checks: list[Document]) -> Document:
        """Record answers of a database of reassigned numbers, at most 1,000; a repeat is harmless."""
        return self._document("POST", "/v1/numbers:record", json={"checks": checks})

    def numbers_due(self, days: int, after: str = "") -> Document:
        """Return a page of borrowers whose consent to texts goes stale within some days."""
        return self._document("GET", "/v1/numbers/due", params={"days": days, "after": after})

    def erase_borrower(self, borrower_ref: str) -> Document:
        """Delete the personal data of a borrower for good; the answer says until when law keeps evidence."""
        return self._document("POST", f"/v1/borrowers/{borrower_ref}:erase")

    def next_contact(self, borrower_ref: str) -> Document:
        """Return why a borrower is contacted next as planned, or why not."""
        return self._document("GET", f"/v1/borrowers/{borrower_ref}/next-contact")

    def questions(self, after: str = "") -> Document:
        """Return a page of borrowers whom nobody may contact for want of an answer."""
        return self._document("GET", "/v1/questions", params={"after": after})

    def cases(self, **asked: Any) -> Document:
        """List a page of cases; `asked` may hold state, reason, page_size and page_token. Needs a person's key."""
        return self._document("GET", "/v1/cases", params={name: value for name, value in asked.items() if value})

    def case(self, case_id: str) -> Document:
        """Tell a case with the whole story of its borrower."""
        return self._document("GET", f"/v1/cases/{case_id}")

    def act_on_case(self, case_id: str, act: str, **fields: Any) -> Document:
        """Claim, release, note, answer, lift or close a case; `fields` are those of the act."""
        return self._document("POST", f"/v1/cases/{case_id}:{act}", json=fields)

    def _document(self, method: str, path: str, **options: Any) -> Document:
        document: Document = self._answer(method, path, **options).json()
        return document

    def _answer(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            answer = self._client.request(method, path, **options)
        except httpx.UnsupportedProtocol:
            raise ApiError(0, f"{self._url} is no address; write it as http://host:port or https://host", []) from None
        except httpx.TransportError as error:
            raise ApiError(0, f"nobody answers at {self._url}: {type(error).__name__}; is it running?", []) from error
        if answer.is_error:
            is_problem = "json" in answer.headers.get("content-type", "")
            problem: Document = answer.json() if is_problem else {}
            detail = str(problem.get("detail") or f"the service answered {answer.status_code}")
            raise ApiError(answer.status_code, detail, problem.get("errors") or [])
        return answer


def _check_finite(document: Any, path: str = "") -> None:
    """Raise ApiError that names the first number which is none: JSON has no word for it."""
    if isinstance(document, dict):
        for name, value in document.items():
            _check_finite(value, f"{path}.{name}" if path else str(name))
    elif isinstance(document, float) and not math.isfinite(document):
        raise ApiError(422, "some fields cannot be used", [{"field": path, "mend": "give a finite number"}])
