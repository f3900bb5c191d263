"""What a restore takes, found out before anything is changed."""

from __future__ import annotations

from dataclasses import dataclass

from oc_gsb.kasten.environments import ALLOCATED, Environment, Need, needs_of, noted_environment, read_environment
from oc_gsb.kasten.points import Point, find_points, objects_in, read_details
from oc_gsb.kasten.serving import explained, require_kasten
from oc_gsb.kasten.workloads import target_of, workloads_in
from oc_gsb.scc import gsb_copy, missing_for_sidecar
from oc_gsb.sidecar.grants import Grant
from oc_gsb.sidecar.kasten import NAMESPACE
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import NAMESPACE as NAMESPACE_KIND
from plugin_core.model.kinds import POLICY, RESTORE_POINT, SCC_GROUP, SECURITY_CONTEXT_CONSTRAINTS
from plugin_core.model.manifests import Manifest, annotations_of, is_terminating, name_of, part_of
from plugin_core.names import GSB, MANAGED_BY_LABEL, SCC_BASE
from plugin_core.workloads.templates import WORKLOAD_KINDS


@dataclass(frozen=True)
class RestoreRequest:
    """namespace: the application's. point: a restore point or content by name, or KIND/NAME; "" for the newest one,
    exported ones first. to: the namespace to restore to; "" for its own. grant_default: let the account default use the
    SCC too."""

    namespace: str
    point: str = ""
    to: str = ""
    grant_default: bool = False
    timeout: float = 3600.0
    k10_namespace: str = NAMESPACE

    def __post_init__(self) -> None:
        if self.target == self.k10_namespace:
            raise errors.UsageError(f"{self.target} is Kasten's own namespace; nothing is restored to it")

    @property
    def target(self) -> str:
        return self.to or self.namespace


@dataclass(frozen=True)
class RestorePlan:
    """point_name in point_namespace: the RestorePoint to restore from; create_point: it must be made of the content.

    namespace: the target as it is to be created; None when it is there. grants: each with the SCC as it would be
    created, None when it is there. overwritten: workloads of the target that are replaced. known_from: who told what
    the namespace needs, in words; "" when nobody.
    """

    request: RestoreRequest
    point: Point
    point_name: str
    point_namespace: str
    create_point: bool
    namespace: Manifest | None
    grants: tuple[tuple[Grant, Manifest | None], ...]
    overwritten: tuple[str, ...] = ()
    known_from: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def target(self) -> str:
        return self.request.target


def plan_restore(cluster: Cluster, request: RestoreRequest) -> RestorePlan:
    """Reads only. Raises NotFound, NotReady and AlreadyExists for what stands in the way."""
    require_kasten(cluster)
    point = choose_point(cluster, request)
    target = _namespace(cluster, request.target)
    if target and is_terminating(target):
        raise errors.NotReady(f"namespace {request.target} is being deleted",
                              hint="wait until it is gone, then run the same command again")
    environment, known_from = _environment(cluster, request, point)
    grants = _grants(cluster, environment.needs, request)
    name, where, create = _restore_point(cluster, request, point, target_exists=target is not None)
    return RestorePlan(
        request, point, name, where, create, namespace=None if target else _as_created(request.target, environment),
        grants=tuple(grants), overwritten=_overwritten(cluster, request.target) if target else (),
        known_from=known_from,
        warnings=tuple(_warnings(cluster, request, target, environment, known_from)),
    )


def choose_point(cluster: Cluster, request: RestoreRequest) -> Point:
    """The named restore point or content of the namespace, else the newest exported one, else the newest."""
    found = find_points(cluster, namespace=request.namespace, k10_namespace=request.k10_namespace)
    listing = f"oc gsb restorepoints -n {request.namespace}"
    unread = f" ({found.unreadable})" if found.unreadable else ""
    if request.point:
        named = _named(found.points, request.point)
        if not named:
            raise errors.NotFound(f"namespace {request.namespace} has no restore point {request.point}{unread}",
                                  status=404, hint=listing)
        if len({one.content for one in named}) > 1:
            raise errors.UsageError(f"{request.point} is the name of a restore point and of another's content",
                                    hint=f"say which one: restorepoint/{request.point} or "
                                         f"restorepointcontent/{request.point}")
        return named[0]
    if not found.points:
        raise errors.NotFound(f"there is no restore point of namespace {request.namespace}{unread}", status=404,
                              hint="oc gsb restorepoints -A shows all")
    return next((one for one in found.points if one.profile), found.points[0])


def _named(points: tuple[Point, ...], words: str) -> list[Point]:
    """NAME of a restore point or of its content; restorepoint/NAME and restorepointcontent/NAME are one of them."""
    kind, _, name = words.rpartition("/")
    kind = kind.partition(".")[0]
    by_name = [one for one in points if one.name == name and not one.orphan and kind in ("", "rp", "restorepoint")]
    by_content = [one for one in points if one.content == name and kind in ("", "rpc", "restorepointcontent")]
    return by_name + [one for one in by_content if one not in by_name]


def _namespace(cluster: Cluster, name: str) -> Manifest | None:
    """None when it is not there. Who may not read namespaces is taken to name one that is."""
    try:
        return cluster.get(NAMESPACE_KIND, name)
    except errors.NotFound:
        return None
    except errors.Forbidden:
        return {"metadata": {"name": name}}


def _environment(cluster: Cluster, request: RestoreRequest, point: Point) -> tuple[Environment, str]:
    """What is known of the source: the living namespace, what the policy noted, the restore point's own objects."""
    sources: list[tuple[str, Environment]] = []
    try:
        sources.append((f"the living namespace {request.namespace}", read_environment(cluster, request.namespace)))
    except (errors.NotFound, errors.Forbidden):
        pass
    if point.policy:
        try:
            policy = cluster.get(POLICY, point.policy, namespace=point.policy_namespace or request.k10_namespace)
            noted = noted_environment(policy, request.namespace)
            sources += [(f"policy {point.policy}", noted)] if noted else []
        except (errors.NotFound, errors.Forbidden):
            pass
    artifacts = [one for one in objects_in(read_details(cluster, point))
                 if (one["apiVersion"], one["kind"]) in {(kind.api_version, kind.name) for kind in WORKLOAD_KINDS}]
    if artifacts:
        needs = tuple(needs_of(artifacts))
        workloads = tuple(map(target_of, artifacts))
        sources.append(("the restore point's own objects", Environment({}, {}, needs, workloads)))
    telling = [(words, one) for words, one in sources if one.annotations or one.needs]
    merged = Environment(
        annotations=next((one.annotations for _, one in sources if one.annotations), {}),
        labels=next((one.labels for _, one in sources if one.labels), {}),
        needs=tuple(dict.fromkeys(need for _, one in sources for need in one.needs)),
        workloads=tuple(dict.fromkeys(name for _, one in sources for name in one.workloads)),
    )
    return merged, ", ".join(words for words, _ in telling)


def _grants(cluster: Cluster, needs: tuple[Need, ...], request: RestoreRequest) -> list[tuple[Grant, Manifest | None]]:
    """For each account and SCC one grant in the target. Where there are no SCCs, none."""
    if not needs or not cluster.versions_of(SCC_GROUP):
        return []
    pairs = dict.fromkeys((need.account, need.scc, need.base) for need in needs if need.base)
    if request.grant_default:
        pairs |= dict.fromkeys(("default", need.scc, need.base) for need in needs if need.base)
    return [(Grant(scc=scc, namespace=request.target, account=account), _copy(cluster, scc, base))
            for account, scc, base in pairs]


def _copy(cluster: Cluster, scc: str, base: str) -> Manifest | None:
    """The SCC as it is to be created; None when it is there and allows what the sidecar asks for."""
    try:
        lacks = missing_for_sidecar(cluster.get(SECURITY_CONTEXT_CONSTRAINTS, scc))
    except errors.Forbidden:
        return None
    except errors.NotFound:
        pass
    else:
        if lacks:
            raise errors.NotReady(f"SCC {scc} is there but does not allow {', '.join(lacks)}",
                                  hint="add what is missing, or delete it and run the same command again")
        return None
    try:
        copy = gsb_copy(cluster.get(SECURITY_CONTEXT_CONSTRAINTS, base), labels={MANAGED_BY_LABEL: GSB})
    except errors.NotFound as error:
        raise errors.NotReady(f"SCC {scc} is gone, and so is {base}, which it was a copy of",
                              hint="create one of them first") from error
    if copy is None or name_of(copy) != scc:
        raise errors.NotReady(f"SCC {scc} is gone and cannot be made of {base}",
                              hint="create it first: oc gsb scc create")
    copy["metadata"]["annotations"] = {SCC_BASE: base}
    return copy


def _restore_point(
    cluster: Cluster, request: RestoreRequest, point: Point, *, target_exists: bool
) -> tuple[str, str, bool]:
    """Name and namespace of the RestorePoint to use, and whether it must be made of the content first."""
    if not point.orphan:
        return point.name, str(point.manifest["metadata"]["namespace"]), False
    if not target_exists:
        return point.content, request.target, True
    try:
        with explained(k10_namespace=request.k10_namespace):
            there = cluster.get(RESTORE_POINT, point.content, namespace=request.target)
    except errors.NotFound:
        return point.content, request.target, True
    content = part_of(there, "spec", "restorePointContentRef", "name")
    if content != point.content:
        raise errors.AlreadyExists(
            f"namespace {request.target} has a restore point {point.content}, but of the content {content}", status=409,
            hint=f"kubectl -n {request.target} delete restorepoints.apps.kio.kasten.io {point.content} (frees no data)")
    return point.content, request.target, False


def _as_created(name: str, environment: Environment) -> Manifest:
    """The uid range, groups and MCS must be there at creation: the allocator would otherwise choose new ones."""
    metadata: Manifest = {"name": name, "labels": dict(environment.labels),
                          "annotations": dict(environment.annotations)}
    return {"apiVersion": "v1", "kind": NAMESPACE_KIND.name, "metadata": metadata}


def _overwritten(cluster: Cluster, target: str) -> tuple[str, ...]:
    return tuple(map(target_of, workloads_in(cluster, target)))


def _warnings(
    cluster: Cluster, request: RestoreRequest, target: Manifest | None, environment: Environment, known_from: str
) -> list[str]:
    if not cluster.versions_of(SCC_GROUP):
        return []
    found = []
    if not known_from:
        found.append("nothing is known of the SCCs the workloads need: pods that ask for capabilities may be refused, "
                     "and the restore then waits for them; oc gsb scc grant helps")
    if target is None and not environment.annotations:
        found.append(f"the uid range of the old namespace is not known: {request.target} gets a new one, while the "
                     "files keep their owners")
    there = {key: value for key, value in annotations_of(target or {}).items() if key in ALLOCATED[:1]}
    wanted = {key: value for key, value in environment.annotations.items() if key in there}
    if target and wanted and wanted != there:
        found.append(f"pods in {request.target} run as users of {there[ALLOCATED[0]]}, the files belong to users of "
                     f"{wanted[ALLOCATED[0]]}: an application without fsGroup may not be able to read them")
    return found
