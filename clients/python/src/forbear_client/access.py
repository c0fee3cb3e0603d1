"""How commands reach the campaign API: the address, the key, and errors as people read them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from forbear_client.api import Api, ApiError

url_option = click.option(
    "--url", envvar="FORBEAR_URL", default="http://127.0.0.1:8080", show_default=True, help="the campaign API"
)
key_file_option = click.option(
    "--key-file",
    envvar="FORBEAR_API_KEY_FILE",
    default="run/up/api-key",
    show_default=True,
    type=click.Path(dir_okay=False),
    help="file with the API key (`make up` writes this one)",
)


class Refused(click.ClickException):
    """Shows an error of the service as it is, without a traceback."""


def connect(url: str, key_file: str) -> Api:
    """Make the client; the key is read from its file."""
    try:
        key = Path(key_file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise Refused(f"cannot read the API key from {key_file}: {error.strerror}") from None
    return Api(url, key)


def refused(call: Callable[[], Any]) -> Any:
    """Make a call and turn an error of the service into one of the command."""
    try:
        return call()
    except ApiError as error:
        raise Refused(str(error)) from None
