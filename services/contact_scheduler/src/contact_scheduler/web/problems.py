"""Errors as problem documents (RFC 9457): what is wrong, where, and how to mend it. Never with personal data."""

from __future__ import annotations

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from contact_scheduler.web.bodies import NUL, NUL_MEND
from forbear_chassis.worker import TRANSIENT

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
UNREADABLE = 400  # what FastAPI says of bytes that are no text
HEADERS = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "1"}}


class FieldError(BaseModel):
    """One field that cannot be used."""

    field: str = Field(description="path of the field, such as cadence.rest_days", examples=["cadence.rest_days"])
    mend: str = Field(description="how to mend it", examples=["input should be greater than or equal to 0.5"])


class ProblemDocument(BaseModel):
    """What every error answers."""

    type: str = Field(
        description="name of the kind of problem, for programs", examples=["urn:forbear:problem:validation"]
    )
    title: str = Field(description="the kind of problem, for people")
    status: int = Field(description="the HTTP status")
    detail: str = Field(description="what happened and how to mend it")
    errors: list[FieldError] = Field(default_factory=list, description="the fields concerned")


class Problem(Exception):
    """Ends a request with a problem document."""

    def __init__(self, status: int, kind: str, detail: str, errors: list[FieldError] | None = None) -> None:
        super().__init__(detail)
        self.document = ProblemDocument(
            type=f"urn:forbear:problem:{kind}", title=kind.replace("-", " "), status=status, detail=detail,
            errors=errors or [],
        )  # fmt: skip

    def response(self) -> JSONResponse:
        """Return the document as an answer."""
        return JSONResponse(
            self.document.model_dump(), self.document.status, HEADERS.get(self.document.status), MEDIA_TYPE
        )


def not_found() -> Problem:
    """Make the answer for everything that the caller's tenant does not have, whoever else may have it."""
    return Problem(404, "not-found", "there is no such resource in your tenant; check the id")


def unavailable(error: Exception) -> Problem:
    """Make the answer while something behind us, such as the database, does not answer: nothing was changed."""
    log.warning("request_deferred", error=type(error).__name__)
    return Problem(503, "unavailable", "a part behind this API does not answer; send the same request again in a while")


def install(app: FastAPI) -> None:
    """Answer every error of an application as a problem document."""

    async def on_transient(_: Request, error: Exception) -> JSONResponse:
        return unavailable(error).response()

    for kind in TRANSIENT:
        app.add_exception_handler(kind, on_transient)

    @app.exception_handler(Problem)
    async def on_problem(_: Request, error: Problem) -> JSONResponse:
        return error.response()

    @app.exception_handler(RequestValidationError)
    async def on_validation(_: Request, error: RequestValidationError) -> JSONResponse:
        return invalid([field_error(item) for item in error.errors()]).response()

    @app.exception_handler(HTTPException)
    async def on_http(_: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == UNREADABLE:
            return invalid([FieldError(field="body", mend="the body is not valid JSON in UTF-8")]).response()
        kinds = {404: "not-found", 405: "method-not-allowed", 413: "too-large"}
        return Problem(error.status_code, kinds.get(error.status_code, "http-error"), str(error.detail)).response()


def invalid(errors: list[FieldError]) -> Problem:
    """Make the answer for a request whose fields must be mended."""
    return Problem(422, "validation", "some fields cannot be used; mend them and send the request again", errors)


MENDS = {
    "missing": "is missing",
    "extra_forbidden": "there is no such field; leave it out, or look for a slip in its name",
    "uuid_parsing": "an id such as 6c46f95d-b730-590e-9f29-1691c6404fe4 is wanted",
    "timezone_aware": "write the time with its zone, such as 2026-03-02T09:00:00-05:00",
}


def field_error(item: Any) -> FieldError:
    """Name the field that an error of validation is about, and how to mend it."""
    path = [str(part) for part in item["loc"] if part not in ("body", "query", "path", "header")]
    if item["type"] == "json_invalid":
        return FieldError(field="body", mend="the body is not valid JSON")
    if item["type"] in MENDS:
        return FieldError(field=".".join(path) or "body", mend=MENDS[item["type"]])
    message = str(item["msg"]).removeprefix("Value error, ")
    return FieldError(field=".".join(path) or "body", mend=message[:1].lower() + message[1:])


async def refuse_nul(request: Request) -> None:
    """Refuse the character NUL in a path or a query: the database keeps no such text. Bodies do so themselves."""
    wrong = [name for name, value in (*request.path_params.items(), *request.query_params.items()) if NUL in str(value)]
    if wrong:
        raise invalid([FieldError(field=name, mend=NUL_MEND) for name in wrong])


RESPONSES: dict[int | str, dict[str, Any]] = {
    401: {"model": ProblemDocument, "description": "No or no valid API key."},
    403: {"model": ProblemDocument, "description": "The key may not do this."},
    404: {"model": ProblemDocument, "description": "The tenant has no such resource."},
    409: {"model": ProblemDocument, "description": "Not possible in the present state, or a twin of it runs now."},
    413: {"model": ProblemDocument, "description": "The body is too large."},
    422: {"model": ProblemDocument, "description": "Fields to mend."},
    503: {"model": ProblemDocument, "description": "A part behind the API does not answer; send it again."},
}
