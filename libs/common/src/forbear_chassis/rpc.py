"""gRPC the house way: every call has a deadline, every server shaves it, clocks are compared, errors are typed.

- A call without a deadline is refused: `context.time_remaining()` is None when the caller set none.
- The server takes SHAVE_S off the deadline, so that its own failure is the one reported, and refuses a call with less
  than REMAINING_MIN_S left.
- The caller sends its clock; quiet hours depend on it, so a skewed caller is refused.
- A `Fault` becomes a status with ErrorInfo; a transient failure behind the server becomes UNAVAILABLE; a bug becomes
  INTERNAL and is logged.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from forbear_chassis.clock import Clock, ClockError, from_epoch_us, to_epoch_us
from forbear_chassis.errors import Fault, to_status
from forbear_chassis.failures import describe
from forbear_chassis.worker import TRANSIENT, Activity

SHAVE_S = 0.02
REMAINING_MIN_S = 0.1
TIME_KEY = "x-forbear-time-us"
MESSAGE_BYTES_MAX = 16 * 1024 * 1024
UNGUARDED = ("/grpc.health.", "/grpc.reflection.")
OPTIONS = [
    ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.lb_policy_name", "round_robin"),
]
CONNECTION_AGE_MAX_MS = 300_000  # so that clients spread over replicas that were added later

log = structlog.get_logger(__name__)


class GuardInterceptor(grpc.aio.ServerInterceptor):
    """Checks deadline and clock, counts calls in flight, and turns exceptions into statuses."""

    def __init__(self, clock: Clock, activity: Activity) -> None:
        self._clock = clock
        self._activity = activity

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Wrap the handler of one call."""
        handler = await continuation(handler_call_details)
        if handler is None or handler_call_details.method.startswith(UNGUARDED):
            return handler
        return _wrap(handler, self)

    def check(self, context: grpc.aio.ServicerContext[Any, Any]) -> float:
        """Return the seconds that the handler may take. Raises Fault when the call cannot be taken."""
        remaining_s = context.time_remaining()
        if remaining_s is None:
            raise Fault(grpc.StatusCode.INVALID_ARGUMENT, "DEADLINE_MISSING", "set a deadline on every call")
        if remaining_s < REMAINING_MIN_S:
            raise Fault(grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_TOO_SHORT", f"leave at least {REMAINING_MIN_S} s")
        for key, value in context.invocation_metadata() or ():
            if key == TIME_KEY:
                try:
                    self._clock.observe(from_epoch_us(int(value)))
                except ClockError as error:
                    raise Fault(grpc.StatusCode.FAILED_PRECONDITION, "CLOCK_SKEWED", str(error)) from error
        return remaining_s - SHAVE_S

    async def unary(
        self, behaviour: Callable[..., Awaitable[Any]], request: Any, context: grpc.aio.ServicerContext[Any, Any]
    ) -> Any:
        """Answer a call that gives one response."""
        with self._activity:
            try:
                async with asyncio.timeout(self.check(context)):
                    return await behaviour(request, context)
            except grpc.aio.AbortError:
                raise
            except Exception as error:  # noqa: BLE001  # the edge of the process: a bug ends the call, not the service
                await _abort(context, error)

    async def stream(
        self, behaviour: Callable[..., AsyncIterator[Any]], request: Any, context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[Any]:
        """Answer a call that gives a stream of responses."""
        with self._activity:
            try:
                self.check(context)
                async for response in behaviour(request, context):
                    yield response
            except grpc.aio.AbortError:
                raise
            except Exception as error:  # noqa: BLE001  # the edge of the process: a bug ends the call, not the service
                await _abort(context, error)


def _wrap(handler: grpc.RpcMethodHandler[Any, Any], guard: GuardInterceptor) -> grpc.RpcMethodHandler[Any, Any]:
    behaviour: Any = handler.unary_unary or handler.stream_unary or handler.unary_stream or handler.stream_stream

    async def unary(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        return await guard.unary(behaviour, request, context)

    async def stream(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[Any]:
        async for response in guard.stream(behaviour, request, context):
            yield response

    make = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }[(bool(handler.request_streaming), bool(handler.response_streaming))]
    wrapped = stream if handler.response_streaming else unary
    return make(wrapped, handler.request_deserializer, handler.response_serializer)


async def _abort(context: grpc.aio.ServicerContext[Any, Any], error: BaseException) -> None:
    if isinstance(error, Fault):
        fault = error
    elif isinstance(error, TimeoutError):
        fault = Fault(grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "the server ran out of the caller's time")
    elif isinstance(error, TRANSIENT):
        fault = Fault(grpc.StatusCode.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE", f"{type(error).__name__}; try again later")
        log.warning("call_failed", error=type(error).__name__)
    else:
        fault = Fault(grpc.StatusCode.INTERNAL, "BUG", "this is a fault of the service; its log says where")
        log.error("call_broke", **describe(error))
    await context.abort_with_status(to_status(fault))


class _StampInterceptor:
    """Puts the caller's clock into the metadata of each call."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def _stamp(self, details: grpc.aio.ClientCallDetails) -> grpc.aio.ClientCallDetails:
        metadata = grpc.aio.Metadata(*(details.metadata or ()))
        metadata.add(TIME_KEY, str(to_epoch_us(self._clock.now())))
        return grpc.aio.ClientCallDetails(
            details.method, details.timeout, metadata, details.credentials, details.wait_for_ready
        )


class _StampUnaryUnary(_StampInterceptor, grpc.aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await continuation(self._stamp(client_call_details), request)


class _StampUnaryStream(_StampInterceptor, grpc.aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await continuation(self._stamp(client_call_details), request)


class _StampStreamStream(_StampInterceptor, grpc.aio.StreamStreamClientInterceptor):
    async def intercept_stream_stream(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        return await continuation(self._stamp(client_call_details), request_iterator)


def connect(target: str, clock: Clock) -> grpc.aio.Channel:
    """Open a channel to a service that stamps our clock on each call. Close it at the end."""
    interceptors: list[grpc.aio.ClientInterceptor] = [
        _StampUnaryUnary(clock),
        _StampUnaryStream(clock),
        _StampStreamStream(clock),
    ]
    return grpc.aio.insecure_channel(target, options=OPTIONS, interceptors=interceptors)


class RpcServer:
    """A gRPC server with guard, health and, where wanted, reflection."""

    def __init__(self, listen: str, clock: Clock, activity: Activity, *, reflect: bool = False) -> None:
        options = [*OPTIONS, ("grpc.max_connection_age_ms", CONNECTION_AGE_MAX_MS), ("grpc.so_reuseport", 0)]
        self.server = grpc.aio.server(interceptors=[GuardInterceptor(clock, activity)], options=options)
        self._health = health.aio.HealthServicer()
        self._reflect = reflect
        self._names: list[str] = []
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self.server)
        self.port = self.server.add_insecure_port(listen)

    def add(self, name: str) -> None:
        """Declare the full name of a service that was added to `server`, for health and reflection."""
        self._names.append(name)

    async def start(self) -> None:
        """Serve, and say so."""
        if self._reflect:
            reflection.enable_server_reflection(
                [*self._names, health.SERVICE_NAME, reflection.SERVICE_NAME], self.server
            )
        await self.server.start()
        await self.set_serving(is_serving=True)

    async def set_serving(self, *, is_serving: bool) -> None:
        """Tell the health service, for the whole server and each service."""
        state = health_pb2.HealthCheckResponse
        value = state.SERVING if is_serving else state.NOT_SERVING
        for name in ("", *self._names):
            await self._health.set(name, value)

    async def stop(self, grace_s: float) -> None:
        """Refuse new calls and let those in flight finish."""
        await self.server.stop(grace_s)
