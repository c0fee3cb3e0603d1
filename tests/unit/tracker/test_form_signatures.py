"""The short signature check is the official one: the same bytes for every form that we can read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from response_tracker.forms import read_form
from response_tracker.http_app import sign

TOKEN = "a-token"


@given(
    st.lists(st.tuples(st.binary(max_size=8), st.binary(max_size=12)), max_size=8), st.text("abc/?=&:%é", max_size=20)
)
def test_a_form_is_signed_as_the_official_validator_signs_it(fields: list[tuple[bytes, bytes]], path: str) -> None:
    """Odd bytes, empty names, fields given twice: what was read is signed alike, and checked as authentic."""
    form = read_form(b"&".join(name + b"=" + value for name, value in fields))
    url = f"https://tracker.example.com/{path}"
    official = RequestValidator(TOKEN)

    made = sign(TOKEN.encode(), url, form)

    assert official.compute_signature(url, form).encode() == made
    assert official.compute_signature(url, dict(form)).encode() == made
