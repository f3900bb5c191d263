"""The shared backup claim that blueprints need: on the best class that `check` finds, with how to use it.

One create; a second run finds the claim and says "unchanged". Nothing is chosen that is not at least known to be shared
and snapshotted: a backup that cannot be snapshotted is none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from kubectl_rwx.diagnosis.explanations import explain_claims
from kubectl_rwx.protection.answers import Answer
from kubectl_rwx.protection.bindings import wait_until_bound
from kubectl_rwx.protection.claim_selection import describe_claim
from kubectl_rwx.protection.consumers import bind_claims
from kubectl_rwx.protection.rights import Right, require_rights
from kubectl_rwx.protection.set_names import generate_run
from kubectl_rwx.readiness.checks import CheckRequest, check_storage
from kubectl_rwx.readiness.provision_reports import provision_report
from plugin_core import errors, names
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Phase
from plugin_core.model.durations import Deadline, format_duration
from plugin_core.model.kinds import PERSISTENT_VOLUME_CLAIM, POD
from plugin_core.model.manifests import Manifest, part_of
from plugin_core.model.progress import Progress
from plugin_core.model.quantities import format_quantity
from plugin_core.model.reports import Item
from plugin_core.storage.claims import size_at
from plugin_core.storage.drivers import Known

RWX = "ReadWriteMany"
_BINDS_LATE = "WaitForFirstConsumer"


@dataclass(frozen=True)
class ProvisionRequest:
    """size: bytes. storage_class: "" takes the best one. bind: run a first consumer where the class waits for one."""

    name: str
    size: int
    storage_class: str = ""
    timeout: float = 300.0
    wait: bool = True
    bind: bool = False
    image: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", self.name):
            raise errors.UsageError(f'"{self.name}" cannot be the name of a claim')
        if self.timeout <= 0:
            raise errors.UsageError("--timeout must be longer than 0", hint="not to wait at all: --no-wait")


def provision(cluster: Cluster, request: ProvisionRequest, progress: Progress) -> Answer:
    """The claim, Bound (or waiting for its first consumer), and the class it is on.

    Raises NotReady when no class will do, AlreadyExists for a claim of that name that is something else.
    """
    deadline = Deadline.after(request.timeout)
    bounded, namespace = cluster.within(deadline), cluster.namespace
    pods = [Right(verb, POD) for verb in ("create", "list", "delete")] if request.bind else []
    require_rights(bounded, [*(Right(verb, PERSISTENT_VOLUME_CLAIM) for verb in ("get", "create", "list")), *pods],
                   namespace=namespace)
    there = _read(bounded, request.name)
    chosen = _choose(bounded, request, there, progress)
    wanted = _claim(request, namespace=namespace, storage_class=str(chosen["name"]))
    existing = _accept(there, wanted) if there else None
    made = existing or bounded.create(wanted)
    if not existing:
        progress.note(f"{describe_claim(request.name)} created{cluster.dry_run.suffix}")
    late = chosen["binding"] == _BINDS_LATE and not part_of(made, "spec", "volumeName")
    failure = None
    if request.wait and not cluster.dry_run.on and (request.bind or not late):
        made, failure = _await(cluster, made, request, late=late, deadline=deadline, progress=progress)
    report = provision_report(
        made, chosen, change="unchanged" if existing else "created", dry_run=cluster.dry_run.suffix,
    )
    return Answer(report, failure)


def _read(cluster: Cluster, name: str) -> Manifest | None:
    try:
        return cluster.get(PERSISTENT_VOLUME_CLAIM, name, namespace=cluster.namespace)
    except errors.NotFound:
        return None


def _choose(cluster: Cluster, request: ProvisionRequest, there: Manifest | None, progress: Progress) -> Item:
    """The row of `check` about the class: the surest, among equals one whose snapshots are of one moment.

    A claim that is there keeps its class. Raises NotReady with the reasons when it is rejected or not known.
    """
    wanted = request.storage_class or str(part_of(there or {}, "spec", "storageClassName") or "")
    named = (wanted,) if wanted else ()
    answer = check_storage(cluster, CheckRequest(classes=named), progress)
    usable = [item for item in answer.report.items if item["verdict"] == "usable"]
    if usable:
        surest = [item for item in usable if item["level"] == usable[0]["level"]]
        best = next((item for item in surest if item["pointInTime"] != Known.NO.value), surest[0])
        progress.note(f"storageclass/{best['name']}: shared and with snapshots ({best['level']})")
        return best
    if isinstance(answer.failure, errors.Forbidden):
        raise answer.failure
    told = "".join(f"\n  {item['name']}: {'; '.join(item['reasons'])}" for item in answer.report.items)
    unknown = next((item["name"] for item in answer.report.items if item["verdict"] == "unknown"), "")
    whose = f'StorageClass "{wanted}" is not' if named else "no StorageClass is"
    raise errors.NotReady(
        f"{whose} known to do shared (ReadWriteMany) volumes with snapshots:{told}",
        hint=f"prove it first: kubectl rwx verify {unknown}" if unknown else "kubectl rwx check shows what can be done",
    )


def _claim(request: ProvisionRequest, *, namespace: str, storage_class: str) -> Manifest:
    return {
        "apiVersion": PERSISTENT_VOLUME_CLAIM.api_version, "kind": PERSISTENT_VOLUME_CLAIM.name,
        "metadata": {
            "name": request.name, "namespace": namespace,
            "labels": {names.MANAGED_BY_LABEL: names.RWX, names.RUN_LABEL: generate_run()},
        },
        "spec": {
            "accessModes": [RWX], "storageClassName": storage_class, "volumeMode": "Filesystem",
            "resources": {"requests": {"storage": format_quantity(request.size)}},
        },
    }


def _accept(there: Manifest, wanted: Manifest) -> Manifest:
    """The claim of an earlier run. Raises AlreadyExists for anything else."""
    request = ("spec", "resources", "requests", "storage")
    own, asked = part_of(there, "spec", "storageClassName"), part_of(wanted, "spec", "storageClassName")
    if RWX not in (part_of(there, "spec", "accessModes") or []):
        different = "it is not ReadWriteMany"
    elif (part_of(there, "spec", "volumeMode") or "Filesystem") != "Filesystem":
        different = "it is a raw block device"
    elif own != asked:
        different = f"its class is {own}, not {asked}"
    elif size_at(there, *request) < size_at(wanted, *request):
        different = f"it asks for {part_of(there, *request)}, not {part_of(wanted, *request)}"
    else:
        return there
    raise errors.AlreadyExists(
        f"{describe_claim(wanted['metadata']['name'])} exists already and was left alone: {different}", status=409,
        hint="choose another name, or the claim's own --class and --size",
    )


def _await(
    cluster: Cluster, made: Manifest, request: ProvisionRequest, *, late: bool, deadline: Deadline, progress: Progress
) -> tuple[Manifest, errors.PluginError | None]:
    name, namespace = request.name, cluster.namespace
    again = f"kubectl rwx wait pvc/{name} -n {namespace}"
    try:
        if late:
            outcomes, problems = bind_claims(
                cluster, [made], namespace=namespace, run=made["metadata"]["labels"][names.RUN_LABEL],
                image=request.image, deadline=deadline, progress=progress,
            )
            outcome = outcomes.get(name)
            return (outcome.manifest or made) if outcome else made, problems[0].error if problems else None
        outcome = wait_until_bound(cluster, [name], namespace=namespace, deadline=deadline, progress=progress,
                                   text="waiting for the claim to be Bound", first_use_will_do=True)[name]
    except KeyboardInterrupt:
        raise errors.Interrupted(f"interrupted: {describe_claim(name)} was created and is bound by itself",
                                 hint=again) from None
    seen = outcome.manifest or made
    if outcome.phase is Phase.READY:
        return seen, None
    if outcome.phase is Phase.FAILED:
        return seen, errors.NotReady(f"{describe_claim(name)}: {outcome.readiness.reason}")
    lines = explain_claims(cluster.within(Deadline.after(10)), [seen], namespace=namespace).get(name, [])
    return seen, errors.TimedOut(
        f"{describe_claim(name)}: not Bound after {format_duration(request.timeout)} (--timeout)"
        + "".join(f"\n    {line}" for line in lines), hint=again,
    )
