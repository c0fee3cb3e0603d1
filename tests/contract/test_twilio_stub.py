"""The Twilio-shaped API of the sandbox against the OpenAPI description that Twilio publishes of the real one.

schemathesis makes requests out of Twilio's own file and checks every answer of a running sandbox against it: status
codes, content types, bodies, headers, and that nothing is answered without credentials.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from forbear_sandbox.child import Child, free_port

pytestmark = [pytest.mark.needs_shared_data, pytest.mark.xdist_group("twilio_stub")]

SHARED = Path(os.environ.get("FORBEAR_SHARED", Path(__file__).parents[3] / "shared"))
DESCRIPTION = SHARED / "data/specs/twilio_api_v2010.json.gz"
ACCOUNT, TOKEN = "AC" + "1" * 32, "token-of-the-tests"
AUTH = (ACCOUNT, TOKEN)
SENDER, TO = "+18005550100", "+12125550142"
NOBODY = "0" * 32
START_TIMEOUT_S = 60.0
BOUNDED = settings(
    max_examples=30, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)

# All that schemathesis knows of one answer, but for:
#   negative_data_rejection: the real API ignores fields it does not know and is lenient in most it does; so is ours.
#   positive_data_acceptance: the file says "string" where the API wants a number in E.164 that the account owns, and
#   "integer" where it wants the number of a page.
#   unsupported_method, missing_required_header, use_after_free, ensure_resource_availability: about sequences of calls
#   and methods that the services never make.
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    ignored_auth,
]
# Twilio's file describes no refusal at all, so every refusal would break `status_code_conformance`. The object is
# described on twilio.com/docs/usage/twilios-response (exceptions); these are the statuses that the services know.
REFUSAL_STATUSES = ("400", "401", "404", "429")
REFUSAL = {
    "description": "Refused",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["code", "message", "more_info", "status"],
                "properties": {
                    "code": {"type": "integer", "minimum": 10_000, "maximum": 99_999},
                    "message": {"type": "string", "minLength": 1},
                    "more_info": {"type": "string", "pattern": r"^https://www\.twilio\.com/docs/errors/\d{5}$"},
                    "status": {"type": "integer", "minimum": 400, "maximum": 499},
                },
            }
        }
    },
}
# The file calls these "uri", which is absolute; its own examples, and the real API, give the path alone.
LINKS = ("uri", "first_page_uri", "next_page_uri", "previous_page_uri")
PATHS = tuple(f"/2010-04-01/Accounts/{{AccountSid}}/{kind}" for kind in ("Messages", "Calls"))
GOOD = {
    "CreateMessage": {"To": TO, "From": SENDER, "Body": "hello"},
    "CreateCall": {"To": TO, "From": SENDER, "Twiml": "<Response><Say>hello</Say></Response>"},
}


@dataclass(frozen=True, slots=True)
class Stub:
    """A running sandbox, Twilio's description of it, and a message and a call that are there."""

    url: str
    api: Any  # schemathesis has no types
    sids: dict[str, str]


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    """Twilio's own file, cut down to messages and calls, with what it leaves out or gets wrong."""
    if not DESCRIPTION.exists():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"no description of Twilio's API at {DESCRIPTION}")
    described: dict[str, Any] = json.loads(gzip.decompress(DESCRIPTION.read_bytes()))
    described["paths"] = {path: item for path, item in described["paths"].items() if path.startswith(PATHS)}
    for item in described["paths"].values():
        for method in ("get", "post", "delete"):
            if method in item:
                item[method]["responses"] |= dict.fromkeys(REFUSAL_STATUSES, REFUSAL)
    for path in PATHS:
        answer = described["paths"][f"{path}.json"]["get"]["responses"]["200"]["content"]["application/json"]
        for name in LINKS:
            answer["schema"]["properties"][name]["format"] = "uri-reference"
    return described


@pytest.fixture(scope="module")
def stub(description: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stub]:
    """The sandbox as its own process. It is bare: made-up callback URLs must not be called."""
    ports = {name: free_port() for name in ("twilio", "smtp", "control")}
    listen = [part for name, port in ports.items() for part in (f"--{name}", f"127.0.0.1:{port}")]
    account = ["--account-sid", ACCOUNT, "--auth-token", TOKEN, "--senders", SENDER]
    command = [sys.executable, "-m", "forbear_sandbox", "world", "--bare", *listen, *account]
    child = Child("world", command, tmp_path_factory.mktemp("stub") / "world.log")
    child.start()
    try:
        url = f"http://127.0.0.1:{ports['twilio']}"
        wait_for(f"http://127.0.0.1:{ports['control']}/state", child)
        sids = {operation: create(url, operation) for operation in GOOD}
        yield Stub(url, schemathesis.openapi.from_dict(description, config=schemathesis.Config(seed=1)), sids)
    finally:
        child.stop()


def wait_for(url: str, child: Child) -> None:
    """Return when a server answers."""
    deadline_s = monotonic() + START_TIMEOUT_S
    while True:
        try:
            requests.get(url, timeout=1).raise_for_status()
        except requests.RequestException:
            assert child.is_running, child.log_tail()
            assert monotonic() < deadline_s, child.log_tail()
            sleep(0.05)
        else:
            return


def create(url: str, operation: str) -> str:
    """Create a message or a call and return its SID."""
    kind = operation.removeprefix("Create") + "s"
    made = requests.post(f"{url}/2010-04-01/Accounts/{ACCOUNT}/{kind}.json", data=GOOD[operation], auth=AUTH, timeout=5)
    assert 201 == made.status_code, made.text
    return str(made.json()["sid"])


def check(stub: Stub, case: Any) -> int:
    """Send a request, check the answer, and return its status."""
    answer = case.call_and_validate(base_url=stub.url, auth=AUTH, checks=CHECKS, timeout=5)
    return int(answer.status_code)


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("name", ["CreateMessage", "CreateCall"])
def test_what_is_created_is_answered_as_described(stub: Stub, name: str, mode: GenerationMode) -> None:
    """Made-up fields, alone and with what a message or a call needs: taken and refused in the words of the file."""
    operation = stub.api.find_operation_by_id(name)
    statuses = set()

    @BOUNDED
    @given(case=operation.as_strategy(mode, path_parameters={"AccountSid": ACCOUNT}), is_good=st.booleans())
    def create_one(case: Any, is_good: bool) -> None:
        if is_good and isinstance(case.body, dict):
            case.body = {**case.body, **GOOD[name]}
        statuses.add(check(stub, case))

    create_one()

    assert {201, 400} <= statuses


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("name", ["ListMessage", "ListCall"])
def test_a_list_is_answered_as_described(stub: Stub, name: str, mode: GenerationMode) -> None:
    """Filters and pages of every sort."""
    operation = stub.api.find_operation_by_id(name)
    statuses = set()

    @BOUNDED
    @given(case=operation.as_strategy(mode, path_parameters={"AccountSid": ACCOUNT}))
    def list_some(case: Any) -> None:
        statuses.add(check(stub, case))

    list_some()

    assert 200 in statuses


@pytest.mark.parametrize("name", ["Message", "Call"])
def test_what_is_fetched_is_answered_as_described(stub: Stub, name: str) -> None:
    """A record that is there, and records that are not."""
    operation = stub.api.find_operation_by_id(f"Fetch{name}")
    sid = stub.sids[f"Create{name}"]

    here = operation.Case(path_parameters={"AccountSid": ACCOUNT, "Sid": sid})
    away = operation.Case(path_parameters={"AccountSid": ACCOUNT, "Sid": sid[:2] + NOBODY})
    foreign = operation.Case(path_parameters={"AccountSid": "AC" + NOBODY, "Sid": sid})

    assert (200, 404, 404) == tuple(check(stub, case) for case in (here, away, foreign))
