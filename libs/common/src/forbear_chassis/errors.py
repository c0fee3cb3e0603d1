"""Errors that cross the wire: a gRPC code, a reason that programs read, and a sentence that people read.

The sentence says how to mend the call and holds no personal data. Programs decide by `code` and `reason`, never by
text.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

DOMAIN = "forbear"


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One field of a request that cannot be used, and how to mend it."""

    field: str
    description: str


@dataclass(eq=False)
class Fault(Exception):
    """A call that cannot be answered. `reason` is UPPER_SNAKE."""

    code: grpc.StatusCode
    reason: str
    message: str
    violations: tuple[FieldViolation, ...] = field(default=())

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"


def invalid(reason: str, message: str, *violations: FieldViolation) -> Fault:
    """Make the fault for a request that the caller must mend."""
    return Fault(grpc.StatusCode.INVALID_ARGUMENT, reason, message, violations)


def to_status(fault: Fault) -> grpc.Status:
    """Turn a fault into the status that travels in the trailers."""
    details = [any_pb2.Any()]
    details[0].Pack(error_details_pb2.ErrorInfo(reason=fault.reason, domain=DOMAIN))
    if fault.violations:
        bad = error_details_pb2.BadRequest()
        for violation in fault.violations:
            bad.field_violations.add(field=violation.field, description=violation.description)
        details.append(any_pb2.Any())
        details[1].Pack(bad)
    code = fault.code.value[0]
    status: grpc.Status = rpc_status.to_status(status_pb2.Status(code=code, message=fault.message, details=details))
    return status


def from_rpc_error(error: grpc.aio.AioRpcError) -> Fault:
    """Rebuild the fault that the other side raised; the reason is UNKNOWN where it gave none."""
    reason, violations = "UNKNOWN", []
    for detail in _details(error):
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if detail.Unpack(info):
            reason = info.reason
        elif detail.Unpack(bad):
            violations = [FieldViolation(item.field, item.description) for item in bad.field_violations]
    return Fault(error.code(), reason, error.details() or "", tuple(violations))


def _details(error: grpc.aio.AioRpcError) -> list[any_pb2.Any]:
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            return list(status_pb2.Status.FromString(value).details)
    return []
