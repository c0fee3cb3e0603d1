"""The bytes of a sealed entry are canonical JSON, whatever the readable part says."""

from __future__ import annotations

from base64 import b64encode

import orjson
from hypothesis import example, given
from hypothesis import strategies as st

from forbear_domain.ledger import envelope

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
READABLE = st.dictionaries(
    TEXTS.filter(lambda name: name != "sealed"), TEXTS | st.integers(0, 9) | st.none(), max_size=6
)


@given(readable=READABLE, sealed=st.binary(max_size=200))
@example(readable={"borrower": 'x","sealed":"y', "kind": '"sealed":"'}, sealed=b"words")
@example(readable={'a"sealed":"': '\\"sealed":"'}, sealed=b"")
def test_an_envelope_is_the_canonical_json_of_its_fields_with_the_sealed_part_among_them(
    readable: dict[str, object], sealed: bytes
) -> None:
    """Also where a value or a name looks as if the sealed part began in it."""
    text = b64encode(sealed)
    expected = orjson.dumps({**readable, "sealed": text.decode()}, option=orjson.OPT_SORT_KEYS)

    assert expected == envelope(readable, text)
