"""Contacts that are read together say what each says by itself, in their order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from channel_dispatcher.contact_codec import Queued, read_address, read_contacts
from channel_dispatcher.framing import repeated
from forbear.dispatcher.v1.dispatcher_service_pb2 import SubmitContactsRequest
from forbear.types.v1 import types_pb2

NOW = datetime(2026, 3, 2, 17, tzinfo=UTC)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
IDS = st.uuids().map(lambda one: one.bytes)
CONTACTS = st.builds(
    types_pb2.Contact,
    contact_id=IDS,
    tenant_id=IDS,
    campaign_id=st.just(b"") | IDS,
    borrower_id=IDS,
    loan_id=IDS,
    channel=st.sampled_from([1, 2, 3]),
    purpose=st.sampled_from([1, 2, 3, 4, 5]),
    template=TEXTS,
    slots=st.dictionaries(TEXTS, TEXTS, max_size=3),
    recipient=st.builds(types_pb2.Recipient, address=TEXTS, given_name=TEXTS, notices=st.lists(TEXTS, max_size=2)),
)


@given(wires=st.lists(CONTACTS, max_size=5))
def test_contacts_read_together_are_those_read_one_by_one(wires: list[types_pb2.Contact]) -> None:
    """No contact takes a field, or the standing, of its neighbour."""
    rows = [Queued(wire.SerializeToString(), n, NOW + timedelta(hours=n)) for n, wire in enumerate(wires)]
    one_by_one = [read_contacts([row])[0] for row in rows]

    together = read_contacts(rows)

    assert one_by_one == together
    assert [(wire.contact_id, wire.template, dict(wire.slots), wire.recipient.given_name) for wire in wires] == [
        (one.contact_id.bytes, one.template, one.slots, one.given_name) for one in together
    ]
    assert [(row.body, row.attempts, row.expire_at) for row in rows] == [
        (one.body, one.attempts, one.expire_at) for one in together
    ]
    assert [one.address for one in together] == [read_address(row.body) for row in rows]


@given(wires=st.lists(CONTACTS, max_size=5))
def test_a_repeated_field_is_what_protobuf_itself_would_write(wires: list[types_pb2.Contact]) -> None:
    """Byte for byte, also where a value is longer than one byte of length can say."""
    expected = SubmitContactsRequest(contacts=wires).SerializeToString(deterministic=True)
    bodies = [wire.SerializeToString(deterministic=True) for wire in wires]

    assert expected == repeated(SubmitContactsRequest.CONTACTS_FIELD_NUMBER, bodies)
