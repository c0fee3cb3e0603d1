"""What the import says of each cell and row: a table of bad rows, and the fast paths beside the slow ones."""

from __future__ import annotations

import uuid
from datetime import date

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contact_scheduler.portfolio.check import RowChecker, make_id
from contact_scheduler.portfolio.columns import NAMES
from contact_scheduler.portfolio.derive import derive_place, derive_points, to_minor
from contact_scheduler.portfolio.phones import Bad, parse_phone
from contact_scheduler.portfolio.places import load_atlas
from contact_scheduler.portfolio.reading import CsvReader, FileRefused, NdjsonReader, Record
from forbear.types.v1 import types_pb2
from forbear_domain import ids
from forbear_domain.model import address_key
from forbear_domain.policy import AddressKind

TENANT = uuid.UUID(int=7)
TODAY = date(2026, 3, 2)
GOOD = {
    "borrower_ref": "B1", "loan_ref": "L1", "given_name": "Ana", "language": "en", "country": "US", "region": "MA",
    "postal_code": "02134", "mobile": "+16175550123", "email": "ana@example.com", "sms_consent_on": "2025-01-31",
    "product": "mortgage", "currency": "USD", "balance": "180000.00", "past_due": "1350.5", "past_due_days": "20",
}  # fmt: skip


def check(**changes: str):
    """Check one row that differs from a good one."""
    cells = [(GOOD | changes).get(name, "") for name in NAMES]
    return RowChecker(TENANT.bytes, TODAY).check([Record(2, cells)])


BAD_CELLS = [
    ("borrower_ref", ""), ("borrower_ref", "a b"), ("borrower_ref", "x" * 65), ("loan_ref", "'; DROP TABLE loan"),
    ("language", "fr"), ("language", "EN"), ("country", "DE"), ("region", "XX"), ("region", "Massachusetts"),
    ("postal_code", "2134"), ("postal_code", "0213A"), ("time_zone", "Boston"), ("time_zone", "../etc/passwd"),
    ("mobile", "12345"), ("mobile", "+1 800 555 0123"), ("mobile", "+49 30 123456"), ("mobile", "+11115550123"),
    ("landline", "none"), ("email", "ana"), ("email", "a@b"), ("email", "a b@example.com"),
    ("email", "a@-x.example.com"),
    ("email", "a@example.com, b@example.com"), ("sms_consent_on", "31.01.2025"), ("sms_consent_on", "2025-02-30"),
    ("sms_consent_on", "2026-03-03"), ("voice_consent_on", "yes"), ("product", "lease"), ("currency", "usd"),
    ("balance", "-1"), ("balance", "1,000.00"), ("balance", "$5"), ("balance", "NaN"), ("balance", "1e9"),
    ("past_due", "180000.01"), ("past_due", "1.234"), ("instalment", "ten"), ("past_due_days", "-1"),
    ("past_due_days", "3.5"), ("past_due_days", "99999"), ("monthly_income", "lots"), ("employment", "astronaut"),
    ("missed_payments_12m", "13"), ("regional_unemployment", "101"), ("preferred_channel", "fax"),
    ("reminder_promised", "maybe"), ("reminder_promised", "Yes"),
    ("circumstances", "pregnant"), ("circumstances", "hardship,disputed"), ("circumstances", "hardship;hardship"),
    ("circumstances", "hardship;"), ("circumstances", "none;hardship"),
    ("given_name", "<b>Ana</b>"), ("given_name", "x" * 81), ("given_name", "Ana\x07"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), BAD_CELLS)
def test_a_bad_cell_is_told_by_field_and_never_repeated(name: str, value: str) -> None:
    """Each bad cell is exactly one fault of its row, with a way to mend it and without its value."""
    checked = check(**{name: value})

    assert [] == checked.rows
    assert [(2, name)] == [(fault.line, fault.field) for fault in checked.faults]
    assert len(checked.faults[0].mend) > 10
    assert len(value) < 4 or value not in checked.faults[0].mend


def test_the_same_row_without_the_bad_cell_is_good() -> None:
    """The twin of every case above."""
    checked = check()

    assert [] == checked.faults
    assert ("+16175550123", "02134", date(2025, 1, 31)) == tuple(
        checked.rows[0][name] for name in ("mobile", "postal_code", "sms_consent_on")
    )


def test_a_row_without_any_address_is_told() -> None:
    """A borrower whom nothing reaches cannot be served."""
    assert "mobile" == check(mobile="", email="").faults[0].field


def test_all_bad_cells_of_a_row_are_told_at_once() -> None:
    """Whoever mends a file wants to mend it once."""
    assert {"mobile", "email", "balance"} == {f.field for f in check(mobile="x", email="x", balance="x").faults}


@given(st.sampled_from(["borrower", "loan"]), st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1))
def test_ids_are_those_of_the_domain(kind: str, reference: str) -> None:
    """The fast way of naming gives the same ids as forbear_domain.ids."""
    expected = {"borrower": ids.borrower_id, "loan": ids.loan_id}[kind](TENANT, reference)

    assert expected == uuid.UUID(bytes=make_id(TENANT.bytes, f"{kind}:{reference}").bytes)


@settings(max_examples=300)
@given(st.integers(200, 999), st.integers(200, 999), st.integers(0, 9999))
def test_the_fast_path_of_phone_numbers_agrees_with_the_library(area: int, exchange: int, line: int) -> None:
    """Whatever spelling is taken without the library is a valid number of a person by the library too."""
    text = f"+1{area}{exchange}{line:04d}"
    number = phonenumbers.parse(text, None)
    kinds = phonenumbers.PhoneNumberType
    is_personal = phonenumbers.is_valid_number(number) and phonenumbers.number_type(number) in (
        kinds.FIXED_LINE_OR_MOBILE, kinds.FIXED_LINE, kinds.MOBILE
    )  # fmt: skip

    assert is_personal == (not isinstance(parse_phone(text), Bad))


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [("1350.5", "USD", 135050), ("0", "USD", 0), ("12", "JPY", 12), ("12.34", "JPY", 12), ("1.5", "KWD", 1500)],
)
def test_amounts_become_minor_units_exactly(amount: str, currency: str, minor: int) -> None:
    """No float is involved; digits that a currency does not have are dropped."""
    assert minor == to_minor(amount, currency)


@pytest.mark.parametrize(
    ("changes", "zones"),
    [
        ({}, ["America/New_York"]),
        ({"mobile": "+13035550123"}, ["America/New_York", "America/Denver"]),
        ({"time_zone": "Pacific/Honolulu"}, ["Pacific/Honolulu", "America/New_York"]),
        ({"postal_code": "", "region": "TX", "mobile": ""}, ["America/Chicago", "America/Denver"]),
        ({"postal_code": "10001", "region": "CA", "mobile": ""}, ["America/New_York", "America/Los_Angeles"]),
        ({"postal_code": "", "region": ""}, ["", "America/New_York"]),
    ],
)
def test_evidence_of_a_place_is_joined_never_chosen(changes: dict[str, str], zones: list[str]) -> None:
    """Conflicting evidence adds zones; no address at all adds the empty one, which means no contact."""
    place = derive_place(check(**changes).rows[0], load_atlas())

    assert zones == place.zones


def test_contact_points_carry_what_the_gate_needs() -> None:
    """Address, kind, language, consent and places are in the stored bytes; without consent a landline is called."""
    row = check(landline="+16175550199").rows[0]
    points = derive_points(row, derive_place(row, load_atlas()), bytes(16))
    recipients = [types_pb2.Recipient.FromString(point.recipient) for point in points]

    assert [1, 2, 3] == [point.channel for point in points]
    assert [True, False, False] == [recipient.consented for recipient in recipients]
    assert ["mobile", "email", "landline"] == [recipient.address_kind for recipient in recipients]
    assert ["mobile", "email", "landline"] == [list(AddressKind)[point.address_kind] for point in points]
    assert [address_key(bytes(16), recipient.address) for recipient in recipients] == [
        point.address_key for point in points
    ]
    assert {"US-MA"} == {place.region for place in recipients[0].places}


@settings(max_examples=200)
@given(st.lists(st.integers(1, 40)), st.booleans())
def test_records_do_not_depend_on_how_the_file_is_cut(cuts: list[int], is_windows: bool) -> None:
    """Chunks of any size give the same records with the same line numbers, quoted line breaks included."""
    end = "\r\n" if is_windows else "\n"
    header = "loan_ref,borrower_ref,language,country,product,currency,balance,past_due,past_due_days,given_name"
    row = 'L{0},B{0},en,US,mortgage,USD,10,5,3,"J{1}, ""{0}"""'
    body = end.join([header, row.format(1, "o\u00e9"), "", row.format(2, "\n"), row.format(3, "x"), ""]).encode()
    whole, cut = CsvReader(), CsvReader()
    expected = whole.feed(body) + whole.finish()
    records, at = [], 0
    for size in [*cuts, len(body)]:
        records += cut.feed(body[at : at + size])
        at += size
    records += cut.finish()

    assert expected == records
    assert [2, 4, 6] == [record.line for record in records]
    assert 'J\n, "2"' == (records[1].cells or [])[NAMES.index("given_name")]


def test_an_endless_quotation_does_not_fill_the_memory() -> None:
    """A quote that is opened and never closed is refused with its line once 64 KiB are held."""
    reader = CsvReader()
    header = "loan_ref,borrower_ref,language,country,product,currency,balance,past_due,past_due_days\n"
    with pytest.raises(FileRefused) as refused:
        reader.feed((header + '"' + "x\n" * 40_000).encode())

    assert (2, "quotes") == (refused.value.line, refused.value.field)


def test_an_endless_line_does_not_fill_the_memory() -> None:
    """A line of more than 64 KiB is refused."""
    with pytest.raises(FileRefused, match="longer"):
        NdjsonReader().feed(b"x" * 100_000)
