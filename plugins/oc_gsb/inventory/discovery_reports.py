"""The tables of `oc gsb discover`: workloads first, then each claim with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from oc_gsb.inventory.readings import Scope
from plugin_core.model.reports import Column, Item, Report, Section, column
from plugin_core.names import FORCE_GENERIC_BACKUP
from plugin_core.storage.claims import ACCESS_MODES

_SHOWN = 10


def report_on(
    items: Sequence[Item], *, scope: Scope, unused: Sequence[tuple[str, str]], refused: Sequence[str]
) -> Report:
    """unused: claims that no workload mounts. refused: what could not be read."""
    everywhere = scope.namespace is None
    where = (column("NAMESPACE", "namespace"),) if everywhere else ()
    columns = (
        *where, column("WORKLOAD", "target"), column("REPLICAS", "replicas", wide=True), column("SCC", "sccs"),
        column("SIDECAR", "sidecar"), Column("CLAIMS", lambda item: str(len(item["claims"]))),
        Column("BACK UP BY", _ways),
    )
    claims = tuple({"namespace": item["namespace"], "target": item["target"], **claim}
                   for item in items for claim in item["claims"])
    section = Section(key="", title="Claims", items=claims, columns=(
        *where, column("WORKLOAD", "target"), column("CLAIM", "claim"), column("CLASS", "storageClass"),
        Column("MODE", _mode), Column("SNAPSHOTS", _snapshots), column("BACK UP BY", "recommendation"),
        column("DRIVER", "driver", wide=True), column("REASON", "reason"),
    ))
    caveats = dict.fromkeys(f"note: {words}" for claim in claims for words in claim["caveats"])
    return Report(
        kind="DiscoveryList", items=tuple(items), columns=columns, name=lambda item: str(item["target"]),
        facts={"namespace": scope.namespace,
               "unmountedClaims": [f"{namespace}/{name}" for namespace, name in sorted(unused)]},
        empty=f"No workload {scope.words} mounts a claim.", sections=(section,),
        notes=(*caveats, *_unused_note(unused, everywhere=everywhere),
               *(f"warning: not known: {words}" for words in refused)),
    )


def _ways(item: Item) -> str:
    counted = Counter(str(claim["recommendation"]) for claim in item["claims"])
    return ", ".join(f"{way} ({count})" if count > 1 else way for way, count in counted.items()) or "<none>"


def _mode(item: Item) -> str:
    modes = ",".join(ACCESS_MODES.get(mode, mode) for mode in item["accessModes"]) or "<none>"
    return f"{modes} (Block)" if item["volumeMode"] == "Block" else modes


def _snapshots(item: Item) -> str:
    return {True: "yes", False: "no", None: "unknown"}[item["snapshots"]]


def _unused_note(unused: Sequence[tuple[str, str]], *, everywhere: bool) -> list[str]:
    if not unused:
        return []
    names = [f"{namespace}/{name}" if everywhere else name for namespace, name in sorted(unused)]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return [f"note: mounted by no workload: {', '.join(names[:_SHOWN])}{more}; without snapshots Kasten backs such "
            f"claims up only with the annotation {FORCE_GENERIC_BACKUP}=true on their StorageClass"]
