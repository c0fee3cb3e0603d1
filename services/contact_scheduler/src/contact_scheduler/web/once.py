"""Idempotency keys: the same request again gets the first answer.

A changed body under a used key is refused with 422, a twin that runs at the same moment with 409. Answer and action
are one transaction, so a crash leaves either both or neither.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Header, Request, Response
from pydantic import BaseModel

from contact_scheduler.store.tenants import Answer, claim_key, find_answer, keep_answer
from contact_scheduler.web.access import Api
from contact_scheduler.web.problems import FieldError, Problem, invalid
from forbear_chassis.postgres import UUID, Connection

KeyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=128,
        pattern=r"^[\x21-\x7e]+$",
        description="Any text of yours that names this request; sent again with the same body it gets that answer.",
    ),
]


def running() -> Problem:
    """Make the answer for a twin of a request that runs now."""
    return Problem(409, "request-running", "a request with this Idempotency-Key runs now; wait and send it again")


def changed() -> Problem:
    """Make the answer for a used key with another body."""
    return invalid([FieldError(field="Idempotency-Key", mend="this key was used with another body; use a new one")])


def fresh_key() -> str:
    """Return a key for a request that came without one."""
    return secrets.token_urlsafe(16)


async def answer_once(
    api: Api,
    request: Request,
    tenant_id: UUID,
    key: str | None,
    act: Callable[[Connection], Awaitable[tuple[int, BaseModel]]],
) -> Response:
    """Run `act` in a transaction and keep its answer under the key; a repeat gets the kept one."""
    digest = hashlib.sha256(f"{request.method} {request.url.path}\n".encode() + await request.body()).digest()
    async with api.pool.acquire() as connection, connection.transaction():
        if key is not None:
            if not await claim_key(connection, tenant_id, key):
                raise running()
            before = await find_answer(connection, tenant_id, key)
            if before is not None:
                if before.digest != digest:
                    raise changed()
                return _response(before)
        status, model = await act(connection)
        answer = Answer(digest, status, model.model_dump_json().encode())
        if key is not None:
            await keep_answer(connection, tenant_id, key, answer, api.clock.now())
    return _response(answer)


def _response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, media_type="application/json")
