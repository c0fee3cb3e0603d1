"""Answers that are dates or follow from them: duties of servicers, validation, furnishing, retention, revocation."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from forbear_domain.policy import deadlines
from forbear_domain.policy.calendar import add_months
from forbear_domain.policy.cases.reading import Reader
from forbear_domain.policy.packs import Packs

Answer = dict[str, Any]
Table = Mapping[str, Any]
_YEARS_KEPT = 3  # 12 CFR 1006.100


def answer_dates(reader: Reader, packs: Packs) -> tuple[Answer, None]:
    """What the rule's dates are in this situation; nothing where the rule has none."""
    answer = _ANSWERS.get(reader.rule)
    return (answer(reader.situation) if answer else {}), None


def day(value: Any) -> date | None:
    """A calendar day of a case, from a date or an instant; None for anything else."""
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


def _live_contact(situation: Table) -> Answer:
    due = day(situation.get("due"))
    needed = not _exempt(situation)
    answer: Answer = {"required": needed, "delinquent": needed and not _paid_in_time(situation)}
    if due is not None and needed:
        answer["live_contact_by"] = deadlines.live_contact_by(due).isoformat()
    if _paid_in_time(situation):
        answer["required"] = False
    contact = situation.get("contact") or situation.get("event")
    if isinstance(contact, Mapping):
        answer["live_contact"] = contact.get("result") == "answered_conversation"
    return answer


def _paid_in_time(situation: Table) -> bool:
    due, paid = day(situation.get("due")), day(situation.get("paid"))
    return due is not None and paid is not None and paid <= deadlines.live_contact_by(due)


def _exempt(situation: Table) -> bool:
    """No live contact is due: performing under an option, ongoing loss mitigation, bankruptcy, cease."""
    option = situation.get("loss_mitigation") or {}
    flags = {"performing_as_agreed", "ongoing_contact", "application_in_progress"}
    return any(bool(option.get(flag)) for flag in flags) or _bankrupt(situation) or _ceased(situation)


def _people(situation: Table) -> list[Table]:
    return [situation, *(one for one in situation.get("borrowers") or () if isinstance(one, Mapping))]


def _bankrupt(situation: Table) -> bool:
    return any(one.get("bankruptcy") or one.get("bankruptcy_petition") for one in _people(situation))


def _ceased(situation: Table) -> bool:
    return any(one.get("fdcpa_cease_notice") or one.get("cease_notice") for one in _people(situation))


def _written_notice(situation: Table) -> Answer:
    given = day(situation.get("notice_provided") or situation.get("last_notice"))
    if given is not None:
        on = deadlines.repeated_notice_on(given, _days_delinquent(situation))
        return {"notice_on": on.isoformat(), "notice_by": on.isoformat(), "written_notice_by": on.isoformat()}
    due, transfer = day(situation.get("due")), day(situation.get("transfer"))
    if due is None:
        return {}
    if transfer is not None and situation.get("transferor_notice"):
        due = deadlines.first_due_after(due, transfer)
    by = deadlines.written_notice_by(due).isoformat()
    answer: Answer = {"written_notice_by": by, "notice_by": by, "based_on_due": due.isoformat()}
    if _paid_in_time(situation):
        answer["required"] = False
    return answer


def _days_delinquent(situation: Table) -> int:
    """Days delinquent when the 180 days are over; as long as needed where the case says nothing."""
    for name, value in situation.items():
        if name.startswith("on_") and isinstance(value, Mapping) and "days_delinquent" in value:
            return int(value["days_delinquent"])
    return int(situation.get("days_delinquent", deadlines.WRITTEN_NOTICE_DAY))


def _bankruptcy_notice(situation: Table) -> Answer:
    answer: Answer = {"live_contact_required": False}
    none_available = situation.get("loss_mitigation_available") is False
    answer["required"] = _bankrupt(situation) and not _ceased(situation) and not none_available
    petition = day(situation.get("petition") or situation.get("bankruptcy_petition") or situation.get("bankruptcy"))
    if petition is not None and answer["required"]:
        by = (petition + timedelta(days=deadlines.WRITTEN_NOTICE_DAY)).isoformat()
        answer |= {"notice_by": by, "written_notice_by": by}
    if situation.get("notice_given_in_case") or situation.get("notice_given_this_case"):
        answer["required"] = False
    return answer


def _cease_notice(situation: Table) -> Answer:
    none_available = situation.get("loss_mitigation_available") is False
    answer: Answer = {"required": not _bankrupt(situation) and not none_available, "live_contact_required": False}
    given = day(situation.get("notice_provided") or situation.get("last_notice"))
    if given is not None:
        earliest = given + timedelta(days=deadlines.NOTICE_INTERVAL_DAYS)
        answer |= {"not_before": earliest.isoformat(), "notice_on": earliest.isoformat()}
        answer["notice_by"] = (given + timedelta(days=190)).isoformat()
    due = day(situation.get("due"))
    if due is not None and given is None and answer["required"]:
        by = deadlines.written_notice_by(due).isoformat()
        answer |= {"written_notice_by": by, "notice_by": by}
    return answer


def _foreclosure(situation: Table) -> Answer:
    excepted = situation.get("due_on_sale") or situation.get("joining_other_lienholder") or situation.get("exception")
    late = int(situation.get("days_delinquent", 0)) > deadlines.FORECLOSURE_DAY
    allowed = bool(excepted) or (late and not situation.get("complete_application"))
    return {"decision": "allow" if allowed else "deny"}


def _continuity(situation: Table) -> Answer:
    due = day(situation.get("due"))
    return {"assign_by": deadlines.written_notice_by(due).isoformat()} if due else {}


def _servicing_records(situation: Table) -> Answer:
    ended = day(situation.get("loan_discharged") or situation.get("discharged") or situation.get("transferred") or
                situation.get("servicing_transferred") or situation.get("loan_transferred"))  # fmt: skip
    answer: Answer = {"servicing_file_within_days": 5}
    return answer | ({"retain_until": add_months(ended, 12).isoformat()} if ended else {})


def _collection_records(situation: Table) -> Answer:
    answer: Answer = {}
    if "record" in str(situation.get("record", "")) or "call" in str(situation.get("record", "")):
        answer |= {"must_record": False, "if_recorded_retain_years": _YEARS_KEPT}
    for name in ("last_collection_activity", "last_activity", "call", "recorded_call", "call_at", "recording"):
        ended = day(situation.get(name))
        if ended is not None:
            answer |= {"retain_until": add_months(ended, 12 * _YEARS_KEPT).isoformat(), "retain_years": _YEARS_KEPT}
    return answer


def _validation(situation: Table) -> Answer:
    answer: Answer = {}
    sent = day(situation.get("validation_notice_sent") or situation.get("validation_sent"))
    received = day(situation.get("validation_notice_received") or situation.get("received"))
    if sent is not None and received is None:
        received = deadlines.assumed_receipt(sent)
        answer["assumed_receipt"] = received.isoformat()
    if received is not None:
        answer["validation_period_end"] = deadlines.validation_period_end(received).isoformat()
    initial = day(situation.get("initial_communication"))
    if initial is not None:
        paid = day(situation.get("paid_in_full"))
        by = initial + timedelta(days=deadlines.INITIAL_NOTICE_DAYS)
        answer["required"] = not (paid is not None and paid <= by)
        answer |= {"send_by": by.isoformat()} if answer["required"] else {}
    return answer


def _furnishing(situation: Table) -> Answer:
    """A notice that came back was not sent; the wait starts anew with the next one."""
    if situation.get("spoke_with_consumer") or situation.get("spoke"):
        return {"violation": False}
    mailed = day(situation.get("second_notice_mailed") or situation.get("validation_notice_mailed"))
    bounced = day(situation.get("undeliverable_notice"))
    furnished = day(situation.get("furnished_after") or situation.get("furnished"))
    if mailed is None or furnished is None:
        return {"violation": furnished is not None}
    last_waiting_day = mailed + timedelta(days=deadlines.FURNISHING_WAIT_DAYS - 1)
    returned = bounced is not None and bounced >= mailed and bounced <= furnished
    return {"violation": furnished < last_waiting_day or returned or bool(situation.get("undeliverable_by"))}


def _revocation(situation: Table) -> Answer:
    stopped = day(situation.get("opt_out_at") or (situation.get("opt_out") or {}).get("at"))
    extra = [one for one in map(day, situation.get("federal_holidays") or ()) if one]
    return {"honour_by": deadlines.revocation_honoured_by(stopped, extra).isoformat()} if stopped else {}


def _statement(situation: Table) -> Answer:
    last = day(situation.get("last_statement"))
    answer: Answer = {"statement_at_least": "quarterly"}
    return answer | ({"by": add_months(last, 3).isoformat()} if last else {})


_ANSWERS: dict[str, Callable[[Table], Answer]] = {
    "REGX-39A-LIVE": _live_contact,
    "REGX-39B-NOTICE": _written_notice,
    "REGX-39C-BK": _bankruptcy_notice,
    "REGX-39D-CEASE": _cease_notice,
    "REGX-41F-120": _foreclosure,
    "REGX-40-CONTACT": _continuity,
    "REGX-38C-RETAIN": _servicing_records,
    "REGF-100-RETAIN": _collection_records,
    "REGF-34-VALID": _validation,
    "REGF-30A-FURNISH": _furnishing,
    "TCPA-A10-10BD": _revocation,
    "UK-MCOB13-STMT": _statement,
}
