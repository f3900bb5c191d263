"""What a driver offers a volume to be used as."""

from collections.abc import Iterable

import csi_pb2
import grpc

from sandbox.csi.refusals import Refusal
from sandbox.csi.variants import Variant

_MODE = csi_pb2.VolumeCapability.AccessMode
_ONE_NODE = frozenset(
    {
        _MODE.SINGLE_NODE_WRITER,
        _MODE.SINGLE_NODE_READER_ONLY,
        _MODE.SINGLE_NODE_SINGLE_WRITER,
        _MODE.SINGLE_NODE_MULTI_WRITER,
    }
)
_MANY_NODES = frozenset({_MODE.MULTI_NODE_READER_ONLY, _MODE.MULTI_NODE_SINGLE_WRITER, _MODE.MULTI_NODE_MULTI_WRITER})
READERS = frozenset({_MODE.SINGLE_NODE_READER_ONLY, _MODE.MULTI_NODE_READER_ONLY})
ONE_POD = _MODE.SINGLE_NODE_SINGLE_WRITER


def refuse_unsupported(variant: Variant, capabilities: Iterable[csi_pb2.VolumeCapability]) -> None:
    """Refuse what a volume of this driver cannot be used as; none asked for is refused too."""
    wanted = list(capabilities)
    if not wanted:
        raise Refusal(grpc.StatusCode.INVALID_ARGUMENT, "a volume capability is required and missing")
    for capability in wanted:
        reason = _explain_unsupported(variant, capability)
        if reason:
            raise Refusal(grpc.StatusCode.INVALID_ARGUMENT, reason)


def _explain_unsupported(variant: Variant, capability: csi_pb2.VolumeCapability) -> str:
    mode = capability.access_mode.mode
    if capability.WhichOneof("access_type") == "block":
        return "volumeMode Block is not offered: there are no block devices here, only directories"
    if mode in _MANY_NODES and not variant.many_nodes:
        return f"access mode {_MODE.Mode.Name(mode)} is not offered: a volume can be used on one node only"
    if mode not in _ONE_NODE | _MANY_NODES:
        return f"access mode {mode} is not known"
    return ""
