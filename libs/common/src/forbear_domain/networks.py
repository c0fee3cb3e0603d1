"""Where an address is reached: what limits of destination networks are counted by, and what plans are told of them."""

from __future__ import annotations

from forbear_domain.model import Channel

PREFIX_DIGITS = 4  # of a number: country and, in North America, the area code


def network_of(channel: Channel, address: str) -> str:
    """Return where an address is: the domain of a mailbox, or the first digits of a number, such as +1212."""
    return address.rpartition("@")[2].lower() if channel is Channel.EMAIL else address[: PREFIX_DIGITS + 1]
