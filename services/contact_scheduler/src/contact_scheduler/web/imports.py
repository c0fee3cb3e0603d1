"""`POST /v1/borrowers:import` and what became of imports."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Literal

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from contact_scheduler.import_borrowers import ImportChanged, ImportRunning, UploadTooLarge
from contact_scheduler.portfolio.columns import COLUMNS
from contact_scheduler.store.imports import ERRORS_A_PAGE, Job
from contact_scheduler.web import once
from contact_scheduler.web.access import Api, Parts, Reader, Writer
from contact_scheduler.web.problems import RESPONSES, Problem, not_found
from forbear_chassis.postgres import UUID

FIRST_ERRORS = 20
STREAMED_BYTES_MAX = 1 << 40  # the setting import_bytes_max is checked while the body streams in
MEDIA_TYPES = {"text/csv": "csv", "application/x-ndjson": "ndjson", "application/ndjson": "ndjson"}
COLUMN_LIST = ", ".join(f"`{column.name}`{' (required)' if column.is_required else ''}" for column in COLUMNS)

router = APIRouter(prefix="/v1", tags=["borrowers"], responses=RESPONSES)


class RowError(BaseModel):
    """One thing that is wrong with one row."""

    line: int = Field(description="line of the file on which the row begins, from 1")
    field: str = Field(description="column, or `row`")
    mend: str = Field(description="how to mend it; never repeats the value")


class ImportReport(BaseModel):
    """How an import went, or goes."""

    import_id: uuid.UUID = Field(description="id of the import")
    state: Literal["running", "completed", "failed"] = Field(description="failed: the file could not be read on")
    rows_read: int = Field(description="rows of the file, header excluded")
    rows_created: int = Field(description="rows that were new")
    rows_changed: int = Field(description="rows that changed what was known")
    rows_unchanged: int = Field(description="rows that said what was known already")
    rows_rejected: int = Field(description="rows with errors; all others were kept")
    failure: str = Field(description="why the file could not be read on, empty otherwise")
    started_at: datetime = Field(description="when it began")
    finished_at: datetime | None = Field(description="when it ended")
    first_errors: list[RowError] = Field(
        description="the first errors; all of them: GET /v1/imports/{import_id}/errors"
    )


@router.post(
    "/borrowers:import",
    summary="Import a portfolio file",
    max_body_size=STREAMED_BYTES_MAX,
    description="Streams CSV (`text/csv`) or NDJSON (`application/x-ndjson`) in UTF-8, of any length. Good rows are "
    "kept, each bad row is reported with line, field and how to mend it. Importing the same file again changes "
    f"nothing. One row is one loan. Columns: {COLUMN_LIST}.",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                kind: {"schema": {"type": "string", "format": "binary"}} for kind in sorted(MEDIA_TYPES)
            },
        }
    },
)  # fmt: skip
async def import_borrowers(request: Request, api: Parts, caller: Writer, key: once.KeyHeader = None) -> ImportReport:
    """Import a portfolio file."""
    kind = MEDIA_TYPES.get(request.headers.get("content-type", "").partition(";")[0].strip().lower())
    if kind is None:
        raise Problem(415, "media-type", f"send Content-Type {' or '.join(sorted(set(MEDIA_TYPES)))}")
    import_id = UUID(uuid.uuid5(caller.tenant_id, f"import:{key or once.fresh_key()}").bytes)
    try:
        job = await api.import_borrowers.run(caller.tenant_id, import_id, kind, request.stream())
    except ImportRunning:
        raise once.running() from None
    except ImportChanged:
        raise once.changed() from None
    except UploadTooLarge:
        raise Problem(413, "too-large", "the file is larger than this service takes; split it") from None
    except TimeoutError:
        raise Problem(408, "timeout", "the upload stalled; send the file again, nothing is taken twice") from None
    return await _report(api, caller.tenant_id, job)


@router.get("/imports", summary="List the latest imports")
async def list_imports(api: Parts, caller: Reader) -> list[ImportReport]:
    """List the latest imports, newest first, running ones with their progress."""
    return [_to_report(job, []) for job in await api.imports.latest(caller.tenant_id)]


@router.get("/imports/{import_id}", summary="Show one import, with its progress while it runs")
async def show_import(import_id: uuid.UUID, api: Parts, caller: Reader) -> ImportReport:
    """Show one import."""
    job = await api.imports.find(caller.tenant_id, UUID(import_id.bytes))
    if job is None:
        raise not_found()
    return await _report(api, caller.tenant_id, job)


@router.get(
    "/imports/{import_id}/errors",
    summary="Stream all errors of an import as NDJSON",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/x-ndjson": {}}, "description": "One object a line: line, field, mend."}},
)
async def stream_errors(import_id: uuid.UUID, api: Parts, caller: Reader) -> StreamingResponse:
    """Stream all errors of an import."""
    if await api.imports.find(caller.tenant_id, UUID(import_id.bytes)) is None:
        raise not_found()
    lines = _error_lines(api, caller.tenant_id, UUID(import_id.bytes))
    return StreamingResponse(lines, media_type="application/x-ndjson")


async def _error_lines(api: Api, tenant_id: UUID, import_id: UUID) -> AsyncIterator[bytes]:
    after = (0, "")
    while faults := await api.imports.faults(tenant_id, import_id, after):
        yield b"".join(orjson.dumps(fault._asdict()) + b"\n" for fault in faults)
        if len(faults) < ERRORS_A_PAGE:
            return
        after = faults[-1][:2]


async def _report(api: Api, tenant_id: UUID, job: Job) -> ImportReport:
    faults = await api.imports.faults(tenant_id, job.import_id)
    return _to_report(job, [RowError(**fault._asdict()) for fault in faults[:FIRST_ERRORS]])


def _to_report(job: Job, errors: list[RowError]) -> ImportReport:
    return ImportReport(
        import_id=job.import_id, state=job.state, failure=job.failure, started_at=job.started_at,  # type: ignore[arg-type]
        finished_at=job.finished_at, first_errors=errors, **job.counts,
    )  # fmt: skip
