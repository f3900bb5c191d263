"""Cloning a claim: a new claim of the same class, filled by the driver from the source as it is at that moment.

What the provisioner asks of a clone is checked first (external-provisioner pkg/controller, getPVCSource): the source is
Bound and stays, same driver, same volumeMode, at least its size.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from kubectl_rwx.diagnosis.explanations import explain_claims
from kubectl_rwx.protection.answers import Answer, Problem, sum_up
from kubectl_rwx.protection.bindings import latest_words, wait_until_bound
from kubectl_rwx.protection.claim_selection import describe_claim
from kubectl_rwx.protection.clone_reports import clone_report
from kubectl_rwx.protection.consumers import bind_claims
from kubectl_rwx.protection.rights import Right, missing_rights, require_rights
from kubectl_rwx.protection.set_names import generate_run
from plugin_core import errors, names
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Outcome, Phase
from plugin_core.model.durations import Deadline, format_duration
from plugin_core.model.kinds import PERSISTENT_VOLUME_CLAIM, POD, STORAGE_CLASS
from plugin_core.model.manifests import Manifest, annotations_of, name_of, part_of, uid_of
from plugin_core.model.progress import Progress
from plugin_core.model.quantities import format_quantity
from plugin_core.storage.claims import Source, judge_binding, provisioner_of, size_at, source_of_claim
from plugin_core.storage.sizes import restore_size
from plugin_core.storage.snapshots import FUZZY, consistency_of_driver
from plugin_core.storage.storage_classes import binds_on_first_use

_NO_CLONES = "does not support clone operations"
"""The provisioner's words for a driver without CLONE_VOLUME (external-provisioner pkg/controller/controller.go)."""


@dataclass(frozen=True)
class CloneRequest:
    """source and name: claims of one namespace. size: bytes, 0 as the source. to_namespace: only to be refused well."""

    source: str
    name: str
    size: int = 0
    storage_class: str = ""
    access_modes: tuple[str, ...] = ()
    to_namespace: str = ""
    timeout: float = 600.0
    wait: bool = True
    bind: bool = False
    image: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", self.name):
            raise errors.UsageError(f'"{self.name}" cannot be the name of a claim')
        if self.name == self.source and not self.to_namespace:
            raise errors.UsageError(f'the clone cannot have its source\'s own name, "{self.name}"')
        if self.timeout <= 0:
            raise errors.UsageError("--timeout must be longer than 0", hint="not to wait at all: --no-wait")


def clone(cluster: Cluster, request: CloneRequest, progress: Progress) -> Answer:
    """One new claim; "unchanged" when an earlier run made it of the same source.

    Raises what keeps the clone from being made before anything is created.
    """
    if request.to_namespace and request.to_namespace != cluster.namespace:
        raise errors.UsageError(
            "a clone cannot leave its namespace: a claim's dataSource is a claim of its own namespace",
            hint=_through_a_snapshot(request, f"--to-namespace {request.to_namespace}", cluster.namespace),
        )
    deadline = Deadline.after(request.timeout)
    bounded, namespace = cluster.within(deadline), cluster.namespace
    rights = [Right("get", PERSISTENT_VOLUME_CLAIM), Right("list", PERSISTENT_VOLUME_CLAIM),
              Right("create", PERSISTENT_VOLUME_CLAIM)]
    if request.bind:
        rights += [Right("create", POD), Right("delete", POD), Right("list", POD)]
    require_rights(bounded, rights, namespace=namespace)
    source = _read_source(bounded, request)
    storage_class = _class_of(bounded, source, progress)
    wanted = _clone_of(source, request, run=generate_run())
    driver = provisioner_of(source)
    if driver and consistency_of_driver(driver, snapshot_class={}) == FUZZY:
        progress.warn(f"{driver} copies file by file while the volume is written to: the clone is fuzzy; stop the "
                      "writers first when that matters")
    existing = _existing(bounded, wanted)
    made = existing or bounded.create(wanted)
    if not existing:
        progress.note(f"{describe_claim(request.name)} created{cluster.dry_run.suffix}")
    on_first_use = binds_on_first_use(storage_class)
    return _Finish(cluster, request, deadline, progress).finish(made, unchanged=bool(existing), late=on_first_use)


def _read_source(cluster: Cluster, request: CloneRequest) -> Manifest:
    """The source, Bound. Raises NotReady otherwise, and UsageError for a class that is not its own."""
    try:
        source = cluster.get(PERSISTENT_VOLUME_CLAIM, request.source, namespace=cluster.namespace)
    except errors.NotFound as error:
        raise errors.NotFound(
            f'there is no claim "{request.source}" in namespace "{cluster.namespace}"', status=404,
            hint=f"kubectl get pvc -n {cluster.namespace}",
        ) from error
    state = judge_binding(source)
    if state.phase is not Phase.READY:
        raise errors.NotReady(
            f'the source "{request.source}" cannot be cloned: {state.reason or "it is not Bound"}; the provisioner '
            "clones Bound claims only", hint=f"kubectl rwx wait pvc/{request.source} -n {cluster.namespace}",
        )
    own = str(part_of(source, "spec", "storageClassName") or "")
    if not own:
        raise errors.NotReady(
            f'the source "{request.source}" has no StorageClass; the provisioner refuses to clone such a claim',
            hint=_through_a_snapshot(request, "--storage-class NAME", cluster.namespace),
        )
    if request.storage_class and request.storage_class != own:
        raise errors.UsageError(
            f'a clone has the class of its source, "{own}", not "{request.storage_class}": the driver copies within '
            "its own storage, and what two classes of it share (pool, filesystem) Kubernetes cannot tell",
            hint=_through_a_snapshot(request, f"--storage-class {request.storage_class}", cluster.namespace),
        )
    return source


def _through_a_snapshot(request: CloneRequest, flag: str, namespace: str) -> str:
    return (f"a snapshot can: kubectl rwx snapshot pvc/{request.source} -n {namespace} --name {request.name} && "
            f"kubectl rwx restore vs/{request.name} -n {namespace} --to {request.name} {flag}")


def _class_of(cluster: Cluster, source: Manifest, progress: Progress) -> Manifest | None:
    """The source's class; None when it may not be read. Raises NotFound when it is gone: nothing would provision."""
    if missing_rights(cluster, [Right("get", STORAGE_CLASS)], namespace=cluster.namespace):
        progress.warn("whether the class exists and binds at once is not checked: you may not get storageclasses")
        return None
    name = str(part_of(source, "spec", "storageClassName"))
    try:
        found = cluster.get(STORAGE_CLASS, name)
    except errors.NotFound as error:
        raise errors.NotFound(
            f'the source\'s StorageClass "{name}" is gone, so nothing can provision a clone', status=404,
            hint="snapshot the claim and restore it with --storage-class, to a class of the same driver",
        ) from error
    driver, provisioner = provisioner_of(source), str(found.get("provisioner", ""))
    if driver and driver != provisioner:
        raise errors.NotReady(
            f'StorageClass "{name}" is of {provisioner} now, the source\'s volume is of {driver}: '
            "the provisioner refuses such a clone",
            hint="snapshot the claim and restore it with --storage-class, to a class of its driver",
        )
    return found


def _clone_of(source: Manifest, request: CloneRequest, *, run: str) -> Manifest:
    was: Source = source_of_claim(source)
    size = restore_size(snapshot_size=0, source=was, wanted=request.size)
    return {
        "apiVersion": PERSISTENT_VOLUME_CLAIM.api_version, "kind": PERSISTENT_VOLUME_CLAIM.name,
        "metadata": {
            "name": request.name, "namespace": source["metadata"]["namespace"],
            "labels": {names.MANAGED_BY_LABEL: names.RWX, names.RUN_LABEL: run},
            "annotations": {names.CLONED_FROM: name_of(source), names.CLONED_FROM_UID: uid_of(source)},
        },
        "spec": {
            "accessModes": list(request.access_modes or was.access_modes), "storageClassName": was.storage_class,
            "volumeMode": was.volume_mode, "resources": {"requests": {"storage": format_quantity(size)}},
            "dataSource": {"kind": PERSISTENT_VOLUME_CLAIM.name, "name": name_of(source)},
        },
    }


def _existing(cluster: Cluster, wanted: Manifest) -> Manifest | None:
    """The clone of an earlier run; None when the name is free. Raises AlreadyExists for anything else."""
    try:
        there = cluster.get(PERSISTENT_VOLUME_CLAIM, name_of(wanted), namespace=cluster.namespace)
    except errors.NotFound:
        return None
    request = ("spec", "resources", "requests", "storage")
    if annotations_of(there).get(names.CLONED_FROM_UID) != annotations_of(wanted)[names.CLONED_FROM_UID]:
        different = "it is no clone of this source"
    elif part_of(there, "spec", "accessModes") != part_of(wanted, "spec", "accessModes"):
        different = "its access modes differ"
    elif size_at(there, *request) < size_at(wanted, *request):
        different = f"its request is {part_of(there, *request)}, not {part_of(wanted, *request)}"
    else:
        return there
    raise errors.AlreadyExists(
        f"{describe_claim(name_of(wanted))} exists already and was left alone: {different}",
        hint="choose another name", status=409,
    )


class _Finish:
    """From the claim that was made to the answer."""

    def __init__(self, cluster: Cluster, request: CloneRequest, deadline: Deadline, progress: Progress) -> None:
        self._cluster, self._request, self._deadline, self._progress = cluster, request, deadline, progress

    def finish(self, made: Manifest, *, unchanged: bool, late: bool) -> Answer:
        request, claim = self._request, made
        problems: list[Problem] = []
        notes: tuple[str, ...] = ()
        idle = late and part_of(made, "status", "phase") != "Bound"
        if request.wait and not self._cluster.dry_run.on and (request.bind or not idle):
            try:
                outcome, problems = self._await(made, bind=idle)
            except KeyboardInterrupt:
                raise errors.Interrupted(
                    f"interrupted: {describe_claim(request.name)} was created and is filled by itself",
                    hint=f"kubectl rwx wait pvc/{request.name} -n {self._cluster.namespace}",
                ) from None
            except errors.ServerAway as error:
                raise errors.ServerAway(
                    f"{error.message}; {describe_claim(request.name)} was created and goes on without us",
                    hint=f"kubectl rwx wait pvc/{request.name} -n {self._cluster.namespace}",
                ) from error
            claim = outcome.manifest or made if outcome else made
            idle = not problems and part_of(claim, "status", "phase") != "Bound"
        if idle:
            notes = (f"{describe_claim(request.name)} waits for its first consumer and is filled when a pod uses it "
                     "(volumeBindingMode WaitForFirstConsumer); --bind makes it real now",)
        change = "unchanged" if unchanged else "created"
        report = clone_report(claim, source=request.source, change=change, idle=idle, problems=problems, notes=notes)
        return Answer(report, sum_up(problems, done=0, undone="claims were not cloned"))

    def _await(self, made: Manifest, *, bind: bool) -> tuple[Outcome | None, list[Problem]]:
        name, namespace = self._request.name, self._cluster.namespace
        if bind:
            outcomes, problems = bind_claims(
                self._cluster, [made], namespace=namespace, run=made["metadata"]["labels"][names.RUN_LABEL],
                image=self._request.image, deadline=self._deadline, progress=self._progress,
            )
            return outcomes.get(name), problems
        outcome = wait_until_bound(
            self._cluster, [name], namespace=namespace, deadline=self._deadline, progress=self._progress,
            text="waiting for the clone to be Bound", first_use_will_do=True, fatal=self._without_clones,
        )[name]
        if outcome.phase is Phase.READY:
            return outcome, []
        if outcome.phase is Phase.FAILED:
            return outcome, [self._given_up(made, outcome.readiness.reason)]
        look = self._cluster.within(Deadline.after(10))
        lines = explain_claims(look, [outcome.manifest or made], namespace=namespace).get(name, [])
        return outcome, [Problem(describe_claim(name), errors.TimedOut(
            f"not Bound after {format_duration(self._request.timeout)} (--timeout)"
            + "".join(f"\n    {line}" for line in lines),
            hint=f"kubectl rwx wait pvc/{name} -n {namespace}\n       to give up: kubectl delete pvc {name} -n "
                 f"{namespace}; instead: {_through_a_snapshot(self._request, '', namespace)}".rstrip(),
        ))]

    def _without_clones(self, pending: dict[str, Outcome]) -> dict[str, str]:
        """A driver without the ability never gets it; everything else it says may pass."""
        look = self._cluster.within(Deadline.after(10))
        said = latest_words(look, list(pending.values()), namespace=self._cluster.namespace)
        return {name: words for name, words in said.items() if _NO_CLONES in words}

    def _given_up(self, made: Manifest, reason: str) -> Problem:
        """The claim would stay Pending for ever, so it is taken away again: that very one, still without a volume."""
        name, hint = self._request.name, ""
        if _NO_CLONES in reason:
            self._cluster.within(None).delete(
                PERSISTENT_VOLUME_CLAIM, name, namespace=self._cluster.namespace, uid=uid_of(made)
            )
            self._progress.note(f"{describe_claim(name)} deleted")
            hint = _through_a_snapshot(self._request, "", self._cluster.namespace).rstrip()
        return Problem(describe_claim(name), errors.NotReady(reason, hint=hint))
