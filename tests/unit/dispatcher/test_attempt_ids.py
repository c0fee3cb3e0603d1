"""The short way to the id of an attempt or an event leads to the same id as the standard library's."""

from __future__ import annotations

from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from forbear_domain.ids import NAMESPACE, attempt_bytes, attempt_id, event_id


@given(contact=st.uuids(), number=st.integers(1, 10_000))
def test_an_attempt_is_named_by_version_five(contact: UUID, number: int) -> None:
    """RFC 9562, section 5.5, over the contact's id as namespace."""
    expected = uuid5(contact, f"attempt:{number}")

    assert expected.bytes == attempt_bytes(contact.bytes, number)
    assert expected == attempt_id(contact, number)


@given(key=st.text(st.characters(exclude_categories=["Cs"])))
def test_an_event_is_named_by_version_five(key: str) -> None:
    """Events of before were named by the standard library: a repeat must still be seen as one."""
    assert uuid5(NAMESPACE, f"event:status:{key}") == event_id("status", key)
