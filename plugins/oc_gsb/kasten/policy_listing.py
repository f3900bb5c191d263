"""Policies as a user meets them: created, listed with their last run, deleted."""

from __future__ import annotations

from oc_gsb.kasten.actions import Action, action_item
from oc_gsb.kasten.policies import PolicyRequest, backup_profile_of, ensure_policy, namespaces_of
from oc_gsb.kasten.profiles import validation_words
from oc_gsb.kasten.runs import runs_of
from oc_gsb.kasten.serving import require_kasten
from plugin_core import errors
from plugin_core.kube.cluster import Cluster, DryRun
from plugin_core.model.durations import age_of
from plugin_core.model.kinds import POLICY
from plugin_core.model.manifests import Manifest, name_of, part_of
from plugin_core.model.progress import Progress
from plugin_core.model.reports import Column, Item, Report, Section, column


def create_policy(cluster: Cluster, request: PolicyRequest, progress: Progress) -> Report:
    """The policy, made or found as asked for."""
    ensured = ensure_policy(cluster, request, progress)
    for warning in ensured.warnings:
        progress.warn(warning)
    item = {**_item(ensured.policy, None), "result": ensured.result}
    suffix = cluster.dry_run.suffix
    columns = (column("POLICY", "name"), Column("RESULT", lambda one: f"{one['result']}{suffix}"),
               column("NAMESPACES", "namespaces"), column("PROFILE", "profile"), column("EXPORT", "exportProfile"),
               column("VALIDATION", "validation"))
    return _report((item,), columns, dry_run=cluster.dry_run)


def policy_status(cluster: Cluster, *, name: str, namespace: str, k10_namespace: str) -> Report:
    """Policies with their newest run; name "": those for the namespace, or all for "". A named one: all its runs."""
    require_kasten(cluster)
    if name:
        policies = [_get(cluster, name, k10_namespace=k10_namespace)]
    else:
        policies = [one for one in cluster.list_all(POLICY, namespace=k10_namespace).items
                    if not namespace or namespace in namespaces_of(one)]
    runs = {name_of(one): runs_of(cluster, name_of(one), k10_namespace=k10_namespace) for one in policies}
    items = tuple(_item(one, next(iter(runs[name_of(one)]), None)) for one in policies)
    columns = (
        column("POLICY", "name"), column("NAMESPACES", "namespaces"), column("PROFILE", "profile"),
        column("EXPORT", "exportProfile"), column("FREQUENCY", "frequency", wide=True),
        column("VALIDATION", "validation"), column("LAST RUN", "lastRunState"),
        Column("AGE", lambda item: age_of(item["lastRun"]) if item["lastRun"] else "<none>"),
        column("MESSAGE", "message"),
    )
    told = tuple(action_item(run) for run in runs[name]) if name else ()
    section = Section("runs", "RUNS", told, (
        column("RUN", "name"), column("STATE", "state"), Column("PROGRESS", lambda item: f"{item['progress']}%"),
        Column("AGE", lambda item: age_of(item["startTime"])), column("MESSAGE", "message")))
    where = f"for namespace {namespace}" if namespace else f"in {k10_namespace}"
    return _report(items, columns, sections=(section,), empty=f"There is no policy {where}.")


def delete_policy(cluster: Cluster, *, name: str, k10_namespace: str) -> Report:
    """Restore points stay: they are no property of the policy."""
    require_kasten(cluster)
    policy = _get(cluster, name, k10_namespace=k10_namespace)
    cluster.delete(POLICY, name, namespace=k10_namespace, uid=policy["metadata"]["uid"])
    item = {**_item(policy, None), "result": "deleted"}
    suffix = cluster.dry_run.suffix
    columns = (column("POLICY", "name"), Column("RESULT", lambda one: f"{one['result']}{suffix}"))
    return _report((item,), columns, dry_run=cluster.dry_run)


def _get(cluster: Cluster, name: str, *, k10_namespace: str) -> Manifest:
    try:
        return cluster.get(POLICY, name, namespace=k10_namespace)
    except errors.NotFound as error:
        raise errors.NotFound(f"there is no policy {name} in namespace {k10_namespace}", status=404,
                              hint="oc gsb policy status -A lists them") from error


def _item(policy: Manifest, run: Action | None) -> Item:
    actions = {one.get("action"): one for one in part_of(policy, "spec", "actions") or []}
    export = part_of(actions.get("export") or {}, "exportParameters", "profile", "name")
    words = validation_words(policy)
    return {
        "name": name_of(policy), "namespaces": list(namespaces_of(policy)),
        "profile": backup_profile_of(policy) or None,
        "exportProfile": export, "frequency": part_of(policy, "spec", "frequency"),
        "validation": part_of(policy, "status", "validation"),
        "lastRun": part_of(run.manifest, "metadata", "creationTimestamp") if run else None,
        "lastRunName": run.name if run else None, "lastRunState": run.state if run else None,
        "message": words or ("; ".join(run.errors) if run else ""), "result": None,
    }


def _report(
    items: tuple[Item, ...], columns: tuple[Column, ...], *, dry_run: DryRun = DryRun.NONE,
    sections: tuple[Section, ...] = (), empty: str = "There is no policy.",
) -> Report:
    return Report(kind="PolicyList", items=items, columns=columns, name=lambda item: f"policy/{item['name']}",
                  facts={"dryRun": dry_run.value}, sections=sections, empty=empty)
