"""Who calls: API keys by bearer token. Every request finds the application's parts here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from contact_scheduler.credentials import Caller, digest
from contact_scheduler.web.problems import Problem
from forbear_chassis.clock import Clock
from forbear_chassis.postgres import Pool

if TYPE_CHECKING:
    from contact_scheduler.erase_borrower import EraseBorrower
    from contact_scheduler.evaluate_campaign import EvaluateCampaign
    from contact_scheduler.explain_contact import ExplainContact
    from contact_scheduler.import_borrowers import ImportBorrowers
    from contact_scheduler.learning.worth import Costs
    from contact_scheduler.manage_campaigns import ManageCampaigns
    from contact_scheduler.manage_policy import ManagePolicy
    from contact_scheduler.record_number_checks import RecordNumberChecks
    from contact_scheduler.record_payments import RecordPayments
    from contact_scheduler.rehearse_campaign import RehearseCampaign
    from contact_scheduler.report_campaign import ReportCampaign
    from contact_scheduler.store.borrowers import BorrowerStore
    from contact_scheduler.store.campaigns import CampaignStore
    from contact_scheduler.store.imports import ImportStore
    from contact_scheduler.store.tenants import TenantStore
    from contact_scheduler.what_if import AskWhatIf
    from forbear.dispatcher.v1.control_service_pb2_grpc import ControlServiceAsyncStub
    from forbear.tracker.v1.tracker_service_pb2_grpc import TrackerServiceAsyncStub

bearer = HTTPBearer(auto_error=False, description="An API key of the tenant, made by `create-tenant`.")


@dataclass(frozen=True, slots=True)
class Api:
    """What the routes call."""

    pool: Pool
    clock: Clock
    tenants: TenantStore
    imports: ImportStore
    campaigns: CampaignStore
    borrowers: BorrowerStore
    import_borrowers: ImportBorrowers
    manage_campaigns: ManageCampaigns
    manage_policy: ManagePolicy
    erase_borrower: EraseBorrower
    record_payments: RecordPayments
    record_number_checks: RecordNumberChecks
    report: ReportCampaign
    evaluate: EvaluateCampaign
    explain: ExplainContact
    control: ControlServiceAsyncStub
    rehearse: RehearseCampaign
    tracker: TrackerServiceAsyncStub
    watch_clocks: Callable[[], None]  # wakes whoever watches the clocks of mortgages
    costs: Costs
    what_if: AskWhatIf


def find_api(request: Request) -> Api:
    """Return the parts of the application that answers."""
    api: Api = request.app.state.api
    return api


Parts = Annotated[Api, Depends(find_api)]


async def find_caller(
    api: Parts, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> Caller:
    """Return whose key came with the request."""
    caller = await api.tenants.find_caller(digest(credentials.credentials)) if credentials is not None else None
    if caller is None:
        raise Problem(401, "unauthenticated", "send a valid API key as `Authorization: Bearer <key>`")
    return caller


def _with_scope(scope: str, caller: Caller) -> Caller:
    if scope not in caller.scopes:
        raise Problem(403, "forbidden", f"this key lacks the scope {scope!r}; use one that has it")
    return caller


async def find_reader(caller: Annotated[Caller, Depends(find_caller)]) -> Caller:
    """Return the caller if the key may read."""
    return _with_scope("read", caller)


async def find_writer(caller: Annotated[Caller, Depends(find_caller)]) -> Caller:
    """Return the caller if the key may import and run campaigns."""
    return _with_scope("write", caller)


async def find_payer(caller: Annotated[Caller, Depends(find_caller)]) -> Caller:
    """Return the caller if the key may report payments."""
    return _with_scope("payments", caller)


async def find_case_worker(caller: Annotated[Caller, Depends(find_caller)]) -> Caller:
    """Return the caller if the key is that of a person who may read borrowers' words and act on cases."""
    return _with_scope("cases", caller)


Reader = Annotated[Caller, Depends(find_reader)]
Writer = Annotated[Caller, Depends(find_writer)]
Payer = Annotated[Caller, Depends(find_payer)]
CaseWorker = Annotated[Caller, Depends(find_case_worker)]
