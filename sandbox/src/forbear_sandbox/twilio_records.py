"""The messages and calls that the Twilio-shaped API holds, and the JSON it shows of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import TypeVar
from urllib.parse import urlencode

API = "2010-04-01"
PAGE_SIZE = 50
PAGE_SIZE_MAX = 1000
PAGE_MAX = 2**31 - 1


@dataclass(slots=True)
class Message:
    """One message, ours or a borrower's."""

    sid: str
    account: str
    to: str
    sender: str
    body: str
    parts: int
    created_at: datetime
    status: str
    direction: str = "outbound-api"
    service: str | None = None
    callback: str = ""
    validity_s: int = 36_000
    sent_at: datetime | None = None
    error_code: int | None = None
    updated_at: datetime | None = None

    @property
    def dated_at(self) -> datetime | None:
        """The instant that the list filters by."""
        return self.sent_at

    def view(self) -> dict[str, object]:
        """Return the JSON object."""
        uri = f"/{API}/Accounts/{self.account}/Messages/{self.sid}"
        return {
            "account_sid": self.account,
            "api_version": API,
            "body": self.body,
            "date_created": rfc2822(self.created_at),
            "date_sent": rfc2822(self.sent_at),
            "date_updated": rfc2822(self.updated_at or self.created_at),
            "direction": self.direction,
            "error_code": self.error_code,
            "error_message": None,
            "from": self.sender or None,
            "messaging_service_sid": self.service,
            "num_media": "0",
            "num_segments": str(self.parts),
            "price": None,
            "price_unit": "USD",
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": self.to,
            "uri": f"{uri}.json",
        }


@dataclass(slots=True)
class Call:
    """One call."""

    sid: str
    account: str
    to: str
    sender: str
    url: str
    twiml: str
    created_at: datetime
    status: str = "queued"
    callback: str = ""
    events: tuple[str, ...] = ()
    detects_machine: bool = False
    answered_by: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    duration_s: int = 0
    updated_at: datetime | None = None

    @property
    def dated_at(self) -> datetime | None:
        """The instant that the list filters by."""
        return self.started_at or self.created_at

    def view(self) -> dict[str, object]:
        """Return the JSON object."""
        uri = f"/{API}/Accounts/{self.account}/Calls/{self.sid}"
        is_over = self.ended_at is not None
        parts = ("notifications", "recordings", "payments", "events", "siprec", "streams", "transcriptions")
        return {
            "account_sid": self.account,
            "annotation": None,
            "answered_by": self.answered_by,
            "api_version": API,
            "caller_name": None,
            "date_created": rfc2822(self.created_at),
            "date_updated": rfc2822(self.updated_at or self.created_at),
            "direction": "outbound-api",
            "duration": str(self.duration_s) if is_over else None,
            "end_time": rfc2822(self.ended_at),
            "forwarded_from": None,
            "from": self.sender,
            "from_formatted": national(self.sender),
            "group_sid": None,
            "parent_call_sid": None,
            "phone_number_sid": None,
            "price": None,
            "price_unit": "USD",
            "queue_time": "0",
            "sid": self.sid,
            "start_time": rfc2822(self.started_at),
            "status": self.status,
            "subresource_uris": {part: f"{uri}/{part.capitalize()}.json" for part in parts},
            "to": self.to,
            "to_formatted": national(self.to),
            "trunk_sid": None,
            "uri": f"{uri}.json",
        }


R = TypeVar("R", Message, Call)


class Shelf(dict[str, R]):
    """Records by SID, the oldest dropped beyond `limit`, and an index by the number they went to."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit
        self._by_number: dict[str, list[str]] = {}

    def put(self, record: R) -> None:
        """Keep a record."""
        self[record.sid] = record
        self._by_number.setdefault(record.to, []).append(record.sid)
        if len(self) > self._limit:
            self.drop(next(iter(self)))

    def drop(self, sid: str) -> None:
        """Forget a record."""
        record = self.pop(sid)
        sids = self._by_number[record.to]
        sids.remove(sid)
        if not sids:
            del self._by_number[record.to]

    def newest_first(self, to: str | None) -> Iterator[R]:
        """Yield the records that went to a number, or all."""
        sids = list(self) if to is None else self._by_number.get(to, [])
        return (self[sid] for sid in reversed(sids))


def page(records: Shelf[R], query: Mapping[str, str], path: str, *, kind: str, dated: str) -> dict[str, object]:
    """Return one page of a list, filtered as the query says: To, From, Status and the instant, newest first.

    Raises ValueError for a page, a size or an instant that is none.
    """
    size = min(PAGE_SIZE_MAX, _whole(query.get("PageSize") or PAGE_SIZE, at_least=1))
    number = _whole(query.get("Page") or 0, at_least=0)
    found = [record for record in records.newest_first(query.get("To")) if _fits(record, query, dated)]
    shown = found[number * size : (number + 1) * size]
    has_more = len(found) > (number + 1) * size

    def uri(index: int) -> str:
        return f"{path}?{urlencode({**query, 'PageSize': size, 'Page': index})}"

    return {
        kind: [record.view() for record in shown],
        "end": max(0, number * size + len(shown) - 1),
        "first_page_uri": uri(0),
        "next_page_uri": uri(number + 1) if has_more else None,
        "page": number,
        "page_size": size,
        "previous_page_uri": uri(number - 1) if number else None,
        "start": number * size,
        "uri": uri(number),
    }


def rfc2822(instant: datetime | None) -> str | None:
    """Return an instant as the API writes it."""
    return None if instant is None else format_datetime(instant)


def national(number: str) -> str:
    """Return a North American number the way people write it, any other unchanged."""
    digits = number.removeprefix("+1")
    return f"({digits[:3]}) {digits[3:6]}-{digits[6:]}" if number.startswith("+1") and len(digits) == 10 else number


def _whole(value: str | int, *, at_least: int) -> int:
    number = int(value)
    if not at_least <= number <= PAGE_MAX:
        raise ValueError("not a page")
    return number


def _fits(record: Message | Call, query: Mapping[str, str], dated: str) -> bool:
    if query.get("From") and record.sender != query["From"]:
        return False
    if query.get("Status") and record.status != query["Status"]:
        return False
    return all(_fits_date(record.dated_at, query.get(dated + sign), sign) for sign in ("", "<", ">"))


def _fits_date(instant: datetime | None, limit: str | None, sign: str) -> bool:
    if not limit:
        return True
    if instant is None:
        return False
    bound = datetime.fromisoformat(limit)
    if bound.tzinfo is None:
        bound = bound.replace(tzinfo=instant.tzinfo)
    # "DateSent>=2026-03-02" arrives as the parameter "DateSent>": both bounds include the instant itself.
    if sign == ">":
        return instant >= bound
    if sign == "<":
        return instant <= bound
    return instant.date() == bound.date()
