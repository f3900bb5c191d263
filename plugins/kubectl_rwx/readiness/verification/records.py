"""The record of a run on its StorageClass, for `check`: what was proven, what was refuted, what stays open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone

from kubectl_rwx.readiness.verification.requests import RWX, VerifyRequest
from kubectl_rwx.readiness.verification.steps import ABILITIES, STEPS, Row
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.checks import Check, Verdict
from plugin_core.model.kinds import STORAGE_CLASS
from plugin_core.model.manifests import Manifest, name_of, uid_of
from plugin_core.names import VERIFIED
from plugin_core.storage.storage_classes import provisioner_of_class
from plugin_core.storage.verifications import (
    FAILED,
    PASSED,
    Verification,
    hash_parameters,
    verification_of,
    why_stale,
)


def is_proven(rows: Sequence[Row], *, accept_warnings: bool) -> bool:
    """Nothing failed, and nothing was lost that the user did not accept."""
    bad = {Verdict.FAIL} if accept_warnings else {Verdict.FAIL, Verdict.WARN}
    return not any(row.check.verdict in bad for row in rows if row.check.name in STEPS)


def reason_of(rows: Sequence[Row]) -> str:
    """What failed, else what was lost, in one line; "" when nothing was."""
    for verdict in (Verdict.FAIL, Verdict.WARN):
        found = [f"{row.check.name}: {row.check.observed}" for row in rows
                 if row.check.verdict is verdict and row.check.name in STEPS]
        if found:
            return "; ".join(found)
    return ""


def proved_abilities(rows: Sequence[Row], request: VerifyRequest) -> dict[str, bool]:
    """Ability → whether it worked. Absent: not tried to the end, or a loss leaves it open.

    rwx is told by a ReadWriteMany run alone. A driver that says it does not clone has refuted cloning.
    """
    verdicts = {row.check.name: row.check.verdict for row in rows}
    good = {Verdict.OK, Verdict.WARN} if request.accept_warnings else {Verdict.OK}
    proved = {}
    for ability, names in ABILITIES.items():
        if ability == "rwx" and request.access_mode != RWX:
            continue
        found = [verdicts.get(name, Verdict.SKIP) for name in names]
        if Verdict.FAIL in found or (ability == "clone" and _clone_refused(rows)):
            proved[ability] = False
        elif all(verdict in good for verdict in found):
            proved[ability] = True
    if "rwx" in proved and _one_node(rows):
        del proved["rwx"]
    return proved


def _one_node(rows: Sequence[Row]) -> bool:
    """A warning accepted about pods on one node accepts the run; sharing between nodes was still not tried."""
    return any(row.check.name == "second pod" and row.check.verdict is Verdict.WARN for row in rows)


def _clone_refused(rows: Sequence[Row]) -> bool:
    return any(row.check.name == "clone" and row.check.verdict is Verdict.SKIP and row.seconds is not None
               for row in rows)


def record(cluster: Cluster, storage_class: Manifest, rows: Sequence[Row], request: VerifyRequest) -> Check:
    """Writes the annotation, and says whether that was done; never fails the run."""
    if not request.record:
        return Check("record", Verdict.SKIP, "not wanted (--no-record)")
    before = verification_of(storage_class)
    if before and not why_stale(before, storage_class) and before.access_mode == RWX != request.access_mode:
        return Check("record", Verdict.SKIP, f"the ReadWriteMany record of {before.day} is kept")
    passed = is_proven(rows, accept_warnings=request.accept_warnings)
    written = Verification(
        date=datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"), access_mode=request.access_mode,
        result=PASSED if passed else FAILED, driver=provisioner_of_class(storage_class), uid=uid_of(storage_class),
        parameters_hash=hash_parameters(storage_class), server=cluster.server_version(), reason=reason_of(rows),
        proved=proved_abilities(rows, request),
    )
    patch = {"metadata": {"uid": uid_of(storage_class), "annotations": written.annotation()}}
    try:
        cluster.patch(STORAGE_CLASS, name_of(storage_class), patch)
    except errors.ApiFailure as error:
        return Check("record", Verdict.SKIP, f"not written: {error.server_message or error.message}",
                     "check cannot show this result; ask for patch on storageclasses")
    return Check("record", Verdict.OK, f"annotation {VERIFIED} on storageclass/{name_of(storage_class)}")
