"""The end of `setup`: `verify` on a class that is to work now, so that "installed" is not taken for "works"."""

from __future__ import annotations

from kubectl_rwx.installation.reports import setup_report
from kubectl_rwx.installation.snapshots import Installation
from kubectl_rwx.protection.answers import Answer
from kubectl_rwx.readiness.checks import CheckRequest, check_storage
from kubectl_rwx.readiness.verification.proofs import verify
from kubectl_rwx.readiness.verification.requests import VerifyRequest
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.progress import Progress
from plugin_core.workloads.helper_pods import HelperOptions

RWX = "ReadWriteMany"


def finish(
    cluster: Cluster, installation: Installation, *, storage_class: str, pods: HelperOptions, wanted: bool,
    timeout: float, progress: Progress,
) -> Answer:
    """The report of an installation, with the proof below it. storage_class: "" takes the one `check` is surest of.

    The failure is the proof's. wanted: False for --no-verify. A dry run proves nothing.
    """
    if cluster.dry_run.on or not wanted:
        return Answer(setup_report(installation, dry_run=cluster.dry_run.suffix))
    name, notes = storage_class, []
    if not name:
        name = _surest(cluster, progress)
        if not name:
            notes.append("no class is there to prove it with: once there is one, kubectl rwx verify CLASS")
            return Answer(setup_report(installation, notes=notes))
    try:
        answer = verify(cluster, VerifyRequest(storage_class=name, access_mode=RWX, timeout=timeout, pods=pods),
                        progress)
    except errors.PluginError as error:
        told = f"installed; the proof on storageclass/{name} did not come to an end"
        return Answer(setup_report(installation, notes=(told,)), error)
    return Answer(setup_report(installation, proof=answer.report), answer.failure)


def _surest(cluster: Cluster, progress: Progress) -> str:
    """The class `check` calls usable, or, with none, the first one it knows no reason against; "" for none."""
    try:
        items = check_storage(cluster, CheckRequest(), progress).report.items
    except errors.PluginError as error:
        progress.warn(f"no class could be chosen to prove it with: {error.message}")
        return ""
    for verdict in ("usable", "unknown"):
        found = [str(item["name"]) for item in items if item["verdict"] == verdict]
        if found:
            return found[0]
    return ""
