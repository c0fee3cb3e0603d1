"""Limits set at run time: which windows a message counts in, and how a warm-up grows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channel_dispatcher.limit_rules import Going, LimitBook, LimitRule, Scope, sender_key
from channel_dispatcher.limits import Window
from forbear_domain.model import Channel
from forbear_domain.networks import network_of

START = datetime(2026, 3, 2, tzinfo=UTC)
TENANT, CAMPAIGN = UUID(int=1), UUID(int=2)
SMS = Going("twilio_sms", "+12125550100", TENANT, CAMPAIGN, Channel.SMS, "+13125550147")
MAIL = Going("smtp", "care@News.example.com", TENANT, None, Channel.EMAIL, "ana@example.com")
GIVEN = (Window("account:twilio_sms", 1, 100), Window(f"sender:twilio_sms:{sender_key('+12125550100')}", 1, 1))


def rule(scope: Scope, key: str, length_s: int = 1, tokens: int = 7, **more: object) -> LimitRule:
    """Make a rule."""
    fields = {"growth": 1.0, "tokens_max": None, "start_at": START, "reason": "test", **more}
    return LimitRule(1, scope, key, length_s, tokens, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("made", "going", "name"),
    [
        (rule(Scope.TENANT, str(TENANT), 60), SMS, f"tenant:{TENANT}"),
        (rule(Scope.CAMPAIGN, str(CAMPAIGN), 60), SMS, f"campaign:{CAMPAIGN}"),
        (rule(Scope.NETWORK, "+1312", 60), SMS, "network:+1312"),
        (rule(Scope.NETWORK, "example.com", 60), MAIL, "network:example.com"),
        (rule(Scope.DOMAIN, "news.example.com", 60), MAIL, "domain:news.example.com"),
    ],
)
def test_a_message_counts_in_the_windows_of_its_own_scopes(made: LimitRule, going: Going, name: str) -> None:
    """Beside those of the settings."""
    windows = LimitBook([made], START).windows(GIVEN, going)

    assert (*GIVEN, Window(name, 60, 7)) == windows


@pytest.mark.parametrize(
    "made",
    [
        rule(Scope.TENANT, str(CAMPAIGN), 60),
        rule(Scope.NETWORK, "+1212", 60),
        rule(Scope.DOMAIN, "example.com", 60),
        rule(Scope.SENDER, "+12125550101", 60),
    ],
)
def test_a_rule_of_another_key_changes_nothing(made: LimitRule) -> None:
    """The twins."""
    assert LimitBook([made], START).windows(GIVEN, SMS) == GIVEN


def test_a_rule_of_the_same_scope_key_and_length_takes_the_place_of_the_setting_s() -> None:
    """For the account and for the sender, and not beside it."""
    book = LimitBook([rule(Scope.ACCOUNT, "twilio_sms"), rule(Scope.SENDER, "+12125550100")], START)

    assert (Window(GIVEN[0].name, 1, 7), Window(GIVEN[1].name, 1, 7)) == book.windows(GIVEN, SMS)


def test_a_new_domain_is_warmed_up_day_by_day() -> None:
    """Fifty a day, doubling, until a thousand; from then on only the other limits hold."""
    warm_up = rule(Scope.DOMAIN, "news.example.com", 86_400, 50, growth=2.0, tokens_max=1000)

    got = [warm_up.tokens_at(START + timedelta(days=day, hours=5)) for day in range(-1, 6)]

    assert [50, 50, 100, 200, 400, 800, None] == got


@given(st.integers(1, 10_000), st.floats(1.0, 10.0), st.integers(0, 2000))
def test_a_limit_never_shrinks_from_one_day_to_the_next(tokens: int, growth: float, day: int) -> None:
    """Whatever the factor and the day."""
    made = rule(Scope.DOMAIN, "example.com", 86_400, tokens, growth=growth)
    today, tomorrow = (made.tokens_at(START + timedelta(days=each)) for each in (day, day + 1))

    assert today is not None
    assert tomorrow is not None
    assert tokens <= today <= tomorrow <= 1_000_000_000


def test_where_it_goes_is_told_by_the_area_code_or_the_mailbox_s_domain() -> None:
    """Carriers are not known without a paid look-up; this is the nearest thing that is free."""
    assert ("+1312", "mail.example.com") == (
        network_of(Channel.SMS, "+13125550147"),
        network_of(Channel.EMAIL, "a@Mail.example.com"),
    )
