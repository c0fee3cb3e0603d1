"""JSON logs, one event a line, without personal data.

Event names are constants in the past tense, keys carry their units, and only ids name people. Call
`structlog.get_logger(__name__)` and log with keyword arguments, never with text put together.
"""

from __future__ import annotations

import logging
import sys

import structlog

NOISY = ("aiohttp.access", "mail.log", "mail.debug", "uvicorn.access", "uvicorn.error", "twilio", "grpc", "asyncio")


class _StandardError:
    """Writes lines to whatever standard error is at that moment."""

    def msg(self, line: str) -> None:
        """Write one line."""
        sys.stderr.write(line + "\n")

    debug = info = warning = error = msg


def configure(service: str, level: str) -> None:
    """Send the logs of this process to standard error as JSON lines."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            structlog.processors.dict_tracebacks,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=lambda *_: _StandardError(),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format='{"event":"%(name)s","message":"%(message)s"}')
    # Libraries write addresses and message texts at lower levels: they are heard only when something is broken.
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.CRITICAL)
