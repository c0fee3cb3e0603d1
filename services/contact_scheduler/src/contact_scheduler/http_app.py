"""The HTTP application: routes, errors, and limits that hold for every request."""

from __future__ import annotations

from typing import Any

from fastapi import Depends, FastAPI

from contact_scheduler.web import (
    borrower_pages,
    borrowers,
    brake,
    campaign_pages,
    campaigns,
    case_pages,
    cases,
    console,
    controls,
    disparity,
    disparity_pages,
    duties,
    erasure,
    evaluation,
    imports,
    notices,
    numbers,
    payments,
    policy,
    problems,
    questions,
    rehearsal,
    reports,
    strategies,
    unemployment,
)
from contact_scheduler.web.access import Api

PLAIN_JSON = "application/json"
BODY_BYTES_MAX = 2 * 1024 * 1024  # of every request but the streamed import

DESCRIPTION = """
Reaches borrowers who have fallen behind through the channel and at the hour they answer, kindly, lawfully and never
twice.

1. `POST /v1/borrowers:import` streams a portfolio file.
2. `POST /v1/campaigns`, then `POST /v1/campaigns/{id}:start`.
3. `GET /v1/campaigns/{id}/report` shows what it brings; `GET /v1/borrowers/{ref}/next-contact` explains each choice.
4. `POST /v1/payments` tells who paid; they are left in peace at once.
5. `GET /v1/cases` lists what people must take over, the earliest due first; `POST /v1/cases/{id}:close` ends one.
6. `PUT /v1/policy` adds stricter rules of your own, in the form of our packs; they hold in every plan and send.
7. `GET /v1/duties?at_risk=true` lists what the law asks for soon; `POST /v1/duties:report` tells what you have done.
8. `POST /v1/borrowers/{ref}:erase` deletes a borrower's personal data, and says until when law keeps the evidence.
9. `GET /v1/questions` lists borrowers whom nobody may contact until you answer, and what the next import must give.
10. `PUT /v1/unemployment` loads regional unemployment by month, which counts for what is offered.
11. `POST /v1/numbers:record` takes checks for reassigned numbers: a no keeps a consent to texts fresh, a yes bars.

Every request carries an API key: `Authorization: Bearer <key>`. Every error is a problem document (RFC 9457) that names
the field and how to mend it. Send an `Idempotency-Key` with every POST and repeat it freely: the first answer is kept.
"""


class Application(FastAPI):
    """Describes its errors under the media type that they have; FastAPI describes every model as plain JSON."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI description."""
        described = super().openapi()
        for operation in (one for item in described["paths"].values() for one in item.values()):
            for status, answer in operation["responses"].items():
                if status.startswith(("4", "5")) and PLAIN_JSON in answer["content"]:
                    answer["content"][problems.MEDIA_TYPE] = answer["content"].pop(PLAIN_JSON)
        return described


def make_app(api: Api) -> FastAPI:
    """Make the application."""
    app = Application(
        title="Forbear campaign API", version="1", description=DESCRIPTION, redoc_url=None, docs_url=None,
        max_body_size=BODY_BYTES_MAX, dependencies=[Depends(problems.refuse_nul)],
    )  # fmt: skip
    app.state.api = api
    problems.install(app)
    for part in (
        imports, borrowers, erasure, campaigns, rehearsal, controls, brake, policy, reports, disparity, evaluation,
        strategies, payments, cases, duties, questions, numbers, notices, unemployment, console, case_pages,
        campaign_pages, borrower_pages, disparity_pages,
    ):  # fmt: skip
        app.include_router(part.router)
    return app
