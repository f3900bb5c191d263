"""How large a restored claim must be."""

from __future__ import annotations

from plugin_core import errors
from plugin_core.model.quantities import MEBIBYTE, format_quantity, round_up_to_mebibytes
from plugin_core.storage.claims import Source


def restore_size(*, snapshot_size: int, source: Source, wanted: int = 0) -> int:
    """Bytes to request: the largest of restoreSize, the source's capacity and request, and --size, in whole Mi.

    snapshot_size: status.restoreSize, 0 when absent. It alone will not do: drivers leave it out (0 means unspecified,
    external-snapshotter 8.0), and csi-driver-nfs reports the size of a compressed archive. Too small a claim stays
    Pending for ever, so a smaller --size is a UsageError.
    """
    needs = {
        "restoreSize of the snapshot": snapshot_size,
        "capacity of the source claim": source.capacity,
        "request of the source claim": source.request,
    }
    largest = max(needs, key=lambda name: needs[name])
    least = needs[largest]
    if not least and not wanted:
        raise errors.UsageError(
            "nothing tells how large the restored claim must be: the snapshot has no restoreSize "
            "and its source is gone",
            hint="give the source's size with --size",
        )
    if wanted and wanted < least:
        raise errors.UsageError(
            f"--size {format_quantity(wanted)} is too small: the {largest} is {format_quantity(least)}",
            hint=f"leave --size out, or give at least {format_quantity(round_up_to_mebibytes(least))}",
        )
    return max(MEBIBYTE, round_up_to_mebibytes(max(least, wanted)))
