"""The API's doors: keys, scopes, tenants, problems, idempotency; and the console."""

from __future__ import annotations

import pytest

from contact_scheduler.credentials import digest
from contact_scheduler.store.tenants import TenantStore
from tests.integration.scheduler.scheduler_stage import KEY, OTHER_KEY, Scheduler

pytestmark = pytest.mark.needs_postgres


@pytest.mark.parametrize("header", [None, "Bearer wrong", "Basic abc"])
async def test_without_a_valid_key_nothing_answers(scheduler: Scheduler, header: str | None) -> None:
    """Every route asks for a key and answers with the same problem."""
    del scheduler.http.headers["Authorization"]
    headers = {"Authorization": header} if header else {}
    answers = [
        await scheduler.http.get(path, headers=headers)
        for path in ("/v1/campaigns", "/v1/imports", "/v1/response-rates", "/v1/response-rates/segments")
    ]

    assert {401} == {answer.status_code for answer in answers}
    assert {"application/problem+json"} == {answer.headers["content-type"] for answer in answers}
    assert {"Bearer"} == {answer.headers["www-authenticate"] for answer in answers}


async def test_a_key_does_only_what_its_scopes_say(scheduler: Scheduler) -> None:
    """A key that may only read is refused by name of the scope it lacks."""
    store = TenantStore(scheduler.pool)
    await store.add_key(digest("fbk_reader"), scheduler.tenant_id, "reader", ["read"], scheduler.clock.now())
    headers = {"Authorization": "Bearer fbk_reader"}
    answer = await scheduler.http.post("/v1/campaigns", json={"name": "x"}, headers=headers)

    assert 200 == (await scheduler.http.get("/v1/campaigns", headers=headers)).status_code
    assert 403 == answer.status_code
    assert "write" in answer.json()["detail"]


async def test_wrong_fields_are_told_by_name_with_the_way_to_mend_them(scheduler: Scheduler) -> None:
    """Nested fields, unknown fields and wrong orders are problems of status 422; the values are not repeated."""
    body = {
        "name": "x",
        "cadence": {"rest_days": 0},
        "control_share": 0.9,
        "colour": "red",
        "audience": {"regions": ["ZZ"]},
    }
    problem = (await scheduler.http.post("/v1/campaigns", json=body)).json()
    broken = await scheduler.http.post("/v1/campaigns", content=b"{", headers={"Content-Type": "application/json"})

    assert {"cadence.rest_days", "control_share", "colour", "audience.regions.0"} == {
        e["field"] for e in problem["errors"]
    }
    assert ["there is no such field; leave it out, or look for a slip in its name"] == [
        error["mend"] for error in problem["errors"] if error["field"] == "colour"
    ]
    assert "red" not in str(problem)
    assert [{"field": "body", "mend": "the body is not valid JSON"}] == broken.json()["errors"]


async def test_a_repeated_post_gets_the_first_answer(scheduler: Scheduler) -> None:
    """Same key and body: one campaign, the same bytes. Same key and another body: 422."""
    headers = {"Idempotency-Key": "spring"}
    answers = [await scheduler.http.post("/v1/campaigns", json={"name": "Spring"}, headers=headers) for _ in range(2)]
    other = await scheduler.http.post("/v1/campaigns", json={"name": "Summer"}, headers=headers)

    assert answers[0].content == answers[1].content
    assert (201, 422) == (answers[1].status_code, other.status_code)
    assert 1 == len((await scheduler.http.get("/v1/campaigns")).json())


async def test_another_tenants_campaign_looks_like_none(scheduler: Scheduler) -> None:
    """Show, start and report answer 404 in the same words for another tenant's campaign and for none."""
    campaign_id = (await scheduler.http.post("/v1/campaigns", json={"name": "x"})).json()["campaign_id"]
    headers = {"Authorization": f"Bearer {OTHER_KEY}"}
    paths = [f"/v1/campaigns/{one}" for one in (campaign_id, "00000000-0000-0000-0000-000000000000")]
    answers = [await scheduler.http.get(path + tail, headers=headers) for path in paths for tail in ("", "/report")]
    answers += [await scheduler.http.post(f"{path}:start", headers=headers) for path in paths]

    assert {404} == {answer.status_code for answer in answers}
    assert 1 == len({answer.text for answer in answers})
    assert [] == (await scheduler.http.get("/v1/campaigns", headers=headers)).json()


async def test_a_body_that_is_too_large_is_refused(scheduler: Scheduler) -> None:
    """JSON bodies have a limit of two MiB; the streamed import has its own."""
    answer = await scheduler.http.post(
        "/v1/payments", content=b"x" * (3 << 20), headers={"Content-Type": "application/json"}
    )

    assert 413 == answer.status_code


async def test_without_its_database_the_api_says_when_to_come_again(scheduler: Scheduler) -> None:
    """503 with Retry-After and a problem document: no bug, nothing changed, and nothing of the cause told outside."""
    scheduler.pool.terminate()

    answers = [
        await scheduler.http.get("/v1/campaigns"),
        await scheduler.http.post("/v1/campaigns", json={"name": "x"}, headers={"Idempotency-Key": "once"}),
    ]

    assert [503, 503] == [answer.status_code for answer in answers]
    assert {"1"} == {answer.headers["retry-after"] for answer in answers}
    assert {"urn:forbear:problem:unavailable"} == {answer.json()["type"] for answer in answers}


async def test_the_contract_is_published_with_every_operation_described(scheduler: Scheduler) -> None:
    """Every operation and every field of a body in /openapi.json says what it is."""
    contract = (await scheduler.http.get("/openapi.json")).json()
    operations = [operation for path in contract["paths"].values() for operation in path.values()]
    fields = [
        (name, field)
        for name, schema in contract["components"]["schemas"].items()
        for field, value in schema.get("properties", {}).items()
        if "description" not in value and name not in {"HTTPValidationError", "ValidationError"}
    ]

    assert {"/v1/borrowers:import", "/v1/payments", "/v1/campaigns/{campaign_id}:{verb}"} <= set(contract["paths"])
    assert all(operation.get("summary") and operation.get("description") for operation in operations)
    assert [] == fields


async def test_the_console_asks_for_a_key_and_shows_the_campaign(scheduler: Scheduler, portfolio: str) -> None:
    """The page works without scripts, holds no key, and forbids every other host."""
    await scheduler.upload(portfolio)
    await scheduler.start_campaign(name="Spring <reminders>")
    await scheduler.run_plan()
    before = await scheduler.http.get("/console")
    wrong = await scheduler.http.post("/console/login", data={"key": "wrong"})
    logged_in = await scheduler.http.post("/console/login", data={"key": KEY})
    page = await scheduler.http.get("/console")
    style = await scheduler.http.get("/console/static/console.css")
    unknown = await scheduler.http.get("/console", params={"campaign": "00000000-0000-0000-0000-000000000001"})
    await scheduler.http.post("/console/logout")
    after = await scheduler.http.get("/console")

    assert (200, 401, 303) == (before.status_code, wrong.status_code, logged_in.status_code)
    assert "HttpOnly" in logged_in.headers["set-cookie"]
    assert "Spring &lt;reminders&gt;" in page.text
    assert "<svg" in page.text
    assert KEY not in page.text + str(page.headers)
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert (200, "text/css; charset=utf-8") == (style.status_code, style.headers["content-type"])
    assert "API key" in after.text
    assert 404 == unknown.status_code
    assert "You have no such campaign." in unknown.text
