"""DKIM: CPU time of one signature over a mail of usual size, beside OpenSSL's bare signature and dkimpy.

    .venv/bin/python bench/dkim.py
    PYTHONPATH=/path/with/dkimpy .venv/bin/python bench/dkim.py    # pip install --target /path/with/dkimpy dkimpy

Without dkimpy only the limit is measured. Median of five rounds, all ways in each round.
"""

from __future__ import annotations

import importlib.util
import json
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != Path(__file__).resolve().parent]

from forbear_providers import dkim, mail  # noqa: E402  # this file is called as the peer is, and must not hide it

ROUNDS = 5
NOW = datetime(2026, 3, 3, 17, 0, tzinfo=UTC)
TEXT = "\n\n".join(["Ana, this is Harbor Home Loans. Your payment of 1,350.00 USD is past due, and we can help."] * 12)


def a_mail() -> tuple[list[tuple[str, str]], bytes]:
    """Make a mail of usual size: about 3 kB in two parts."""
    html = "".join(f"<p>{line}</p>\n" for line in TEXT.split("\n\n"))
    return mail.build(
        mail.Mail(
            to="ana@example.com", sender="care@example.com", subject="A note from Harbor Home Loans", text=TEXT,
            html=html, date=NOW, message_id="0f8fad5bd9cb469fa16570867728950e@example.com",
            sender_name="Harbor Home Loans", reply_to="reply+0f8f@example.com",
            unsubscribe_url="https://tracker.example.com/u/token", language="en",
        )
    )  # fmt: skip


def cpu_us(work: Callable[[], object], times: int) -> float:
    """Return CPU microseconds of one call."""
    started = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - started) / times * 1e6


def report(name: str, value: float, reference: float, ratio: float, goal: str, *, ok: bool) -> None:
    """Print one figure beside its reference."""
    print(json.dumps({"name": name, "value": round(value, 1), "reference": round(reference, 1),
                      "ratio": round(ratio, 2), "goal": goal, "ok": ok}))  # fmt: skip


def peer(private: rsa.RSAPrivateKey, message: bytes, names: list[bytes]) -> Callable[[], object] | None:
    """Return dkimpy's way of signing the same headers, where it is installed."""
    if importlib.util.find_spec("dkim") is None:
        return None
    dkimpy = importlib.import_module("dkim")
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())

    def sign() -> object:
        return dkimpy.sign(
            message, b"forbear", b"example.com", pem, canonicalize=(b"relaxed", b"relaxed"), include_headers=names
        )

    return sign


def main() -> int:
    """Measure and print."""
    headers, body = a_mail()
    private = rsa.generate_private_key(65537, 2048)
    key = dkim.DkimKey("example.com", "forbear", private)
    edwards = dkim.DkimKey("example.com", "forbear", Ed25519PrivateKey.generate())
    covered = [name.lower().encode() for name, _ in headers if name.lower() in dkim.SIGNED]
    theirs = peer(private, mail.join(headers, body), covered)
    data = b"x" * 800
    ours_us, bare_us, theirs_us, edwards_us = [], [], [], []
    for _ in range(ROUNDS):
        ours_us.append(cpu_us(lambda: dkim.signature(headers, body, key, 1_772_557_200), 400))
        bare_us.append(cpu_us(lambda: private.sign(data, padding.PKCS1v15(), SHA256()), 400))
        edwards_us.append(cpu_us(lambda: dkim.signature(headers, body, edwards, 1_772_557_200), 400))
        if theirs is not None:
            theirs_us.append(cpu_us(theirs, 40))
    ours, bare = statistics.median(ours_us), statistics.median(bare_us)
    print(f"mail of {len(mail.join(headers, body)):,} bytes; Ed25519 {statistics.median(edwards_us):.0f} us")
    report("dkim_rsa2048_us_beside_openssl", ours, bare, ours / bare, "at most 1.6", ok=ours / bare <= 1.6)
    if theirs_us:
        dkimpy_us = statistics.median(theirs_us)
        times = dkimpy_us / ours
        report("dkim_rsa2048_us_beside_dkimpy", ours, dkimpy_us, times, "at least 10 times", ok=times >= 10)
    return 0


if __name__ == "__main__":
    sys.exit(main())
