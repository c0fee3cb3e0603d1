"""Certificates for TLS on the loopback: an authority made for the test, and whatever it or a stranger may issue."""

from __future__ import annotations

import contextlib
import os
import ssl
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

BIRTH = datetime(2020, 1, 1, tzinfo=UTC)  # TLS checks dates by the machine's clock, whatever the clock of the test
LIFE = timedelta(days=36_500)


class Authority:
    """Issues certificates for servers; `trusted` makes contexts that are opened meanwhile believe it."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "authority of a test")])
        self._certificate = _signed(name, name, self._key, self._key, [x509.BasicConstraints(True, None)])

    def server(self, host: str = "localhost", *, life: timedelta = LIFE) -> ssl.SSLContext:
        """Return the context of a server that shows a certificate for `host`, valid for `life` from 2020 on."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
        alternative = x509.SubjectAlternativeName([x509.DNSName(host)])
        return _context(_signed(name, self._certificate.subject, key, self._key, [alternative], life), key)

    @contextlib.contextmanager
    def trusted(self) -> Iterator[None]:
        """Let new contexts of this process trust this authority alone, as SSL_CERT_FILE does for a deployment."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "authority.pem"
            file.write_bytes(_pem(self._certificate))
            before = os.environ.get("SSL_CERT_FILE")
            os.environ["SSL_CERT_FILE"] = str(file)
            try:
                yield
            finally:
                os.environ.pop("SSL_CERT_FILE")
                if before is not None:
                    os.environ["SSL_CERT_FILE"] = before


@cache
def authority() -> Authority:
    """Return the authority that the tests of this process trust."""
    return Authority()


def self_signed(host: str = "localhost") -> ssl.SSLContext:
    """Return the context of a server whose certificate nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    return _context(_signed(name, name, key, key, [x509.SubjectAlternativeName([x509.DNSName(host)])]), key)


def _signed(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    extensions: list[x509.BasicConstraints | x509.SubjectAlternativeName],
    life: timedelta = LIFE,
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(BIRTH)
        .not_valid_after(BIRTH + life)
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
    return builder.sign(issuer_key, hashes.SHA256())


def _context(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "server.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file.write_bytes(private + _pem(certificate))
        context.load_cert_chain(file)
    return context


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
