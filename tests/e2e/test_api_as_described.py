"""The campaign API against its own description: whatever is sent, the answer is one that the description announces.

schemathesis makes requests out of the OpenAPI description, good ones and broken ones, for a lender of its own beside
the campaign that other tests work with. What it and we have found so far stands below it by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from forbear_client.api import Api
from forbear_sandbox import portfolio
from forbear_sandbox.portfolio_file import read_rows
from forbear_sandbox.stack import START
from tests.kit.stack_kit import CAMPAIGN, Scene

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_valkey, pytest.mark.slow, pytest.mark.xdist_group("tour")]

BORROWERS = 20
EXAMPLES = 6
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
BOUNDED = settings(
    max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
NUL = "a\x00b"
FIRST, LAST = "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"
PAYMENT = {"payment_ref": "P1", "borrower_ref": "B1", "loan_ref": "L1", "amount": "1.00", "currency": "USD"}
RICH = {"past_due_min_minor": 2**63}


@dataclass(frozen=True, slots=True)
class Lender:
    """A tenant with borrowers and a campaign that has not begun."""

    url: str
    headers: dict[str, str]
    ids: dict[str, str]  # what stands in paths and is really there


@pytest.fixture(scope="module")
def lender(tour: Scene, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lender]:
    """The lender whom the requests are about; nobody of theirs lives in the world, so nothing stays planned."""
    path = tmp_path_factory.mktemp("described") / "portfolio.csv"
    portfolio.write_csv(portfolio.generate(BORROWERS, 2, START.date()), path)
    url, key = tour.stack.scheduler_url, tour.stack.add_tenant("described", "Described Lenders")
    with Api(url, key) as api:
        imported = api.import_borrowers(path)
        campaign_id = api.create_campaign(CAMPAIGN, key="described")["campaign_id"]
        row = next(iter(read_rows(path)))
        names = {"borrower_ref": row["borrower_ref"], "loan_ref": row["loan_ref"], "import_id": imported["import_id"]}
        names |= {"campaign_id": campaign_id, "notice": "agency"}
        yield Lender(url, {"Authorization": f"Bearer {key}"}, names)
        api.change_campaign(campaign_id, "cancel")


@pytest.fixture(scope="module")
def http(lender: Lender) -> Iterator[httpx.Client]:
    """A client of the API."""
    with httpx.Client(base_url=lender.url, headers=lender.headers, timeout=20) as client:
        yield client


@schemathesis.serializer("application/toml")
def as_text(_: Any, value: Any) -> bytes:
    """Send what stands for a file of rules as it is."""
    return str(value).encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_answer_is_one_that_the_description_announces(
    lender: Lender, http: httpx.Client, mode: GenerationMode
) -> None:
    """For each operation, with ids that are there and ids that are not."""
    api = schemathesis.openapi.from_dict(http.get("/openapi.json").json(), config=schemathesis.Config(seed=1))
    statuses = set()
    for found in api.get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr]  # a description that cannot be read raises here

        @BOUNDED
        @given(case=operation.as_strategy(mode), is_there=st.booleans())
        def send(case: Any, is_there: bool) -> None:
            if is_there:
                case.path_parameters |= {name: lender.ids[name] for name in case.path_parameters if name in lender.ids}
            answer = case.call_and_validate(base_url=lender.url, headers=lender.headers, checks=CHECKS, timeout=20)
            statuses.add(answer.status_code)

        send()

    assert {200, 404, 422} <= statuses


@pytest.mark.parametrize(
    ("method", "path", "field", "body"),
    [
        ("POST", "/v1/strategies", "origin", {"name": "some", "origin": NUL, "weights": {}}),
        ("POST", "/v1/strategies", "weights", {"name": "some", "origin": "us", "weights": {NUL: 1.0}}),
        ("POST", "/v1/campaigns", "name", {"name": NUL}),
        ("POST", "/v1/campaigns", "starts_at", {"name": "early", "starts_at": FIRST}),
        ("POST", "/v1/campaigns", "ends_at", {"name": "late", "ends_at": LAST}),
        (
            "POST",
            "/v1/campaigns",
            "audience.past_due_min_minor",
            {"name": "x", "audience": {"past_due_min_minor": 2**63}},
        ),
        (
            "POST",
            "/v1/payments",
            "payments.0.paid_at",
            {"payments": [PAYMENT | {"paid_at": FIRST}]},
        ),
        ("POST", f"/v1/switches/{2**63}:lift", "switch_id", {"reason": "mended"}),
        ("POST", f"/v1/limits/{10**30}:lift", "limit_id", {"reason": "mended"}),
        ("GET", "/v1/questions?after=a%00b", "after", None),
        ("GET", "/v1/numbers/due?after=%00", "after", None),
        ("GET", "/v1/borrowers/a%00b", "borrower_ref", None),
        ("DELETE", "/v1/notices/L1/a%00b", "notice", None),
    ],
)
def test_what_nothing_here_can_keep_is_refused_by_its_name(
    http: httpx.Client, method: str, path: str, field: str, body: dict[str, Any] | None
) -> None:
    """Texts with NUL, instants that no time zone has, numbers beyond those of the database."""
    answer = http.request(method, path, json=body)

    assert 422 == answer.status_code, answer.text
    assert "application/problem+json" == answer.headers["content-type"]
    assert [field] == [error["field"] for error in answer.json()["errors"]]


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b'{"name": "\xc3("}', b"[" * 100_000], ids=lambda one: one[:9])
def test_a_body_that_is_no_json_is_told_to_be_json(http: httpx.Client, content: bytes) -> None:
    """Half an object, bytes that are no text, and lists without end."""
    answer = http.post("/v1/campaigns", content=content, headers={"Content-Type": "application/json"})

    assert 422 == answer.status_code
    [error] = answer.json()["errors"]
    assert "body" == error["field"]
    assert "not valid JSON" in error["mend"]
