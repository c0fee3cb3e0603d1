"""People at the queue of cases, as the tracker's peers let them act."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import grpc
import pytest

from forbear.tracker.v1 import tracker_service_pb2 as pb
from forbear_chassis.errors import Fault
from tests.integration.tracker.tracker_stage import TENANT, World

ANA = "Ana Ruiz"


async def listed(world: World, **asked: Any) -> pb.ListCasesResponse:
    """Ask for a page of cases."""
    request = pb.ListCasesRequest(**{"tenant_id": TENANT.bytes, "page_size": 50} | asked)
    return await world.rpc.ListCases(request, None)  # type: ignore[arg-type]


async def story(world: World, case: pb.Case, tenant: UUID = TENANT) -> pb.GetCaseResponse:
    """Ask for the story of a case."""
    request = pb.GetCaseRequest(tenant_id=tenant.bytes, case_id=case.case_id)
    return await world.rpc.GetCase(request, None)  # type: ignore[arg-type]


async def do(world: World, case: pb.Case, act: str, person: str = ANA, **fields: Any) -> pb.Case:
    """Let a person act on a case, and the loops work."""
    request = {
        "request_id": str(uuid4()), "tenant_id": TENANT.bytes, "case_id": case.case_id, "person": person,
        "act": f"CASE_ACT_{act}",
    }  # fmt: skip
    answer = await world.rpc.ActOnCase(pb.ActOnCaseRequest(**request | fields), None)  # type: ignore[arg-type]
    await world.pump()
    return answer.case


async def refused(world: World, case: pb.Case, act: str, person: str = ANA, **fields: Any) -> str:
    """Return how an act is refused; nothing may have come of it."""
    before = await world.pool.fetchval("SELECT count(*) FROM case_act")
    with pytest.raises(Fault) as caught:
        await do(world, case, act, person, **fields)
    assert grpc.StatusCode.FAILED_PRECONDITION == caught.value.code
    assert before == await world.pool.fetchval("SELECT count(*) FROM case_act")
    return caught.value.message


async def opened(world: World, words: str) -> pb.Case:
    """Let the borrower say something that opens a case, and return the first one due."""
    await world.attempt()
    await world.text(words)
    await world.pump()
    return (await listed(world)).cases[0]
