"""The form that goes to Twilio is the one that the standard library would write."""

from __future__ import annotations

from urllib.parse import urlencode

from hypothesis import given
from hypothesis import strategies as st

from forbear_providers.twilio_http import encode_form

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.one_of(TEXTS, st.integers(), st.lists(TEXTS))


@given(fields=st.dictionaries(TEXTS, VALUES))
def test_a_form_is_encoded_as_the_standard_library_encodes_it(fields: dict[str, object]) -> None:
    """Whatever the texts, numbers and lists are."""
    encoded = encode_form(fields)

    assert urlencode(fields, doseq=True).encode() == encoded
