"""What is looked at before anything is made: the class, its driver and snapshot class, rights, quota, admission."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone

from kubectl_rwx.protection.rights import Right, missing_rights, require_rights
from kubectl_rwx.protection.set_names import generate_run
from kubectl_rwx.readiness.verification.objects import (
    CLONE,
    CLONED,
    LIFE_BEYOND,
    READER,
    RESTORE,
    RESTORED,
    SOURCE,
    WRITER,
    Objects,
)
from kubectl_rwx.readiness.verification.requests import VerifyRequest
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import (
    EVENT,
    NODE,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    SNAPSHOT_GROUP,
    STORAGE_CLASS,
    VOLUME_SNAPSHOT,
    VOLUME_SNAPSHOT_CLASS,
)
from plugin_core.model.manifests import Manifest, labels_of, name_of, part_of
from plugin_core.storage.snapshot_classes import ClassChoice, choose_snapshot_class
from plugin_core.storage.storage_classes import provisioner_of_class
from plugin_core.workloads.helper_pods import HelperOptions, Security, choose_security, widen

RIGHTS = (
    *(Right(verb, kind) for kind in (PERSISTENT_VOLUME_CLAIM, POD, VOLUME_SNAPSHOT)
      for verb in ("create", "delete", "list", "watch")),
    Right("get", PERSISTENT_VOLUME_CLAIM), Right("create", POD, "exec"), Right("get", POD, "exec"),
    Right("list", EVENT),
)
"""In the namespace. exec over a websocket is `get` to servers before 1.35, `create` since."""

CLUSTER_RIGHTS = (Right("get", STORAGE_CLASS), Right("list", VOLUME_SNAPSHOT_CLASS))
FURTHER_RIGHTS = (Right("list", NODE), Right("patch", STORAGE_CLASS))
"""Of use where given: how many nodes there are, and the record for `check`."""


_RFC_3339 = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Plan:
    """choice: the VolumeSnapshotClass; None when there is none, for the reason in no_snapshots."""

    storage_class: Manifest
    objects: Objects
    choice: ClassChoice | None
    no_snapshots: str
    nodes: int | None

    @property
    def driver(self) -> str:
        return provisioner_of_class(self.storage_class)


def make_plan(cluster: Cluster, request: VerifyRequest) -> Plan:
    """Raises what would keep the run from working, in the server's words: nothing was made by then.

    All is asked at the same time; what is told first is what the rest may follow from.
    """
    namespace, run = cluster.namespace, generate_run()
    until = (datetime.now(timezone.utc) + timedelta(seconds=request.timeout + LIFE_BEYOND)).strftime(_RFC_3339)
    draft = Objects(namespace, run, request=request, security=Security(), two_nodes=False, until=until)
    with ThreadPoolExecutor(max_workers=5) as pool:
        allowed = pool.submit(require_rights, cluster, [*RIGHTS, CLUSTER_RIGHTS[0]], namespace=namespace)
        classes = pool.submit(_choose_classes, cluster, request)
        counted = pool.submit(_count_nodes, cluster, request.pods)
        security = pool.submit(_choose_security, cluster, draft)
        source = pool.submit(_rehearse, cluster, draft.source_claim())
    allowed.result()
    storage_class, choice, reason = classes.result()
    nodes = counted.result()
    objects = replace(draft, security=security.result(), two_nodes=nodes is not None and nodes > 1)
    source.result()
    if choice:
        _rehearse(cluster, objects.snapshot(snapshot_class=choice.name), objects.restored_claim(size=request.size))
    return Plan(storage_class, objects, choice, reason, nodes)


def _choose_security(cluster: Cluster, draft: Objects) -> Security:
    def build(way: Security) -> Manifest:
        return draft.pod(WRITER, claim=SOURCE, security=way)

    return widen(cluster, build, choose_security(cluster, build))


def _rehearse(cluster: Cluster, *manifests: Manifest) -> None:
    """Has the API server admit objects without storing them: quota, LimitRange, policies speak now."""
    rehearsal = cluster.rehearsing()
    for manifest in manifests:
        rehearsal.create(manifest)


def planned(plan: Plan) -> list[str]:
    """Names of what a run would make, for a dry run."""
    name = plan.objects.name
    parts = [f"pvc/{name(SOURCE)}", f"pod/{name(WRITER)}", f"pod/{name(READER)}"]
    if plan.choice:
        parts += [f"volumesnapshot/{name(SOURCE)}", f"pvc/{name(RESTORE)}", f"pod/{name(RESTORED)}"]
    return parts + ([f"pvc/{name(CLONE)}", f"pod/{name(CLONED)}"] if plan.objects.request.clone else [])


def _read_class(cluster: Cluster, request: VerifyRequest) -> Manifest:
    try:
        return cluster.get(STORAGE_CLASS, request.storage_class)
    except errors.NotFound as error:
        try:
            there = ", ".join(name_of(item) for item in cluster.list_all(STORAGE_CLASS).items) or "none"
        except errors.Forbidden:
            there = "you may not list them"
        raise errors.NotFound(
            f'there is no StorageClass "{request.storage_class}"; there are: {there}', hint="kubectl rwx check",
            status=404,
        ) from error


def _choose_classes(cluster: Cluster, request: VerifyRequest) -> tuple[Manifest, ClassChoice | None, str]:
    """The StorageClass, its VolumeSnapshotClass, and why there is none."""
    storage_class = _read_class(cluster, request)
    return storage_class, *_choose(cluster, provisioner_of_class(storage_class), request)


def _choose(cluster: Cluster, driver: str, request: VerifyRequest) -> tuple[ClassChoice | None, str]:
    """The VolumeSnapshotClass, or why there is none. Raises UsageError when the flag would have to choose."""
    if VOLUME_SNAPSHOT.version not in cluster.versions_of(SNAPSHOT_GROUP):
        return None, "the cluster does not serve snapshot.storage.k8s.io/v1"
    if missing_rights(cluster, [CLUSTER_RIGHTS[1]], namespace=cluster.namespace):
        if request.snapshot_class:
            return ClassChoice(request.snapshot_class, "--snapshot-class", {}), ""
        raise errors.Forbidden(
            "you may not list volumesnapshotclasses, so the one of the driver cannot be found",
            hint="name it with --snapshot-class", status=403,
        )
    classes = cluster.list_all(VOLUME_SNAPSHOT_CLASS).items
    try:
        return choose_snapshot_class(classes, driver=driver, wanted=request.snapshot_class), ""
    except errors.NotReady as error:
        return None, error.message
    except errors.UsageError as error:
        raise errors.UsageError(error.message, hint=error.hint.replace("--class", "--snapshot-class")) from error


def _count_nodes(cluster: Cluster, options: HelperOptions) -> int | None:
    """Nodes that the pods may be placed on; None when nodes may not be listed."""
    try:
        nodes = cluster.list_all(NODE).items
    except errors.Forbidden:
        return None
    return sum(_may_host(node, options) for node in nodes)


def _may_host(node: Manifest, options: HelperOptions) -> bool:
    ready = any(one.get("type") == "Ready" and one.get("status") == "True"
                for one in part_of(node, "status", "conditions") or [])
    fits = all(labels_of(node).get(key) == value for key, value in options.node_selector.items())
    taints = [taint for taint in part_of(node, "spec", "taints") or [] if taint.get("effect") != "PreferNoSchedule"]
    return bool(ready and fits and all(_is_tolerated(taint, options) for taint in taints))


def _is_tolerated(taint: Manifest, options: HelperOptions) -> bool:
    return any(
        toleration.get("effect") in (None, taint.get("effect"))
        and (toleration.get("key") in (None, taint.get("key")))
        and (toleration["operator"] == "Exists" or toleration.get("value") == taint.get("value", ""))
        for toleration in options.tolerations
    )
