"""The Lookup API for reassigned numbers, as Twilio shapes it, over a database that answers as that of the FCC does.

"yes" where the number was disconnected for good on or after the date given, "no" where it was not, "no data" where the
date lies before the database begins (FCC DA 21-1649) or nobody ever had the number.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from urllib.parse import unquote

from forbear_sandbox.people import People
from forbear_sandbox.twilio_rules import ApiError, not_found

LOOKUPS = "/v2/PhoneNumbers/"
FIELD = "reassigned_number"
BEGINS_ON = date(2021, 1, 27)


def look_up(number: str, query: Mapping[str, str], people: People | None) -> dict[str, object]:
    """Answer `GET /v2/PhoneNumbers/{number}?Fields=reassigned_number&LastVerifiedDate=YYYYMMDD`."""
    phone = unquote(number)
    if not phone.startswith("+1") or not phone[1:].isdecimal():
        raise not_found(LOOKUPS)
    answer = {"phone_number": phone, "valid": True, FIELD: None}
    if FIELD in query.get("Fields", "").split(","):
        since = _day(query.get("LastVerifiedDate", ""))
        answer[FIELD] = {
            "last_verified_date": query["LastVerifiedDate"],
            "is_number_reassigned": _is_reassigned(phone, since, people),
            "error_code": None,
        }
    return answer


def _day(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 - a date, no instant
    except ValueError:
        raise ApiError(400, 60600, "Invalid LastVerifiedDate") from None


def _is_reassigned(phone: str, since: date, people: People | None) -> str:
    if people is None or not people.who(phone).borrower:
        return "no data"
    left_on = people.left_on(phone)
    if left_on is not None and since <= left_on:
        return "yes"
    return "no" if since >= BEGINS_ON else "no data"
