"""Requests to stop are found in keywords and in people's own words, and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forbear_domain.optout import Intent, normalise, read_stop


@pytest.mark.parametrize(
    "text",
    [
        "STOP",
        "stop.",
        "Stop!!! 🛑",
        "ＳＴＯＰ",
        "Stop All",
        "STOPALL",
        "quit",
        "End.",
        "revoke",
        "opt-out",
        "OPT  OUT",
        "optout",
        "cancel",
        "Unsubscribe",
        "remove",
        "ARRET",
        "arrêt",
        "TD",
        "td",
        "退订",
        "退訂",
        "回T退订",
        "取消订阅",
        "STOP PLEASE",
        "please opt me out",
        "Please stop texting me",
        "Don't text me again",
        "take me off this list",
        "remove me from your list",
        "no more texts",
        "leave me alone",
        "do not contact me",
        "stop calling and texting me",
        "cancel these messages",
        "I revoke my consent",
        "请不要再给我发短信",
        "我想退订",
        "no me escriban más",
    ],
)
def test_a_request_to_stop_is_an_opt_out(text: str) -> None:
    """Shows keywords in every dress, and plain sentences."""
    assert read_stop(text).intent is Intent.OPT_OUT


@pytest.mark.parametrize(
    "text",
    [
        "Have a nice weekend",
        "Can you send the appendix to the letter?",
        "UNSTOP",
        "START",
        "yes",
        "我没有收到退订单",
        "I'll stop by your office",
        "at the end of the month",
        "when does my plan end?",
        "who is this?",
        "",
        "👍",
        "the bus stop is closed",
        "endless trouble",
    ],
)
def test_other_texts_are_none(text: str) -> None:
    """Shows that no keyword matches inside another word or another meaning."""
    assert read_stop(text).intent is Intent.NOT_OPT_OUT


@pytest.mark.parametrize("text", ["cancel my autopay", "stop the direct debit on the 5th", "T", "r"])
def test_doubt_goes_to_a_person(text: str) -> None:
    """Shows that ambiguous words neither opt out nor pass unnoticed."""
    assert read_stop(text).intent is Intent.AMBIGUOUS


@pytest.mark.parametrize("text", ["stop calling me", "Please don't call", "不要再打电话给我"])
def test_a_stop_of_calls_is_a_stop_of_calls(text: str) -> None:
    """Shows that the medium a person names is kept apart from the address."""
    assert read_stop(text).intent is Intent.STOP_CALLS


def test_a_single_letter_counts_only_after_a_message_that_offered_it() -> None:
    """Shows the Chinese convention of replying T or R."""
    assert read_stop("T", letters_offered=True).intent is Intent.OPT_OUT
    assert read_stop("R").intent is Intent.AMBIGUOUS


@given(st.text(max_size=60))
def test_normalising_is_idempotent(text: str) -> None:
    """Shows that case, width, punctuation and spaces are gone after one pass."""
    assert normalise(text) == normalise(normalise(text))
