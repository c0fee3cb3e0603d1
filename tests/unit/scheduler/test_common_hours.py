"""Zones without a lawful hour in common are told from those with one, and from places nobody knows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contact_scheduler.ask_tenant import Reason, find_reasons, has_common_hour
from contact_scheduler.portfolio.derive import _phone_evidence
from contact_scheduler.store.questions import PlaceRow
from forbear.types.v1 import types_pb2

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
NEW_YORK, GUAM, PARIS = "America/New_York", "Pacific/Guam", "Europe/Paris"
ZONES = st.sampled_from(
    [NEW_YORK, GUAM, PARIS, "Pacific/Honolulu", "America/Chicago", "America/Los_Angeles", "America/Anchorage",
     "Pacific/Pago_Pago", "America/Puerto_Rico", "America/Halifax"]
)  # fmt: skip


@pytest.mark.parametrize(
    ("zones", "reason"),
    [
        ([NEW_YORK, GUAM], None),
        ([PARIS, NEW_YORK, GUAM], Reason.NO_COMMON_HOUR),
        ([""], Reason.PLACE_UNKNOWN),
        ([], Reason.PLACE_UNKNOWN),
        (["", NEW_YORK], Reason.PLACE_UNKNOWN),
        ([NEW_YORK, ""], Reason.PHONE_REGION_UNKNOWN),
    ],
)
def test_a_place_without_a_lawful_hour_has_a_reason(zones: list[str], reason: Reason | None) -> None:
    """New York and Guam share its morning and Guam's evening; when it is day in both, Paris sleeps."""
    assert ({} if reason is None else {1: reason}) == find_reasons([PlaceRow(1, zones, ["US-NY"])], NOW)


def test_a_place_without_a_law_is_as_good_as_unknown() -> None:
    """A zone that the borrower stated and nothing else: no pack is known to hold."""
    assert {1: Reason.PLACE_UNKNOWN} == find_reasons([PlaceRow(1, [NEW_YORK], [])], NOW)


@settings(max_examples=60, deadline=None)
@given(zones=st.sets(ZONES, min_size=1, max_size=4), day=st.integers(0, 364))
def test_zones_have_a_common_hour_exactly_when_some_hour_lies_between_eight_and_nine_in_all(
    zones: set[str], day: int
) -> None:
    """The engine's answer against clocks read one by one, on any day of a year."""
    starts_at = NOW + timedelta(days=day)
    hours = [starts_at + timedelta(hours=hour) for hour in range(168)]
    clocks = [ZoneInfo(zone) for zone in zones]
    expected = any(all(8 <= hour.astimezone(clock).hour < 21 for clock in clocks) for hour in hours)

    assert expected == has_common_hour(tuple(sorted(zones)), ("US-NY",), starts_at)


def test_an_area_code_of_no_place_leaves_no_zone() -> None:
    """As an address that nobody knows: an empty zone, which means no contact."""
    kind = types_pb2.PLACE_EVIDENCE_KIND_MOBILE_AREA_CODE

    assert ((kind, "", ""),) == _phone_evidence(kind, (), ("NY",))
