"""`oc gsb scc plan`: the operation over all that was named, and its answer as tables."""

from __future__ import annotations

from collections.abc import Iterator

from oc_gsb.access.plans import AccessPlan, Planner, item_of
from oc_gsb.access.requests import PlanRequest
from oc_gsb.access.reviews import DIFFERS, NOT_SERVED
from oc_gsb.sidecar.results import Answer
from oc_gsb.sidecar.selection import select_workloads
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.manifests import name_of
from plugin_core.model.progress import Progress
from plugin_core.model.reports import Column, Item, Report, Section, column


def plan(cluster: Cluster, request: PlanRequest, *, progress: Progress) -> Answer:
    """Plans each workload; nothing is written. NotReady when one cannot take the sidecar, or others would change."""
    progress.phase("reading SCCs, pods and grants")
    planner = Planner(cluster, reach=request.reach, planned_namespace=request.selection is None)
    if not planner.has_namespace:
        progress.warn(f"namespace {cluster.namespace} does not exist yet: user ids and groups are examples")
    workloads = list(request.manifests)
    if request.selection is not None:
        workloads = select_workloads(cluster, request.selection)
    plans = [planner.plan(workload, live=request.selection is not None) for workload in workloads]
    return Answer(_report(plans, request, namespace=cluster.namespace), _failure(plans))


def _failure(plans: list[AccessPlan]) -> errors.PluginError | None:
    bad = [made for made in plans if made.problems]
    if not bad:
        return None
    lines = "".join(f"\n  - {made.target}: {problem}" for made in bad for problem in made.problems)
    return errors.NotReady(f"{len(bad)} of {len(plans)} workloads have problems:{lines}")


def _report(plans: list[AccessPlan], request: PlanRequest, *, namespace: str) -> Report:
    columns = (
        column("WORKLOAD", "target"), column("ACCOUNT", "serviceAccount"), Column("SCC NOW", _now),
        Column("WITH SIDECAR", lambda item: str(item["sccWithSidecar"] or "refused")), Column("COPY", _copy),
        Column("GRANT", _grant), Column("PLAN", lambda item: "problems" if item["problems"] else "ok"),
    )
    sections = [section for made in plans for section in _why(made)]
    seen: set[str] = set()
    for made in plans:
        if made.copy is not None and name_of(made.copy) not in seen:
            seen.add(name_of(made.copy))
            sections += _difference(made)
    sections += list(_others(plans))
    sections += list(_remarks(plans, request, namespace=namespace))
    return Report(
        kind="SccPlanList", items=tuple(item_of(made) for made in plans), columns=columns,
        name=lambda item: str(item["target"]), facts={"namespace": namespace}, sections=tuple(sections),
        empty=f"No workload in namespace {namespace} matches.",
    )


def _now(item: Item) -> str:
    if item["sccNow"]:
        return str(item["sccNow"])
    return f"{item['sccPredicted']} (predicted)" if item["sccPredicted"] else "refused (predicted)"


def _copy(item: Item) -> str:
    if item["copy"] is None:
        return "not needed" if item["sccWithSidecar"] else "<none>"
    return "there" if item["copy"]["exists"] else "to be made"


def _grant(item: Item) -> str:
    if item["granted"]:
        return "there"
    return ", ".join(f"to be made: {grant['name']}" for grant in item["grants"]) or "not needed"


def _why(made: AccessPlan) -> Iterator[Section]:
    items = tuple({"scc": one["scc"], "verdict": one["verdict"], "reason": reason}
                  for one in made.order for reason in list(one["reasons"])[:4])  # type: ignore[call-overload]
    title = f"Why {made.target} gets {made.later.scc or 'no SCC'} with the sidecar, in the order OpenShift tries them"
    yield Section(key="", title=title, items=items,
                  columns=(column("SCC", "scc"), column("VERDICT", "verdict"), column("REASON", "reason")))


def _difference(made: AccessPlan) -> list[Section]:
    assert made.copy is not None
    if not made.base:
        return []
    state = "is" if made.exists else "would be"
    title = f"What SCC {name_of(made.copy)} {state}, against {name_of(made.base)}"
    return [_told(title, made.diff or ("no difference",))]


def _others(plans: list[AccessPlan]) -> Iterator[Section]:
    granting = [made for made in plans if made.grants]
    if not granting:
        return
    changes = dict.fromkeys(change for made in granting for change in made.consequences.changes)
    title = "Pods whose SCC, user, groups or SELinux level the grant would change at their next restart"
    lines = [change.sentence for change in changes]
    yield _told(title, lines or list(dict.fromkeys(made.consequences.sentence for made in granting)))


def _remarks(plans: list[AccessPlan], request: PlanRequest, *, namespace: str) -> Iterator[Section]:
    lines = [f"Pod Security: {plans[0].pod_security.words}"] if plans else []
    reviews = [review for made in plans for review in made.reviews]
    differing = [f"{made.target}: {review.words}" for made in plans for review in made.reviews
                 if review.verdict == DIFFERS]
    told = differing or [review.words for review in reviews if review.verdict != NOT_SERVED][-1:]
    lines += told or [f"Prediction only: {reviews[0].words}" for _ in reviews[:1]]
    for made in plans:
        lines += [f"{made.target}: its template requires another SCC and must be pinned to {made.scc.wanted}"
                  ] if made.scc.pin else []
        lines += [f"{made.target}: the copy that is there differs from a fresh one in {', '.join(made.drift)}"
                  ] if made.drift else []
        lines += [f"{made.target}: {change}" for change in made.changes]
        if made.copy is not None:
            lines += request.reach.consequences(name_of(made.copy), namespace=namespace)
    if any(made.workload["kind"] == "Pod" for made in plans):
        lines.append("a pod you create yourself may also use the SCCs granted to you; this is what a controller gets")
    if lines:
        yield _told("Worth knowing", list(dict.fromkeys(lines)))


def _told(title: str, lines: list[str] | tuple[str, ...]) -> Section:
    """A section of plain lines, for the table only."""
    return Section(key="", title=title, items=tuple({"line": line} for line in lines),
                   lines=lambda item: (str(item["line"]),))
