"""The model's state as bytes: versioned, checked, without pickle; equal states give equal bytes.

Layout: magic, CRC-32 of the rest, length of the header, header (JSON: version, terms, names and shapes of arrays),
then the arrays as little-endian float64 in the header's order.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
import zlib
from typing import Any, Final

import numpy as np

from contact_scheduler.learning.evidence import EvidenceBank, Matrix, Prior
from contact_scheduler.learning.features import FEATURES
from contact_scheduler.learning.model import ResponseModel
from contact_scheduler.learning.monitor import Monitor
from contact_scheduler.learning.slots import CHANNELS
from contact_scheduler.learning.terms import TERMS

MAGIC: Final = b"FBLM"
VERSION: Final = 2
HEADER_BYTES_MAX: Final = 64 * 1024 * 1024
_BANK_ARRAYS: Final = (
    "gram", "pull", "means", "loss", "open_gram", "open_pull", "level", "level_information", "stretch",
)  # fmt: skip
_MONITOR_ARRAYS: Final = ("unknown", "total", "square", "ever_varied", "cusum", "tally")


class StateError(ValueError):
    """The bytes are damaged, of another version, or of a model with other terms."""


def terms_fingerprint() -> str:
    """Changes whenever the meaning of a coefficient changes."""
    text = "|".join(TERMS.name(index) for index in range(len(TERMS)))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def to_bytes(model: ResponseModel) -> bytes:
    """Returns the whole state of the model."""
    arrays: list[Matrix] = [model.pool.mean, model.pool.precision]
    tenants = []
    for name, bank in sorted(model.tenants.items()):
        monitor = model.monitors[name]
        half_lives = [None if math.isinf(value) else value for value in bank.half_lives]
        tenants.append(
            {
                "name": name,
                "half_lives": half_lives,
                "loss_half_life": bank.loss_half_life,
                "level_column": bank.level_column,
                "outcomes": bank.outcomes,
                "rows": monitor.rows,
            }
        )
        arrays += [bank.prior.mean, bank.prior.precision]
        arrays += [getattr(bank, field) for field in _BANK_ARRAYS]
        arrays += [getattr(monitor, field).astype(np.float64) for field in _MONITOR_ARRAYS]
    header = json.dumps({"version": VERSION, "terms": terms_fingerprint(), "tenants": tenants}).encode()
    body = struct.pack("<I", len(header)) + header + b"".join(np.ascontiguousarray(a, "<f8").tobytes() for a in arrays)
    return MAGIC + struct.pack("<I", zlib.crc32(body)) + body


def from_bytes(blob: bytes) -> ResponseModel:
    """Rebuilds a model; raises StateError for anything that `to_bytes` of this version did not write."""
    header, reader = _open(blob)
    size = len(TERMS)
    model = ResponseModel(Prior(reader.take(size), reader.take(size)))
    for entry in header["tenants"]:
        half_lives = tuple(math.inf if value is None else float(value) for value in entry["half_lives"])
        prior = Prior(reader.take(size), reader.take(size))
        bank = EvidenceBank(prior, half_lives, entry["loss_half_life"], entry["level_column"], TERMS.family)
        for field in _BANK_ARRAYS:
            setattr(bank, field, reader.take(*getattr(bank, field).shape))
        bank.outcomes = float(entry["outcomes"])
        monitor = Monitor.new()
        shapes = {"cusum": (CHANNELS, 2), "tally": (3,)}
        for field in _MONITOR_ARRAYS:
            setattr(monitor, field, reader.take(*shapes.get(field, (FEATURES,))))
        monitor.ever_varied = monitor.ever_varied > 0.0
        monitor.rows = float(entry["rows"])
        model.tenants[entry["name"]], model.monitors[entry["name"]] = bank, monitor
    reader.finish()
    return model


class _Reader:
    """Hands out the arrays one after the other."""

    def __init__(self, data: bytes) -> None:
        if len(data) % 8:
            raise StateError("the arrays are cut off")
        self._values = np.frombuffer(data, dtype="<f8")
        self._at = 0

    def take(self, *shape: int) -> Matrix:
        count = math.prod(shape)
        if self._at + count > len(self._values):
            raise StateError("the arrays are cut off")
        part = self._values[self._at : self._at + count].reshape(shape).astype(np.float64)
        self._at += count
        return part

    def finish(self) -> None:
        if self._at != len(self._values):
            raise StateError("there are more numbers than the header names")


def _open(blob: bytes) -> tuple[dict[str, Any], _Reader]:
    """Checks envelope and header."""
    if len(blob) < 12 or blob[:4] != MAGIC:
        raise StateError("these bytes are no model state")
    (checksum,), body = struct.unpack("<I", blob[4:8]), blob[8:]
    if zlib.crc32(body) != checksum:
        raise StateError("the model state is damaged")
    (length,) = struct.unpack("<I", body[:4])
    if length > min(len(body) - 4, HEADER_BYTES_MAX):
        raise StateError("the header is cut off")
    header: dict[str, Any] = json.loads(body[4 : 4 + length])
    if header["version"] != VERSION:
        raise StateError(f"state version {header['version']} is not {VERSION}")
    if header["terms"] != terms_fingerprint():
        raise StateError("the state was learned with other terms")
    return header, _Reader(body[4 + length :])
