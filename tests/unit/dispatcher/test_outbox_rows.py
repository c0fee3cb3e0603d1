"""Rows of the outbox say what protobuf's own writer would say, whatever is in them."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from channel_dispatcher.outbox import attempt_row, attempts_request, outcome_row, outcomes_request
from forbear.scheduler.v1 import scheduler_service_pb2 as scheduler_pb2
from forbear.tracker.v1 import tracker_service_pb2 as tracker_pb2
from forbear.types.v1 import types_pb2
from forbear_domain.lifecycle import FINAL, State

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
INSTANTS = st.datetimes(timezones=st.just(UTC))
CONTACTS = st.builds(
    types_pb2.Contact,
    contact_id=st.binary(min_size=16, max_size=16),
    template=TEXTS,
    slots=st.dictionaries(TEXTS, TEXTS),
)


@given(attempt=st.uuids(), contact=CONTACTS, provider=TEXTS, ref=TEXTS, sender=TEXTS, at=INSTANTS)
def test_an_attempt_row_reads_back_as_the_attempt_that_it_tells_of(
    attempt: UUID, contact: types_pb2.Contact, provider: str, ref: str, sender: str, at: datetime
) -> None:
    """Every field, with the contact as it was submitted."""
    expected = tracker_pb2.Attempt(
        attempt_id=attempt.bytes,
        contact=contact,
        provider=provider,
        provider_ref=ref,
        sender=sender,
        state=types_pb2.CONTACT_STATE_ACCEPTED,
    )
    expected.send_time.FromDatetime(at)

    row = attempt_row(
        attempt,
        contact.SerializeToString(),
        provider=provider,
        provider_ref=ref,
        sender=sender,
        state=State.ACCEPTED,
        sent_at=at,
    )

    assert expected == tracker_pb2.Attempt.FromString(row.body)


@given(rows=st.lists(st.tuples(st.uuids(), st.sampled_from(sorted(FINAL)), TEXTS, INSTANTS, st.booleans()), max_size=5))
def test_a_request_holds_the_outcomes_of_its_rows_in_order(rows: list[tuple[UUID, State, str, datetime, bool]]) -> None:
    """None is lost, merged or moved."""
    expected = scheduler_pb2.ReportOutcomesRequest(request_id="one")
    for contact, state, reason, at, is_barred in rows:
        told = expected.outcomes.add(
            contact_id=contact.bytes, state=int(state), reason=reason, is_address_barred=is_barred
        )
        told.event_time.FromDatetime(at)

    assert expected == outcomes_request(
        "one", [outcome_row(*row, is_barred=is_barred).body for *row, is_barred in rows]
    )


@given(
    attempts=st.lists(st.builds(tracker_pb2.Attempt, attempt_id=st.binary(max_size=300), contact=CONTACTS), max_size=5)
)
def test_a_request_holds_the_attempts_of_its_rows_in_order(attempts: list[tracker_pb2.Attempt]) -> None:
    """Also those whose length needs two bytes."""
    expected = tracker_pb2.RecordAttemptsRequest(request_id="one", attempts=attempts)

    assert expected == attempts_request("one", [one.SerializeToString() for one in attempts])
