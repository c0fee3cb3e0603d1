"""Form bodies as providers and borrowers post them: bounded, and read without ever raising on odd bytes."""

from __future__ import annotations

from urllib.parse import parse_qsl

FIELDS_MAX = 200


class FormError(ValueError):
    """A body that is no form that we take."""


def read_form(body: bytes) -> dict[str, str]:
    """Return the fields of a URL-encoded form as they were sent; of a field given twice the last counts.

    Broken UTF-8 is replaced. Raises FormError when there are too many fields.
    """
    try:
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError as error:
        raise FormError("the form has too many fields") from error
    return dict(pairs)


def storable(text: str) -> str:
    """Return a text without what a database cannot keep: NUL and lone surrogates."""
    return text.replace("\x00", " ").encode("utf-8", "replace").decode("utf-8")
