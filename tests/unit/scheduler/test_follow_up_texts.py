"""What is written after silence: another text, with less demand and more help, and never one text three times."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contact_scheduler.learning.treatment import Treatment
from contact_scheduler.planning.candidates import Touch
from contact_scheduler.planning.rest import unanswered
from contact_scheduler.planning.treating import FOLLOW_UPS, TEXT_OF_DUTY, TEXTS, TIMES_MAX, text_of
from forbear_domain.messages import LANGUAGES, Catalogue
from forbear_domain.messages.lint import sample
from forbear_domain.model import Channel
from tests.kit.one_borrower import BORROWER, START

ASK, HELP = FOLLOW_UPS
REMIND, INSTALMENTS, DEFERRAL, FIRM, PEACE = Treatment


def live(treatments: list[Treatment], answers: list[bool], *, is_duty: bool = False) -> list[str]:
    """Return the texts of contacts, one for each treatment, of which those that `answers` marks are answered.

    The windows of the others are open still: what was not answered so far is not said again either.
    """
    one = replace(BORROWER, is_duty=is_duty)
    touches: list[Touch] = []
    for number, (treatment, has_answered) in enumerate(zip(treatments, answers, strict=True)):
        text = text_of(treatment, one, unanswered(one, touches))
        touches.append(
            Touch(1, START + timedelta(days=3 * number), 10, 0.1, False, has_answered, has_answered, template=text)
        )  # fmt: skip
    return [touch.template for touch in touches]


@pytest.mark.parametrize("treatment", list(Treatment))
def test_a_text_goes_out_twice_and_then_others_take_turns(treatment: Treatment) -> None:
    """Twice what was chosen, twice a question, twice an open hand, and so on: nothing goes back to the demand."""
    text = TEXTS[treatment]

    assert [text, text, ASK, ASK, HELP, HELP, ASK, ASK, HELP, HELP] == live([treatment] * 10, [False] * 10)


def test_an_answer_brings_the_chosen_text_back() -> None:
    """Whoever answered is spoken to as the treatment says."""
    assert ["reminder.gentle", "reminder.gentle", ASK, "reminder.gentle"] == live(
        [REMIND] * 4, [False, False, True, False]
    )


def test_an_offer_is_made_before_it_is_followed_up_but_a_sterner_reminder_is_not() -> None:
    """Who let two reminders pass is offered instalments twice; the firm reminder never follows silence of two."""
    assert ["reminder.gentle"] * 2 + ["offer.instalments"] * 2 + [HELP, HELP] == live(
        [REMIND] * 2 + [INSTALMENTS] * 4, [False] * 6
    )
    assert ["offer.deferral"] * 2 + [ASK, ASK] == live([DEFERRAL, PEACE, FIRM, FIRM], [False] * 4)


def test_a_duty_keeps_its_own_text() -> None:
    """The law says what such a contact is about."""
    assert [TEXT_OF_DUTY] * 6 == live([REMIND] * 6, [False] * 6, is_duty=True)


@given(rows=st.lists(st.tuples(st.sampled_from(Treatment), st.booleans()), max_size=30))
def test_nobody_reads_one_text_more_than_twice_in_a_row_without_having_answered(
    rows: list[tuple[Treatment, bool]],
) -> None:
    """Whatever is chosen and answered; and no reminder comes after two silences."""
    texts = live([treatment for treatment, _ in rows], [has_answered for _, has_answered in rows])
    run: list[str] = []
    for text, (_, has_answered) in zip(texts, rows, strict=True):
        assert [text] * TIMES_MAX != run[-TIMES_MAX:]
        assert len(run) < TIMES_MAX or not text.startswith("reminder.")
        run = [] if has_answered else [*run, text]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_open_hand_names_no_sum_and_every_follow_up_asks_how_to_be_in_touch(language: str) -> None:
    """On every channel; a text message of the open hand says how to get a person."""
    catalogue = Catalogue.load()
    word = {"en": "PERSON", "es": "PERSONA", "zh-Hans": "人工", "zh-Hant": "人工"}[language]
    for channel in Channel:
        version = catalogue.find(HELP, channel, language)
        rendered = catalogue.render(HELP, channel, language, sample(version, "collector", is_first=False))

        assert "past_due" not in version.slots
        assert "$" not in rendered.text
        assert channel is Channel.VOICE or word in rendered.text
    assert all(catalogue.find(ASK, channel, language).frame == "debt" for channel in Channel)
