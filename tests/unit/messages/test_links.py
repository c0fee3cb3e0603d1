"""Tokens of links: they come back as the attempt they name, for their own purpose only."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forbear_domain.links import TOKEN_CHARS, make_link_token, read_link_token


@given(st.uuids(), st.sampled_from(["unsubscribe", "page"]))
def test_a_token_names_its_attempt_for_its_purpose_only(attempt: UUID, purpose: str) -> None:
    """The token for the page does not unsubscribe, and the other way round; another secret reads nothing."""
    other = "page" if purpose == "unsubscribe" else "unsubscribe"
    token = make_link_token("secret", purpose, attempt)  # type: ignore[arg-type]

    assert len(token) == TOKEN_CHARS
    assert attempt == read_link_token(b"secret", purpose, token)  # type: ignore[arg-type]
    assert read_link_token("secret", other, token) is None  # type: ignore[arg-type]
    assert read_link_token("another", purpose, token) is None  # type: ignore[arg-type]


@given(st.text(max_size=60))
def test_no_other_text_is_a_token(text: str) -> None:
    """Whatever comes in a URL is read or refused, never an error."""
    assert read_link_token("secret", "page", text) is None


def test_every_changed_character_breaks_a_token() -> None:
    """The last character carries two bits only; the others are all checked."""
    token = make_link_token("secret", "page", UUID(int=7))
    for place in range(TOKEN_CHARS - 1):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert read_link_token("secret", "page", changed) is None


def test_an_empty_secret_makes_no_token() -> None:
    """A missing setting stops the start, not the proof."""
    with pytest.raises(ValueError, match="secret"):
        make_link_token("", "page", UUID(int=7))
