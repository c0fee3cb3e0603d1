"""States of a case that come from papers: notices of the consumer, disputes, moratoria."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from forbear_domain.policy.cases.vocabulary import LONG_AGO
from forbear_domain.policy.facts import Suppression, SuppressionKind

BREATHING_SPACE_DAYS = 60  # Debt Respite Scheme, standard moratorium
CRISIS_DAYS_AFTER_TREATMENT = 30
_ORAL = ("telephone", "phone", "oral", "voice", "call", "in_person", "verbal")
_PAPER = ("mail", "letter", "fax", "consumer_response_form", "form", "hand_delivered")
_KINDS = {
    "cease": SuppressionKind.CEASE,
    "refus": SuppressionKind.CEASE,
    "attorney": SuppressionKind.ATTORNEY,
    "bankrupt": SuppressionKind.BANKRUPTCY,
    "identity": SuppressionKind.IDENTITY_THEFT,
}


def noticed(notices: Iterable[Mapping[str, Any]], situation: Mapping[str, Any]) -> Iterable[Suppression]:
    """States from the consumer's notices: each holds from its receipt, a cease only if it is in writing."""
    for notice in notices:
        name = str(notice.get("kind", ""))
        if "opt_out" in name or "unsubscribe" in name or name == "stop":
            yield Suppression(SuppressionKind.ADDRESS_OPT_OUT, _since(notice), address=str(notice.get("address", "")))
            continue
        kind = next((kind for part, kind in _KINDS.items() if part in name), None)
        if kind is None or ("received" not in notice and "mailed" in notice) or notice.get("received", "") is None:
            continue
        if kind is not SuppressionKind.CEASE or in_writing(str(notice.get("medium", "mail")), situation):
            for debt in notice.get("debts") or [""]:
                yield Suppression(kind, _since(notice), debt=str(debt))


def in_writing(medium: str, situation: Mapping[str, Any]) -> bool:
    """Whether a notice by this medium is in writing: paper, or an electronic medium we accept messages by."""
    if any(word in medium for word in _ORAL) and "message" not in medium and "form" not in medium:
        return False
    if medium in _PAPER:
        return True
    accepted = situation.get("accepted_electronic_media")
    return accepted is None or any(one in medium for one in accepted)


def disputed(situation: Mapping[str, Any]) -> Iterable[Suppression]:
    """Written disputes within the validation period, until verification has been sent."""
    for dispute in situation.get("disputes") or ():
        if not stops_collection(dispute, situation):
            continue
        sent = dispute.get("verification_sent") or dispute.get("judgment_copy_sent")
        until = _instant(sent) if isinstance(sent, str) else None
        for debt in dispute.get("debts") or [dispute.get("debt", "")]:
            yield Suppression(SuppressionKind.DISPUTE, _instant(dispute["at"]), until, debt=str(debt))


def stops_collection(dispute: Mapping[str, Any], situation: Mapping[str, Any]) -> bool:
    """Whether a dispute forces collection to cease."""
    if dispute.get("verification_sent") is True or dispute.get("duplicative"):
        return False
    return bool(dispute.get("within_validation_period", True)) and in_writing(
        str(dispute.get("medium", "mail")), situation
    )


def moratorium_of(table: Mapping[str, Any]) -> Iterable[Suppression]:
    """A breathing space: sixty days, or in a mental health crisis the treatment and thirty days more."""
    if not table or table.get("notified") is False or table.get("ended") is True:
        return
    start = _instant(table["start"])
    end = table.get("end") or table.get("until")
    if end:
        until: datetime | None = _instant(end)
    elif "mental" in str(table.get("kind", "")) or "crisis" in str(table.get("kind", "")):
        treated = table.get("treatment_end") or table.get("treatment_ends")
        until = _instant(treated) + timedelta(days=CRISIS_DAYS_AFTER_TREATMENT + 1) if treated else None
    else:
        until = start + timedelta(days=BREATHING_SPACE_DAYS)
    yield Suppression(SuppressionKind.MORATORIUM, start, until)


def _since(notice: Mapping[str, Any]) -> datetime:
    text = notice.get("received") or notice.get("at")
    return _instant(text) if text else LONG_AGO


def _instant(text: Any) -> datetime:
    value = str(text)
    if len(value) == 10:
        return datetime.combine(date.fromisoformat(value), time(0), UTC)
    return datetime.fromisoformat(value).astimezone(UTC)
