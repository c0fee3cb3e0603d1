"""Answers that a person has sent: approved texts only, and none where no word of a debt may be said."""

from __future__ import annotations

import pytest

from forbear.types.v1 import types_pb2 as types_pb
from response_tracker.cases import ANSWERS
from tests.integration.tracker.people import do, listed, opened, refused
from tests.integration.tracker.tracker_stage import World

pytestmark = [pytest.mark.needs_postgres]


async def test_a_person_answers_with_an_approved_text_in_the_borrowers_language(world: World) -> None:
    """No free text: what is sent was approved; options are computed, and can be chosen afterwards."""
    await world.attempt(language="es")
    await world.text("I never took out this loan")
    await world.pump()
    case = (await listed(world)).cases[0]
    await do(world, case, "CLAIM")

    own_words = await refused(world, case, "ANSWER", template="You must pay now")
    await do(world, case, "ANSWER", template="options.offered")

    assert "approved" in own_words
    sent = world.dispatcher.contacts[-1]
    assert ("options.offered", "es", types_pb.PURPOSE_FOLLOW_UP) == (
        sent.template, sent.recipient.language, sent.purpose,
    )  # fmt: skip
    assert {"option_1", "option_2"} == set(sent.slots)
    assert 1 == await world.pool.fetchval("SELECT count(*) FROM offer WHERE chosen IS NULL")


@pytest.mark.parametrize(
    ("words", "bar"),
    [
        ("I want to end my life", "distress"), ("Never contact me again in any way", "cease"),
        ("Talk to my attorney", "attorney"), ("I filed for chapter 13", "bankruptcy"),
        ("My husband is on active duty", "military"), ("Maria died in January", "deceased"),
    ],
)  # fmt: skip
async def test_where_no_word_of_a_debt_may_be_said_no_person_has_one_sent(world: World, words: str, bar: str) -> None:
    """A slip of the mouse must not offer instalments to who is in despair; the refusal says what is in the way."""
    case = await opened(world, words)
    await do(world, case, "CLAIM")
    before = world.templates()

    for template in ANSWERS:
        told = await refused(world, case, "ANSWER", template=template)
        assert told.startswith(f"{bar} bars every text about the loan")

    assert before == world.templates()
