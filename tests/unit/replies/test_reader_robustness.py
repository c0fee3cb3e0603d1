"""Whatever arrives, the reader answers, in bounded time, and never crashes."""

import time
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forbear_replies import Label, Reader
from forbear_replies.corpus import corpus_hash
from forbear_replies.extraction import extract
from forbear_replies.labels import EXCLUSIVE, Lang
from forbear_replies.mail import strip_quoted
from forbear_replies.model import Model
from forbear_replies.reader import prepare

NOW = datetime.fromisoformat("2025-06-10T10:15:00-05:00")
READER = Reader.load()
AUTHORS = Path(__file__).resolve().parents[3] / "training/replies"
PIECES = [
    "stop",
    "pago el viernes",
    "9 to 5",
    "一万五",
    "$1,2",
    "after 25",
    "31/12",
    "<div>",
    "\n> ",
    "not",
    "不要",
    "👍",
    "13月40号",
    "\ud800",
    "\u202e",
    "99999999999",
    "at 3",
    "I will pay $" + "9" * 40,
    "pago " + "9" * 5_000 + " pesos el viernes",
    "$" + "1,000" * 9,
    "9" * 11 + " lakhs",
    "付九" + "万" * 400,
    "on the " + "8" * 60 + "th",
    "²",
    "٣٠٠",
]
# Words that make days, hours and sums, in orders that nobody writes: each may meet each.
_NUMBER_WORDS = """
I will pay by the on until half past quarter to no not twenty thirty forty hundred thousand first second third
fifth ninth tenth twentieth thirtieth twenty-first thirty-first last next this friday monday march may week
month days ago from now dollars bucks am pm noon pago el la las de del a y media cuarto veinte treinta primero
ultimo viernes lunes mayo mes semana pesos dolares manana tarde noche hasta antes despues 1 2 12 25 31 99 % $
: / - ] [ ( )
"""
NUMBER_WORDS = [*_NUMBER_WORDS.split(), *"二十三百千万亿号月日周五下上个半点元块蚊之前后"]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(NUMBER_WORDS), min_size=1, max_size=12), st.sampled_from(["en", "es", "zh-Hans"]))
def test_any_run_of_words_for_days_hours_and_sums_is_read(words: list[str], lang: str) -> None:
    """All facts are looked for, whatever the labels: no order of words that no pattern foresaw ends the reader."""
    for text in (" ".join(words), "".join(words)):
        folded = prepare(text, lang).folded
        for labels in ({Label.PROMISE_TO_PAY, Label.TIME_PREFERENCE, Label.LANGUAGE_REQUEST}, {Label.ALREADY_PAID}):
            extract(folded, frozenset(labels), lang=Lang(lang), channel="sms", received_at=NOW, is_cantonese=False)


ORDINALS = (
    *(
        "first",
        "second",
        "third",
        "fourth",
        "fifth",
        "sixth",
        "seventh",
        "eighth",
        "ninth",
        "tenth",
        "eleventh",
        "twelfth",
    ),
    *("thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth", "twentieth"),
    *(
        "twenty-first",
        "twenty second",
        "twenty-third",
        "twenty fourth",
        "twenty-fifth",
        "twenty sixth",
        "twenty-seventh",
    ),
    *("twenty eighth", "twenty-ninth", "thirtieth", "thirty first"),
)


@pytest.mark.parametrize(("number", "word"), list(enumerate(ORDINALS, 1)))
def test_each_day_of_a_month_is_read_in_words(number: int, word: str) -> None:
    """Written out, with and without a hyphen; 'on the thirtieth' once ended the reader."""
    received = NOW.replace(month=7, day=1)
    reading = READER.read(f"I will pay 200 on the {word}", lang="en", channel="sms", received_at=received)

    assert received.date().replace(day=number) == reading.extract.date


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(st.text(max_size=300), st.lists(st.sampled_from(PIECES), max_size=25).map(" ".join)),
    st.sampled_from(["sms", "email", "voice"]),
)
def test_any_text_gets_an_answer(text: str, channel: str) -> None:
    """There is at least one label, exclusive ones stand alone, and confidence is a chance."""
    reading = READER.read(text, lang=None, channel=channel, received_at=NOW)

    assert reading.labels
    assert len(reading.labels) == 1 or not reading.labels & set(EXCLUSIVE)
    assert Label.CEASE_ALL not in reading.labels or Label.OPT_OUT in reading.labels
    assert 0.0 <= reading.confidence <= 1.0


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "👍🙏",
        "\ud83d",
        "מה זה",
        "a" * 5_000,
        "stop " * 1_000,
        "<p>" * 300_000,
        "é" * 1_000_000,
        "no me " * 200_000,
        "> q\n" * 250_000,
    ],
    ids=[
        "empty",
        "blank",
        "emoji",
        "surrogate",
        "rtl",
        "long word",
        "long sms",
        "html",
        "1 MB",
        "2 MB words",
        "quotes",
    ],
)
def test_monstrous_texts_are_read_in_bounded_time(text: str) -> None:
    """One second of CPU is the bound even for megabytes: the text is cut before it is read."""
    started = time.process_time()

    READER.read(text, lang=None, channel="email", received_at=NOW)

    assert time.process_time() - started < 1.0


@pytest.mark.parametrize("sum_", ["$" + "9" * 29, "$99999999999999", "999999 lakhs", "$1,000,000,000,000.00"])
def test_a_sum_beyond_all_loans_is_a_promise_without_a_sum(sum_: str) -> None:
    """Twenty-nine figures ended the process once; whatever is named must fit the column it is kept in."""
    reading = READER.read(f"I will pay {sum_} on friday", lang="en", channel="sms", received_at=NOW)

    assert Label.PROMISE_TO_PAY in reading.labels
    assert (None, None) == (reading.extract.amount, reading.extract.currency)
    assert (
        9_999_999_999
        == READER.read(
            "I will pay $9,999,999,999.00 on friday", lang="en", channel="sms", received_at=NOW
        ).extract.amount
    )


def test_the_model_belongs_to_the_training_files() -> None:
    """The artefact records the hash of the author files; train again after changing them."""
    assert corpus_hash(AUTHORS) == Model.load().data_hash


def test_signature_and_device_lines_are_cut() -> None:
    """What stands below a closing phrase is a signature."""
    assert strip_quoted("I paid it.\n\nBest regards,\nJo Doe\nAttorney\n\nSent from my phone").strip() == "I paid it."
