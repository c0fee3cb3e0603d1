"""How a bug is written to the log: what kind it was and where, never its message.

The message of an exception may quote the value that caused it, and a database's message may quote a whole row: a number
or a name. Kind and place are enough to find a bug.
"""

from __future__ import annotations

import traceback

FRAMES_MAX = 12


def describe(error: BaseException) -> dict[str, object]:
    """Return the kind of an exception, that of its cause, and the innermost places it went through."""
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES_MAX:]
    cause = error.__cause__ or error.__context__
    return {
        "error": type(error).__name__,
        "cause": type(cause).__name__ if cause is not None else None,
        "at": [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames],
    }
