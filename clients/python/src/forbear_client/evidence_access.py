"""How commands reach the evidence: the auditor's database, an export, and why either cannot be read."""

from __future__ import annotations

import asyncpg
import click
import orjson

CONNECT_TIMEOUT_S = 10.0
UNREADABLE = (orjson.JSONDecodeError, KeyError, TypeError, ValueError)


class NotChecked(click.ClickException):
    """Ends a command with 2: nothing was found, for nothing could be looked at."""

    exit_code = 2


async def open_evidence(url: str) -> asyncpg.Connection:
    """Connect as the auditor. Raises NotChecked, which never shows the URL: it may hold a password."""
    try:
        return await asyncpg.connect(url, timeout=CONNECT_TIMEOUT_S)
    except TimeoutError:
        raise NotChecked(f"the database does not answer within {CONNECT_TIMEOUT_S:g} s; nothing was checked") from None
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise NotChecked(f"the database cannot be reached: {why}; nothing was checked") from None


def why_unreadable(error: Exception) -> str:
    """Say what an export lacks, given one of `UNREADABLE`."""
    if isinstance(error, orjson.JSONDecodeError):
        return f"is not JSON: {error.msg} in line {error.lineno}"
    if isinstance(error, KeyError):
        return f"is no export of `forbear ledger export`: it has no {error.args[0]}"
    return "is no export of `forbear ledger export`: a field has the wrong form"
