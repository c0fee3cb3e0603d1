"""`/v1/policy`: a tenant's own, stricter rules, as one text of the form of our packs; never looser than law."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from contact_scheduler.credentials import Caller
from contact_scheduler.manage_policy import check
from contact_scheduler.store import policies
from contact_scheduler.store.policies import PolicyVersion
from contact_scheduler.web.access import Parts, Reader, Writer
from contact_scheduler.web.problems import RESPONSES, FieldError, Problem, invalid, not_found
from forbear_domain.policy import PackError, Rule, TenantPolicy, policy_digest
from forbear_domain.policy.tenant_policy import TEXT_BYTES_MAX

MEDIA_TYPE = "application/toml"
TEXT = {"schema": {"type": "string", "maxLength": TEXT_BYTES_MAX}}
BODY: dict[str, Any] = {"requestBody": {"required": True, "content": {MEDIA_TYPE: TEXT}}}
VERSION_MAX = 2**63 - 1

router = APIRouter(prefix="/v1/policy", tags=["policy"], responses=RESPONSES)


class RuleView(BaseModel):
    """One rule of the tenant's own."""

    id: str = Field(description="id of the rule, as verdicts name it")
    kind: str = Field(description="kind of limit")
    outcome: str = Field(description="what it does when it fires: not_before, flag or refuse")
    summary: str = Field(description="the rule in words")
    source: str = Field(description="who decided it")
    effective_from: date | None = Field(description="first day; absent: always")
    effective_to: date | None = Field(description="last day; absent: for good")


class PolicyView(BaseModel):
    """One version of the tenant's own rules."""

    version: int = Field(description="number of the version, from 1; 0: the tenant never wrote rules")
    state: Literal["none", "pending", "in_force", "replaced"] = Field(
        description="pending: stored, plans are made under it, and the dispatcher has still to confirm it"
    )
    label: str = Field(description="what verdicts and permits call it; empty where it withdraws all rules")
    digest: str = Field(description="SHA-256 of the text")
    put_by: str = Field(description="name of the API key that put it")
    put_at: datetime | None = Field(description="when it was put")
    in_force_at: datetime | None = Field(description="since when every permit is under it")
    rules: list[RuleView] = Field(description="its rules")
    text: str = Field(description="the text as it was put")


class CheckView(BaseModel):
    """What a text would come to."""

    rules: list[RuleView] = Field(description="its rules")
    cases: int = Field(description="worked cases that were run and hold")


@router.get("", summary="Show the tenant's own rules")
async def show_policy(api: Parts, caller: Reader) -> PolicyView:
    """Show the newest version, in force or pending."""
    newest = await policies.latest(api.pool, caller.tenant_id)
    return NEVER_WRITTEN if newest is None else to_view(newest, newest.version)


@router.put(
    "",
    summary="Put the tenant's own rules",
    description="Takes rules as TOML of the form of our packs (`forbear policy packs`). They can only be stricter than "
    "law. Its worked cases are run; a text that fails is refused by line, and nothing changes. The same text again "
    "changes nothing. Try it on the past first: `forbear policy simulate`.",
    openapi_extra=BODY,
)
async def put_policy(request: Request, api: Parts, caller: Writer) -> PolicyView:
    """Store a new version and hand it over."""
    text = await _text_of(request)
    if not text.strip():
        raise invalid([FieldError(field="body", mend="send rules as TOML; DELETE /v1/policy withdraws them")])
    return await _put(api, caller, text)


@router.delete("", summary="Withdraw the tenant's own rules")
async def withdraw_policy(api: Parts, caller: Writer) -> PolicyView:
    """Go back to the law and our defaults, as a version of its own."""
    newest = await policies.latest(api.pool, caller.tenant_id)
    return NEVER_WRITTEN if newest is None else await _put(api, caller, "")


@router.post(":check", summary="Check rules without putting them", openapi_extra=BODY)
async def check_policy(request: Request, caller: Reader) -> CheckView:
    """Read a text and run its worked cases; nothing is kept."""
    policy = _checked(await _text_of(request))
    return CheckView(rules=[_rule(one) for one in policy.rules], cases=len(policy.pack.cases))


@router.get("/versions", summary="List the versions")
async def list_versions(api: Parts, caller: Reader) -> list[PolicyView]:
    """List who put which rules when, newest first."""
    found = await policies.versions(api.pool, caller.tenant_id)
    return [to_view(one, found[0].version) for one in found]


@router.get("/versions/{version}", summary="Show one version")
async def show_version(version: int, api: Parts, caller: Reader) -> PolicyView:
    """Show one version."""
    one = await policies.find(api.pool, caller.tenant_id, version) if 0 < version <= VERSION_MAX else None
    newest = await policies.latest(api.pool, caller.tenant_id)
    if one is None or newest is None:
        raise not_found()
    return to_view(one, newest.version)


async def _put(api: Parts, caller: Caller, text: str) -> PolicyView:
    try:
        async with api.pool.acquire() as connection, connection.transaction():
            one = await api.manage_policy.put(connection, caller.tenant_id, text, caller.key_name, api.clock.now())
    except PackError as error:
        raise _problem(error) from None
    api.manage_policy.wake()
    return to_view(one, one.version)


async def _text_of(request: Request) -> str:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (MEDIA_TYPE, "text/plain"):
        raise invalid([FieldError(field="Content-Type", mend=f"send TOML as {MEDIA_TYPE}")])
    body = await request.body()
    if len(body) > TEXT_BYTES_MAX:
        raise Problem(413, "too-large", f"send at most {TEXT_BYTES_MAX} bytes")
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise invalid([FieldError(field="body", mend="send the text in UTF-8")]) from None


def _checked(text: str) -> TenantPolicy:
    try:
        return check(text)
    except PackError as error:
        raise _problem(error) from None


def _problem(error: PackError) -> Problem:
    field = f"line {error.line}" if error.line else "body"
    return invalid([FieldError(field=field, mend=error.what)])


def to_view(one: PolicyVersion, newest: int) -> PolicyView:
    """Show a version."""
    state: Literal["replaced", "pending", "in_force"] = "in_force" if one.in_force_at else "pending"
    rules = check(one.text, one.version).rules if one.text else ()
    return PolicyView(
        version=one.version, state=state if one.version == newest else "replaced", label=one.label,
        digest=policy_digest(one.text), put_by=one.put_by, put_at=one.put_at, in_force_at=one.in_force_at,
        rules=[_rule(rule) for rule in rules], text=one.text,
    )  # fmt: skip


def _rule(rule: Rule) -> RuleView:
    return RuleView(
        id=rule.id, kind=rule.kind, outcome=rule.outcome.name.lower(), summary=rule.summary, source=rule.source,
        effective_from=None if rule.effective_from == date.min else rule.effective_from,
        effective_to=None if rule.effective_to == date.max else rule.effective_to,
    )  # fmt: skip


NEVER_WRITTEN = PolicyView(
    version=0, state="none", label="", digest=policy_digest(""), put_by="", put_at=None, in_force_at=None, rules=[],
    text="",
)  # fmt: skip
