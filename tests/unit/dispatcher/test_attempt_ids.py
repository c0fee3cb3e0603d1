"""The short way to an attempt's id leads to the same id as the standard library's."""

from __future__ import annotations

from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from forbear_domain.ids import attempt_bytes, attempt_id


@given(contact=st.uuids(), number=st.integers(1, 10_000))
def test_an_attempt_is_named_by_version_five(contact: UUID, number: int) -> None:
    """RFC 9562, section 5.5, over the contact's id as namespace."""
    expected = uuid5(contact, f"attempt:{number}")

    assert expected.bytes == attempt_bytes(contact.bytes, number)
    assert expected == attempt_id(contact, number)
