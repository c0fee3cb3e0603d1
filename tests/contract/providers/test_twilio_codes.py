"""The codes that carriers and Twilio answer US campaigns with, each with what must follow from it.

https://www.twilio.com/docs/api/errors, one page a code. The contract suite shows that a provider's table decides; this
shows that the table holds these, and what it says of them.
"""

from __future__ import annotations

import pytest

from forbear_providers import twilio_sms, vonage_sms
from forbear_providers.contract import SendState

FINAL, TRANSIENT = SendState.REFUSED_FINAL, SendState.REFUSED_TRANSIENT
OPTED_OUT, DEAD, SAME, LATER = "opted out", "address dead", "nothing more", "later"

EXPECTED = {
    20429: LATER,  # too many requests
    21211: DEAD,  # no valid number
    21610: OPTED_OUT,  # the recipient has sent STOP to this sender
    21614: DEAD,  # not a mobile number
    30001: LATER,  # queue overflow
    30003: SAME,  # handset unreachable
    30004: SAME,  # blocked
    30005: DEAD,  # unknown handset
    30006: DEAD,  # landline or unreachable carrier
    30007: SAME,  # filtered by the carrier
    30008: SAME,  # unknown error
    30022: LATER,  # rate of the 10DLC campaign
    30023: LATER,  # daily cap of the brand at the carrier
    30032: SAME,  # toll-free number not verified
    30034: SAME,  # number not registered for 10DLC
}


@pytest.mark.parametrize(("code", "follows"), EXPECTED.items())
def test_a_code_is_in_the_table_with_what_follows_from_it(code: int, follows: str) -> None:
    """What will never work is not tried again; what may is, after a wait; an opt-out at the carrier is one here."""
    meaning = twilio_sms.CODES[code]

    assert (TRANSIENT if follows == LATER else FINAL) == meaning.state
    assert (follows == OPTED_OUT) == meaning.is_opted_out
    assert (follows == DEAD) == meaning.is_address_dead
    assert (follows == LATER) == (meaning.retry_after_s is not None)


def test_a_daily_cap_waits_far_longer_than_a_rate() -> None:
    """The brand's day at the carrier does not end within a minute."""
    waits = [twilio_sms.CODES[code].retry_after_s or 0.0 for code in (20429, 30022, 30023)]

    assert sorted(waits) == waits
    assert 1800 <= waits[2]


@pytest.mark.parametrize("status", ["failed", "undelivered"])
def test_an_opt_out_that_only_the_receipt_tells_of_is_one(status: str) -> None:
    """The carrier keeps a list of its own: Twilio says so with 21610, Vonage with err-code 9."""
    form = {"MessageSid": "SM1", "MessageStatus": status, "ErrorCode": "21610"}
    twilio = twilio_sms.parse_status(form)
    vonage = vonage_sms.parse_status({"messageId": "1", "status": "rejected", "err-code": "9"})

    assert twilio is not None
    assert twilio.is_opted_out
    assert vonage is not None
    assert vonage.is_opted_out
