"""The words that every service shares have the numbers of the wire: no service can mean another thing by a number."""

from __future__ import annotations

from enum import IntEnum

import pytest

from forbear.types.v1 import types_pb2
from forbear_domain.model import Channel, ContactState, Purpose, ResponseKind, SuppressionKind


@pytest.mark.parametrize(
    ("words", "prefix", "wire"),
    [
        (Channel, "CHANNEL_", types_pb2.Channel),
        (Purpose, "PURPOSE_", types_pb2.Purpose),
        (ContactState, "CONTACT_STATE_", types_pb2.ContactState),
        (ResponseKind, "RESPONSE_KIND_", types_pb2.ResponseKind),
        (SuppressionKind, "SUPPRESSION_KIND_", types_pb2.SuppressionKind),
    ],
)
def test_every_word_of_the_wire_is_one_of_the_domain_with_its_number(
    words: type[IntEnum], prefix: str, wire: type[types_pb2.Channel]
) -> None:
    """All of them, but for "unspecified"."""
    assert {name: value for name, value in wire.items() if value} == {
        f"{prefix}{word.name}": word.value for word in words
    }
