"""The one error boundary: a ``Refusal`` from anywhere below becomes the call's gRPC status; every call is logged."""

import logging
import time
from collections.abc import Callable
from typing import Any, NoReturn

import grpc

log = logging.getLogger(__name__)

_QUIET = ("Probe", "GetPluginInfo", "NodeGetCapabilities", "NodeGetVolumeStats", "GetInfo")
"""Calls that the kubelet and the sidecars repeat for ever; logged only when they fail."""


class Refusal(Exception):
    """A call the driver will not or cannot do, with the status CSI asks for in that case."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def refuse_missing(**needed: object) -> None:
    """Refuse a request that leaves a required field empty."""
    for name, value in needed.items():
        if not value:
            raise Refusal(grpc.StatusCode.INVALID_ARGUMENT, f"{name} is required and missing")


class Boundary(grpc.ServerInterceptor):
    """Turns exceptions into statuses and writes one log line a call."""

    def __init__(self, label: str) -> None:
        self._label = label

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler | None:
        handler = continuation(handler_call_details)
        if handler is None or handler.unary_unary is None:
            return handler
        method = handler_call_details.method.rpartition("/")[2]
        behaviour = handler.unary_unary

        def guarded(request: Any, context: grpc.ServicerContext) -> Any:
            return self._run(behaviour, request, context, method)

        return grpc.unary_unary_rpc_method_handler(
            guarded, handler.request_deserializer, handler.response_serializer
        )

    def _run(
        self, behaviour: Callable[..., Any], request: Any, context: grpc.ServicerContext, method: str
    ) -> Any:
        started = time.monotonic()
        subject = _name_subject(request)
        try:
            answer = behaviour(request, context)
        except Refusal as refusal:
            log.info("%s %s %s: %s: %s", self._label, method, subject, refusal.code.name, refusal.message)
            _abort(context, refusal.code, refusal.message)
        except NotImplementedError as error:  # what generated servicers raise for calls that are not offered
            _abort(context, grpc.StatusCode.UNIMPLEMENTED, str(error))
        except Exception as error:  # the boundary: a driver's bug must reach the caller as a status, not as a hang
            log.exception("%s %s %s", self._label, method, subject)
            _abort(context, grpc.StatusCode.INTERNAL, f"{type(error).__name__}: {error}")
        level = logging.DEBUG if method in _QUIET else logging.INFO
        log.log(level, "%s %s %s: ok in %.3f s", self._label, method, subject, time.monotonic() - started)
        return answer


def _abort(context: grpc.ServicerContext, code: grpc.StatusCode, message: str) -> NoReturn:
    context.abort(code, message)
    raise AssertionError("abort always raises")


def _name_subject(request: Any) -> str:
    """What a call is about, for the log: the first identity the request carries."""
    for field in ("name", "volume_id", "snapshot_id", "group_snapshot_id", "source_volume_id"):
        value = getattr(request, field, "")
        if value:
            return str(value)
    return "-"
