"""A mail relay of the accounts file: its mails are signed as those of the first one, or its key stops the start."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from forbear_providers.accounts import Account, AccountError, read_accounts
from tests.contract.providers.drivers import DRIVERS, now
from tests.contract.providers.local_servers import SmtpStub
from tests.contract.providers.test_providers_mail import verify

KEYS = [generate_private_key(65537, 2048), Ed25519PrivateKey.generate()]
FILE = """
[[account]]
name = "relay_b"
provider = "smtp"
senders = ["hello@harbor.example.com"]
[account.options]
host = "127.0.0.1"
port = "{port}"
envelope_domain = "mail.example.com"
starttls = "false"
"""


def account(folder: Path, port: int, **options: str) -> Account:
    """Write an accounts file and read it back, as a deployment does."""
    file = folder / "accounts.toml"
    lines = [f'{name} = """\n{value}"""' if "\n" in value else f'{name} = "{value}"' for name, value in options.items()]
    file.write_text(FILE.format(port=port) + "\n".join(lines))
    (read,) = read_accounts(file)
    return read


def pem(key: object) -> str:
    """Return a private key as a file holds it."""
    raw: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())  # type: ignore[attr-defined]
    return raw.decode()


async def sent(folder: Path, **options: str) -> bytes:
    """Return a mail as the relay saw it."""
    async with SmtpStub() as server:
        provider = account(folder, server.port, **options).open(now)
        await provider.send(DRIVERS["smtp"].request)
        await provider.close()
    return server.taken[0].data.replace(b"\r\n..", b"\r\n.")


@pytest.mark.parametrize("private", KEYS, ids=["rsa-2048", "ed25519"])
async def test_a_second_relay_signs_its_mails(tmp_path: Path, private: Ed25519PrivateKey) -> None:
    """Read by an independent verifier; domain and selector are those of the file."""
    raw = await sent(tmp_path, dkim_key=pem(private), dkim_domain="harbor.example.com", dkim_selector="s2")

    verify(raw, private.public_key())
    assert b"d=harbor.example.com" in raw
    assert b"s=s2" in raw


async def test_without_a_key_a_mail_bears_no_signature(tmp_path: Path) -> None:
    """The relay may sign by itself."""
    assert b"DKIM-Signature" not in await sent(tmp_path)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"dkim_key": pem(KEYS[1])}, "dkim_domain"),
        ({"dkim_key": pem(generate_private_key(65537, 1024)), "dkim_domain": "example.com"}, "dkim_key"),
        ({"dkim_key": pem(KEYS[1]).replace("MC4CAQ", "AAAAAA"), "dkim_domain": "example.com"}, "dkim_key"),
    ],
)
def test_a_key_that_cannot_sign_stops_the_start(tmp_path: Path, options: dict[str, str], named: str) -> None:
    """The message names account and option, and shows nothing of the key."""
    with pytest.raises(AccountError, match=rf"^account relay_b: option {named}") as caught:
        account(tmp_path, 25, **options).open(now)

    assert "PRIVATE" not in str(caught.value)
