"""Where in the text of a pack something stands, so that an error can name the line. TOML's own reader does not say."""

import re

_TABLE = re.compile(r"\s*\[\[\s*(\w+)\s*\]\]")


class PackError(ValueError):
    """A pack that must not be used: says which file, which line and what is wrong, so that the start stops there."""

    def __init__(self, file: str, what: str, line: int = 0) -> None:
        super().__init__(f"{file}, line {line}: {what}" if line else f"{file}: {what}")
        self.what = what
        self.line = line  # from 1; 0 where the error belongs to no line


def line_of(text: str, table: str = "", number: int = 0, field: str = "") -> int:
    """The line, from 1, of a field of the `number`-th `[[table]]` (from 0); of its head where it has no such field.

    Without a table: the line of a field at the top of the file, or its first line.
    """
    head, seen, inside = 1, -1, not table
    wanted = re.compile(rf"\s*(?:\[\s*\w+\.{re.escape(field)}\s*\]|\"?{re.escape(field)}\"?\s*=)") if field else None
    for at, line in enumerate(text.splitlines(), start=1):
        found = _TABLE.match(line)
        if found:
            if inside:
                return head
            seen += found[1] == table
            inside = found[1] == table and seen == number
            head = at if inside else head
        elif inside and wanted is not None and wanted.match(line):
            return at
    return head
