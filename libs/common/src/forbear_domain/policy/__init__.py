"""The compliance engine: may this contact be made at this instant, and if not, why and when.

    packs = load_packs()                                               # once, at the start
    rules = rules_for(packs, facts.place.jurisdictions, now.date())    # cheap; cached by its arguments
    rules = with_tenant_policy(rules, tenant_policy)                   # optional, can only be stricter
    verdict = decide(facts, rules, now)                                # pure; `now` is an aware UTC datetime
    if not verdict.allowed:
        print(verdict.rule, verdict.why, verdict.not_before, verdict.source)

Facts for a text message to a borrower whose address says Boston and whose area code says Denver:

    facts = Facts(
        actor=Actor.COLLECTOR,
        channel=Channel.SMS,
        place=Place.from_evidence(
            Evidence("residential_address", frozenset({"America/New_York"}), frozenset({"US-MA"})),
            Evidence("mobile_area_code", frozenset({"America/Denver"}), frozenset({"US-CO"})),
        ),
        debts=(Debt("loan-1", kind="mortgage"),),
        address=Address("c0ffee", AddressKind.MOBILE),
        past=tuple(PastContact(at, Channel.SMS, debts=("loan-1",)) for at in sent_at),
        consents=(Consent(ConsentKind.SMS, agreed_at, address="c0ffee", fresh_at=checked_at),),
        suppressions=(Suppression(SuppressionKind.ADDRESS_OPT_OUT, stopped_at, address="c0ffee"),),
    )
"""

from forbear_domain.policy.closing import closes_at
from forbear_domain.policy.decide import decide
from forbear_domain.policy.facts import (
    Actor,
    Address,
    AddressKind,
    CallResult,
    Channel,
    Consent,
    ConsentKind,
    Debt,
    Delinquency,
    Direction,
    Evidence,
    Facts,
    Inconvenience,
    MessageMarks,
    PastContact,
    Place,
    Purpose,
    Recipient,
    ReplyToken,
    Route,
    Suppression,
    SuppressionKind,
)
from forbear_domain.policy.packs import PackError, Packs, load_packs, rules_for
from forbear_domain.policy.rules import Pack, Rule, RuleSet, Scope
from forbear_domain.policy.tenant_policy import TenantPolicy, policy_digest, read_tenant_policy, with_tenant_policy
from forbear_domain.policy.verdict import Finding, Outcome, Verdict

__all__ = [
    "Actor",
    "Address",
    "AddressKind",
    "CallResult",
    "Channel",
    "Consent",
    "ConsentKind",
    "Debt",
    "Delinquency",
    "Direction",
    "Evidence",
    "Facts",
    "Finding",
    "Inconvenience",
    "MessageMarks",
    "Outcome",
    "Pack",
    "PackError",
    "Packs",
    "PastContact",
    "Place",
    "Purpose",
    "Recipient",
    "ReplyToken",
    "Route",
    "Rule",
    "RuleSet",
    "Scope",
    "Suppression",
    "SuppressionKind",
    "TenantPolicy",
    "Verdict",
    "closes_at",
    "decide",
    "load_packs",
    "policy_digest",
    "read_tenant_policy",
    "rules_for",
    "with_tenant_policy",
]
