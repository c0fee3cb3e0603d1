"""A tenant's own, stricter rules: checked, versioned, and handed over to the dispatcher, which puts them in force.

Plans are made under a version as soon as it is stored, and every contact says under which one it was made. A dispatcher
that knows an older one only holds such contacts back, so that nobody is contacted under rules that were replaced.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Protocol

import structlog

from contact_scheduler.store import policies
from contact_scheduler.store.policies import PolicyVersion
from forbear.dispatcher.v1 import dispatcher_service_pb2 as pb
from forbear.types.v1 import types_pb2
from forbear_chassis.clock import from_epoch_us
from forbear_chassis.postgres import UUID, Connection, Pool
from forbear_chassis.worker import Pass
from forbear_domain.policy import TenantPolicy, load_packs, read_tenant_policy

TIMEOUT_S = 30.0

log = structlog.get_logger(__name__)


class ApplyCall(Protocol):
    """The stub's method."""

    def __call__(self, request: pb.ApplyPolicyRequest, /, *, timeout: float) -> Awaitable[Any]: ...


class ManagePolicy:
    """The use cases behind `/v1/policy`. Call `wake` after the commit."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self.wake = wake

    async def put(
        self, connection: Connection, tenant_id: UUID, text: str, put_by: str, now: datetime
    ) -> PolicyVersion:
        """Store a new version, or return the newest one where it says the same. An empty text withdraws the rules.

        Raises PackError, with line and mend, for a text that cannot be used; nothing is stored then.
        """
        await policies.lock_tenant(connection, tenant_id)
        before = await policies.latest(connection, tenant_id)
        if before is not None and before.text == text:
            return before
        version = 1 if before is None else before.version + 1
        label = check(text, version).label if text else ""
        one = PolicyVersion(tenant_id, version, text, label, put_by, now, None)
        await policies.insert(connection, one, types_pb2.Recipient(policy_version=version).SerializeToString())
        log.info("policy_put", tenant_id=str(tenant_id), version=version, label=label)
        return one


def check(text: str, version: int = 1) -> TenantPolicy:
    """Read a text as the gate would, its worked cases included. Raises PackError."""
    return read_tenant_policy(text, version, load_packs())


async def policy_of(connection: Connection, tenant_id: UUID) -> TenantPolicy | None:
    """Return the rules under which a tenant's plans are made, or None where there are none."""
    newest = await policies.latest(connection, tenant_id)
    return check(newest.text, newest.version) if newest is not None and newest.text else None


async def hand_over_policy(pool: Pool, apply: ApplyCall) -> Pass:
    """Hand one version over, and note since when it is in force; a crash in between hands it over again."""
    async with pool.acquire() as connection, connection.transaction():
        one = await policies.next_to_hand_over(connection)
        if one is None:
            return Pass(0)
        request = pb.ApplyPolicyRequest(
            request_id=str(uuid.uuid5(one.tenant_id, f"policy:{one.version}")),
            tenant_id=one.tenant_id.bytes,
            version=one.version,
            text=one.text,
        )
        answer = await apply(request, timeout=TIMEOUT_S)
        since = from_epoch_us(answer.force_time.seconds * 1_000_000 + answer.force_time.nanos // 1000)
        await policies.mark_in_force(connection, one, since)
    log.info("policy_in_force", tenant_id=str(one.tenant_id), version=one.version)
    return Pass(1)
