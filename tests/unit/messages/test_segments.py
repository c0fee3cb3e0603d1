"""How many parts an SMS is charged as: GSM 03.38 and UCS-2, at and around every limit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forbear_domain.messages import gsm7, segments
from forbear_domain.messages.segments import GSM7_BASIC, GSM7_EXTENSION, is_gsm7


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 152 + "€" + "a" * 152, 3),  # the euro is not split: it opens the second part
        ("a" * 151 + "€" + "a" * 153, 2),
        ("你" * 70, 1),
        ("你" * 71, 2),
        ("你" * 134, 2),
        ("你" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("你" * 66 + "😀" + "你" * 66, 3),  # the two halves stay together
        ("a" * 69 + "’", 1),
        ("a" * 70 + "’", 2),
        ("é" * 160, 1),
        ("á" * 71, 2),
    ],
)
def test_parts_are_counted_at_every_limit(text: str, expected: int) -> None:
    """160 and 153 characters of GSM 03.38, 70 and 67 units of UCS-2 (3GPP TS 23.038 and 23.040)."""
    assert expected == segments(text)


@given(st.text(alphabet=GSM7_BASIC + GSM7_EXTENSION, max_size=400))
def test_a_text_of_the_alphabet_never_takes_more_parts_than_as_ucs2(text: str) -> None:
    """The cheap alphabet is never the dearer one."""
    assert segments(text) <= segments(text + "你")


@given(st.text(max_size=200), st.text(max_size=20))
def test_a_longer_text_never_takes_fewer_parts(text: str, more: str) -> None:
    """Adding words never makes a message cheaper."""
    assert segments(text) <= segments(text + more)


def test_spanish_and_typographic_marks_are_brought_into_the_alphabet() -> None:
    """Only marks change; ñ, é and ¿ are in the alphabet already, Chinese stays as it is."""
    assert gsm7("¿Recibió más? “Sí” – año… qué") == '¿Recibio mas? "Si" - año... qué'
    assert gsm7("你好") == "你好"


@pytest.mark.parametrize(("text", "expected"), [("Stop [1] €", True), ("还款", False), ("ç", False), ("", True)])
def test_a_text_needs_ucs2_when_a_character_is_in_no_table_of_gsm7(text: str, expected: bool) -> None:
    """Extension characters count double, but need no other alphabet (GSM 03.38)."""
    assert expected is is_gsm7(text)
