"""`setup nfs`: csi-driver-nfs through helm, what lets it run on OpenShift, and classes for one NFS server.

`setup class` is the last part alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from kubectl_rwx.installation import drivers
from kubectl_rwx.installation.classes import ClassRequest, plan_classes, snapshot_class, storage_class
from kubectl_rwx.installation.drivers import DriverRequest, Wanted
from kubectl_rwx.installation.helm import Helm
from kubectl_rwx.installation.privileges import has_sccs, require_privileged_namespace, scc_grant
from kubectl_rwx.installation.rollouts import await_rollouts
from kubectl_rwx.installation.snapshots import Installation
from kubectl_rwx.installation.steps import Step, apply_steps, plan_step, rehearse, require_rights_for
from kubectl_rwx.installation.trial_servers import TrialServer
from kubectl_rwx.protection.rights import Right, require_rights
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.durations import Deadline
from plugin_core.model.kinds import CONFIG_MAP, SECRET, find_kind
from plugin_core.model.manifests import Manifest
from plugin_core.model.progress import Progress

AGAIN = "the same command goes on where this one stopped; kubectl rwx setup nfs --uninstall takes it back"
GRANT = "kubectl-rwx-nfs-privileged-scc"
SERVER_GRANT = "kubectl-rwx-nfs-server-privileged-scc"


@dataclass(frozen=True)
class NfsRequest:
    """server: an NFS server to deploy for trials; None for none. openshift: None asks the cluster."""

    classes: ClassRequest
    driver: DriverRequest = field(default_factory=DriverRequest)
    server: TrialServer | None = None
    openshift: bool | None = None
    wait: bool = True
    timeout: float = 600.0


def set_up_nfs(cluster: Cluster, helm: Helm, request: NfsRequest, progress: Progress) -> Installation:
    """Raises NotReady, Forbidden and others before anything is written; TimedOut when pods do not come up."""
    deadline = Deadline.after(request.timeout)
    bounded = cluster.within(deadline)
    progress.phase("asking helm what the chart installs")
    wanted = drivers.render_driver(helm, request.driver, kube_version=bounded.server_version())
    installation = Installation(drivers.PART, wanted.version, request.driver.chart)
    progress.phase("looking at what is there")
    driver, release = drivers.plan_driver(bounded, helm, wanted, request.driver)
    if driver.writes:
        require_privileged_namespace(bounded, request.driver.namespace, what="csi-driver-nfs")
    if request.server:
        require_privileged_namespace(bounded, request.server.namespace, what="the NFS server for trials")
    before = [plan_step(bounded, item, upgrade=True) for item in _granted(
        request, wanted, sccs=has_sccs(bounded) if request.openshift is None else request.openshift)]
    classes, notes = plan_classes(bounded, request.classes)
    installation.steps, installation.notes = [*before, driver, *classes], notes
    require_rights_for(bounded, [*before, *classes])
    if driver.writes:
        _require_helm_rights(bounded, wanted, request.driver)
    rehearse(bounded, [*before, *classes])
    done: list[Step] = []
    try:
        apply_steps(bounded, before, progress, done=done)
        if driver.writes:
            progress.phase(f"helm installs {drivers.CHART} {wanted.version} in {request.driver.namespace}")
            if not cluster.dry_run.on:
                drivers.install_driver(bounded, helm, wanted, request.driver, release)
            done.append(driver)
            progress.note(f"{driver.name} {driver.change.value}{cluster.dry_run.suffix}")
        if request.wait and not cluster.dry_run.on:
            await_rollouts(cluster, _awaited(installation, wanted, driver), deadline=deadline, progress=progress,
                           again=AGAIN)
        apply_steps(bounded, classes, progress, done=done)
    except KeyboardInterrupt:
        total = sum(step.writes for step in installation.steps)
        raise errors.Interrupted(f"interrupted: {len(done)} of {total} parts are in place", hint=AGAIN) from None
    return installation


def set_up_classes(cluster: Cluster, request: ClassRequest, progress: Progress, *, timeout: float) -> Installation:
    """`setup class`: both classes, on a driver that is there or will be."""
    bounded = cluster.within(Deadline.after(timeout))
    progress.phase("looking at what is there")
    steps, notes = plan_classes(bounded, request)
    require_rights_for(bounded, steps)
    rehearse(bounded, steps)
    apply_steps(bounded, steps, progress, done=[])
    return Installation("class", steps=steps, notes=notes)


def rendered(request: NfsRequest, wanted: Wanted, *, sccs: bool) -> list[Manifest]:
    """Everything `setup nfs` installs, in the order in which kubectl may apply it."""
    return [*_granted(request, wanted, sccs=sccs), *wanted.manifests, *rendered_classes(request.classes)]


def rendered_classes(request: ClassRequest) -> list[Manifest]:
    return [storage_class(request), snapshot_class(request)]


def _granted(request: NfsRequest, wanted: Wanted, *, sccs: bool) -> list[Manifest]:
    """What comes before the driver: the grants its pods need to be admitted, and the server for trials."""
    items = scc_grant(GRANT, wanted.accounts, namespace=request.driver.namespace, part=drivers.PART) if sccs else []
    if request.server:
        if sccs:
            account = request.server.manifests()[0]["metadata"]["name"]
            items += scc_grant(SERVER_GRANT, [account], namespace=request.server.namespace, part="nfs-server")
        items += request.server.manifests()
    return items


def _awaited(installation: Installation, wanted: Wanted, driver: Step) -> Sequence[Manifest]:
    own = [step.manifest for step in installation.steps if step.manifest["kind"] == "Deployment"]
    ours = driver.writes or driver.change.value == "unchanged"
    return [*own, *(wanted.workloads if ours else [])]


def _require_helm_rights(cluster: Cluster, wanted: Wanted, request: DriverRequest) -> None:
    """What helm needs for the chart's objects and for its own records. Raises Forbidden before helm is started."""
    rights = [Right(verb, kind) for kind in (SECRET, CONFIG_MAP) for verb in ("get", "list", "create", "update")]
    for item in wanted.manifests:
        kind = find_kind(str(item["apiVersion"]), str(item["kind"]))
        for verb in ("get", "create", "patch"):
            if kind and Right(verb, kind) not in rights:
                rights.append(Right(verb, kind))
    require_rights(cluster, rights, namespace=request.namespace)
