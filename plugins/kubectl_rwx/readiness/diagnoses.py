"""kubectl rwx diagnose: which link of the chain behind a snapshot or claim is the first that is broken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kubectl_rwx.diagnosis.absences import walk_absent
from kubectl_rwx.diagnosis.claims import walk_claim
from kubectl_rwx.diagnosis.links import Chain, Verdict
from kubectl_rwx.diagnosis.sights import Sight
from kubectl_rwx.diagnosis.snapshots import walk_snapshot
from kubectl_rwx.protection.answers import Answer, Problem, sum_up
from kubectl_rwx.readiness.diagnosis_reports import diagnosis_report
from plugin_core import errors, names
from plugin_core.cli.targets import parse_targets
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import NAMESPACE, PERSISTENT_VOLUME_CLAIM, VOLUME_SNAPSHOT, Kind
from plugin_core.model.manifests import Manifest
from plugin_core.model.progress import Progress
from plugin_core.model.refs import Target

ANY = "*"
"""Stands for every object of a kind that is not served."""


@dataclass(frozen=True)
class DiagnosisRequest:
    """Objects by name, one set, or what a selector matches; everything: only what is stuck, with a selector or not."""

    targets: tuple[Target, ...] = ()
    set_name: str = ""
    selector: str = ""
    everything: bool = False
    all_namespaces: bool = False

    def __post_init__(self) -> None:
        ways = [bool(self.targets), bool(self.set_name), bool(self.selector or self.everything)]
        if sum(ways) != 1:
            raise errors.UsageError(
                "say what to diagnose" if not any(ways) else "either names, or -l and --all, not both",
                hint="vs/NAME, pvc/NAME, the name of one set, -l LABELS, or --all for everything that is stuck",
            )
        if self.all_namespaces and not (self.selector or self.everything):
            raise errors.UsageError("names are of one namespace", hint="-n NAMESPACE, or --all with -A")


def diagnosis_request(
    words: Sequence[str], *, selector: str, everything: bool, all_namespaces: bool
) -> DiagnosisRequest:
    """From the command line. Raises UsageError."""
    options = {"selector": selector, "everything": everything, "all_namespaces": all_namespaces}
    if len(words) == 1 and "/" not in words[0]:
        return DiagnosisRequest(set_name=words[0], **options)  # type: ignore[arg-type]
    targets = parse_targets(words, allowed=[VOLUME_SNAPSHOT, PERSISTENT_VOLUME_CLAIM])
    return DiagnosisRequest(targets=targets, **options)  # type: ignore[arg-type]


def diagnose(cluster: Cluster, request: DiagnosisRequest, progress: Progress) -> Answer:
    """A chain for each object; reads only.

    The failure is NotReady when any is not healthy, Forbidden or NotFound when one could not be looked at at all.
    """
    namespace = "" if request.all_namespaces else cluster.namespace
    progress.phase("looking at the chain behind each object")
    chosen, problems = _choose(cluster, request, namespace)
    sight = Sight(cluster, namespace=namespace, count=len(chosen))
    chains = []
    for kind, manifest in chosen:
        chain = walk_snapshot(sight, manifest) if kind == VOLUME_SNAPSHOT else walk_claim(sight, manifest)
        if not (request.everything and chain.verdict is Verdict.HEALTHY):
            chains.append(chain)
    for target, error in problems:
        absent = walk_absent(sight, target.kind, target.name, namespace=namespace)
        if absent:
            chains.append(absent)
    explained = {chain.subject for chain in chains}
    left = [Problem(str(target), error) for target, error in problems if str(target) not in explained]
    report = diagnosis_report(
        chains, problems=left, looked_at=len(chosen), where=namespace or "any namespace", stuck_only=request.everything,
        with_namespace=request.all_namespaces,
    )
    return Answer(report, _failure(chains, left))


def _failure(chains: Sequence[Chain], problems: Sequence[Problem]) -> errors.PluginError | None:
    unwell = [chain for chain in chains if chain.verdict is not Verdict.HEALTHY]
    if not unwell:
        return sum_up(problems, done=len(chains), undone="objects were not looked at")
    told = [f"{chain.subject}: {chain.verdict.value}" + (f" at {chain.first.name}" if chain.first else "")
            for chain in unwell[:5]]
    more = f" and {len(unwell) - 5} more" if len(unwell) > 5 else ""
    told += [f"{problem.subject}: {problem.error.message}" for problem in problems]
    return errors.NotReady(f"{len(unwell)} of {len(chains) + len(problems)} not healthy: {'; '.join(told)}{more}")


def _choose(
    cluster: Cluster, request: DiagnosisRequest, namespace: str
) -> tuple[list[tuple[Kind, Manifest]], list[tuple[Target, errors.PluginError]]]:
    """The objects asked for, and why others could not be looked at. Raises what concerns the request as a whole."""
    if request.targets:
        return _read_targets(cluster, request.targets, namespace)
    if request.set_name:
        labels = f"{names.SET_LABEL}={request.set_name}"
        try:
            found = _list(cluster, VOLUME_SNAPSHOT, namespace, labels)
        except errors.NotFound as error:
            return [], [(Target(VOLUME_SNAPSHOT, request.set_name), error)]
        if not found:
            raise errors.NotFound(
                f'there is no snapshot set "{request.set_name}" in namespace "{namespace}"', status=404,
                hint=f"a snapshot without a set is named vs/{request.set_name}, a claim pvc/{request.set_name}",
            )
        return found, []
    problems: list[tuple[Target, errors.PluginError]] = []
    found = []
    for kind in (VOLUME_SNAPSHOT, PERSISTENT_VOLUME_CLAIM):
        try:
            found += _list(cluster, kind, namespace, request.selector)
        except errors.NotFound as error:
            problems.append((Target(kind, ANY), error))
    if not found and request.selector and not request.everything:
        raise errors.NotFound(f'nothing has the labels "{request.selector}"', status=404,
                              hint="kubectl get volumesnapshots,pvc --show-labels")
    if not found and namespace:
        _require_namespace(cluster, namespace)
    return found, problems


def _require_namespace(cluster: Cluster, namespace: str) -> None:
    """Raises NotFound for one that does not exist, as far as that may be known: nothing there is not nothing stuck."""
    try:
        cluster.get(NAMESPACE, namespace)
    except errors.Forbidden:
        return


def _list(cluster: Cluster, kind: Kind, namespace: str, labels: str) -> list[tuple[Kind, Manifest]]:
    """Raises NotFound when the kind is not served."""
    items = cluster.list_all(kind, namespace=namespace or None, labels=labels).items
    return [(kind, item) for item in items]


def _read_targets(
    cluster: Cluster, targets: Iterable[Target], namespace: str
) -> tuple[list[tuple[Kind, Manifest]], list[tuple[Target, errors.PluginError]]]:
    found: list[tuple[Kind, Manifest]] = []
    problems: list[tuple[Target, errors.PluginError]] = []
    by_kind: dict[Kind, list[Target]] = {}
    for target in targets:
        by_kind.setdefault(target.kind, []).append(target)
    for kind, wanted in by_kind.items():
        sight = Sight(cluster, namespace=namespace, count=len(wanted))
        for target in wanted:
            look = sight.get(kind, target.name, namespace=namespace)
            if look.one:
                found.append((kind, look.one))
            elif look.seen:
                problems.append((target, errors.NotFound(
                    f'it does not exist in namespace "{namespace}"', status=404,
                    hint=f"kubectl get {kind.plural} -n {namespace} (another namespace: -n)",
                )))
            else:
                problems.append((target, errors.Forbidden(
                    f"may not be read: {look.request} in namespace \"{namespace}\"", status=403,
                    hint="kubectl rwx rbac diagnose prints a Role that is enough",
                )))
    return found, problems
