"""Carrying out a restore: everything admission will ask for first, then Kasten's action, then the proof."""

from __future__ import annotations

import uuid

from oc_gsb.kasten.actions import Action, Ending
from oc_gsb.kasten.following import follow_action
from oc_gsb.kasten.restore_grants import GrantKeeper
from oc_gsb.kasten.restore_plans import RestorePlan
from oc_gsb.kasten.restore_steps import Answer, Step, answer_of
from oc_gsb.kasten.serving import Right, briefly, explained, require_rights
from oc_gsb.kasten.workloads import target_of, workloads_in
from oc_gsb.sidecar.containers import sidecar_of
from oc_gsb.sidecar.requests import VerifyRequest
from oc_gsb.sidecar.selection import Selection
from oc_gsb.sidecar.verify import verify
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Phase
from plugin_core.model.durations import Deadline, format_duration
from plugin_core.model.kinds import NAMESPACE, RESTORE_ACTION, RESTORE_POINT, SECURITY_CONTEXT_CONSTRAINTS
from plugin_core.model.manifests import Manifest, name_of, part_of
from plugin_core.model.progress import Progress
from plugin_core.model.refs import Target
from plugin_core.names import GSB, MANAGED_BY_LABEL, RUN_LABEL
from plugin_core.workloads.templates import kind_of, pod_spec_of
from plugin_core.workloads.waits import wait_for_rollout


def restore(cluster: Cluster, plan: RestorePlan, progress: Progress) -> Answer:
    """The steps that were taken and how each ended. A restore of this point to this namespace that is under way is
    followed, no second one is started."""
    deadline = Deadline.after(plan.request.timeout)
    require_rights(cluster, _rights(plan), purpose="restore")
    for warning in plan.warnings:
        progress.warn(warning)
    steps: list[Step] = []
    keeper = GrantKeeper(cluster, plan.grants, progress, namespace=plan.target, created=plan.namespace is not None)
    if not _prepare(cluster, plan, keeper, steps, progress):
        return answer_of(plan, steps, dry_run=cluster.dry_run)
    name = _under_way(cluster, plan)
    if name:
        progress.note(f"restoreaction/{name} is under way; following it")
    else:
        _make_point(cluster, plan, steps, progress)
        name = _start(cluster, plan, progress)
    if cluster.dry_run.on:
        steps.append(Step("restore", "asked", f"restoreaction/{name}"))
        return answer_of(plan, steps, dry_run=cluster.dry_run)
    failure = _follow(cluster, plan, name, keeper, steps, deadline=deadline, progress=progress)
    if failure is None:
        failure = _prove(cluster, plan, steps, deadline=deadline, progress=progress)
    return answer_of(plan, steps, dry_run=cluster.dry_run, failure=failure)


def _rights(plan: RestorePlan) -> list[Right]:
    wanted: list[Right] = [("create", RESTORE_ACTION, plan.target), ("get", RESTORE_ACTION, plan.target)]
    if plan.create_point:
        wanted.append(("create", RESTORE_POINT, plan.point_namespace))
    if plan.namespace:
        wanted.append(("create", NAMESPACE, None))
    if any(copy for _, copy in plan.grants):
        wanted.append(("create", SECURITY_CONTEXT_CONSTRAINTS, None))
    return wanted


def _prepare(
    cluster: Cluster, plan: RestorePlan, keeper: GrantKeeper, steps: list[Step], progress: Progress
) -> bool:
    """Namespace and grants. False under a dry run that cannot go on, as the namespace is not there."""
    progress.phase(f"preparing namespace {plan.target}")
    if plan.namespace:
        try:
            cluster.create(plan.namespace)
            steps.append(Step("namespace", "created", _allocated(plan.namespace)))
            progress.note(f"namespace/{plan.target} created{cluster.dry_run.suffix}")
        except errors.AlreadyExists:
            steps.append(Step("namespace", "unchanged", plan.target))
        if cluster.dry_run.on:
            steps += [Step("grant", "planned", f"{grant.scc} to {grant.account}") for grant, _ in plan.grants]
            steps.append(Step("restore", "planned", f"of {plan.point.name}; a missing namespace cannot be asked"))
            return False
    else:
        steps.append(Step("namespace", "unchanged", plan.target))
    for step in keeper.ensure():
        steps.append(step)
    return True


def _allocated(namespace: Manifest) -> str:
    annotations = part_of(namespace, "metadata", "annotations") or {}
    return ", ".join(f"{key.rpartition('.')[2]} {value}" for key, value in annotations.items()) or name_of(namespace)


def _under_way(cluster: Cluster, plan: RestorePlan) -> str:
    """The name of the running restore of this very point; another one in the namespace is in the way."""
    with explained(k10_namespace=plan.request.k10_namespace):
        listed = briefly(cluster).list_all(RESTORE_ACTION, namespace=plan.target).items
    for action in (Action(RESTORE_ACTION, one) for one in listed):
        if action.ending is not Ending.RUNNING:
            continue
        subject = part_of(action.manifest, "spec", "subject") or {}
        if (subject.get("name"), subject.get("namespace")) == (plan.point_name, plan.point_namespace):
            return action.name
        raise errors.NotReady(
            f"another restore is under way in namespace {plan.target}: {action.brief}",
            hint=f"wait for it: kubectl -n {plan.target} get restoreactions.actions.kio.kasten.io {action.name}")
    return ""


def _make_point(cluster: Cluster, plan: RestorePlan, steps: list[Step], progress: Progress) -> None:
    if not plan.create_point:
        steps.append(Step("restore point", "unchanged", f"{plan.point_namespace}/{plan.point_name}"))
        return
    manifest = {
        "apiVersion": RESTORE_POINT.api_version, "kind": RESTORE_POINT.name,
        "metadata": {"name": plan.point_name, "namespace": plan.point_namespace, "labels": {MANAGED_BY_LABEL: GSB}},
        "spec": {"restorePointContentRef": {"name": plan.point.content}},
    }
    try:
        with explained(k10_namespace=plan.request.k10_namespace):
            briefly(cluster).create(manifest)
    except errors.AlreadyExists:
        # Kasten may bind contents to a namespace of the same name by itself (facts 3.4: not known)
        steps.append(Step("restore point", "unchanged", f"{plan.point_namespace}/{plan.point_name}"))
        return
    progress.note(f"restorepoint/{plan.point_name} created{cluster.dry_run.suffix}")
    steps.append(Step("restore point", "created", f"{plan.point_namespace}/{plan.point_name}"))


def _start(cluster: Cluster, plan: RestorePlan, progress: Progress) -> str:
    run = uuid.uuid4().hex[:12]
    subject = {"apiVersion": RESTORE_POINT.api_version, "kind": RESTORE_POINT.name, "name": plan.point_name,
               "namespace": plan.point_namespace}
    manifest = {
        "apiVersion": RESTORE_ACTION.api_version, "kind": RESTORE_ACTION.name,
        "metadata": {"name": f"{plan.target[:45].rstrip('-')}-{run}", "namespace": plan.target,
                     "labels": {MANAGED_BY_LABEL: GSB, RUN_LABEL: run}},
        "spec": {"subject": subject, "targetNamespace": plan.target, "overwriteExisting": True},
    }
    with explained(k10_namespace=plan.request.k10_namespace):
        action = briefly(cluster).create(manifest)
    progress.note(f"restoreaction/{name_of(action)} created{cluster.dry_run.suffix}")
    return name_of(action)


def _follow(
    cluster: Cluster, plan: RestorePlan, name: str, keeper: GrantKeeper, steps: list[Step], *, deadline: Deadline,
    progress: Progress,
) -> errors.PluginError | None:
    progress.phase(f"restoreaction/{name}", total=100)
    try:
        with explained(k10_namespace=plan.request.k10_namespace):
            look = follow_action(
                cluster, RESTORE_ACTION, name, namespace=plan.target, deadline=deadline, progress=progress,
                movers_in=(plan.request.k10_namespace, plan.target), also=keeper.look)
    except KeyboardInterrupt:
        raise errors.Interrupted(f"interrupted; restoreaction/{name} goes on in Kasten",
                                 hint="the same command follows it again") from None
    except errors.Forbidden as error:
        # the rights to look were asked for before the start: what came since are the Roles of the restore point
        raise errors.Forbidden(
            f"restoreaction/{name} goes on in Kasten, but cannot be followed any more: {error.message}",
            hint=f"Kasten puts Roles and RoleBindings of namespace {plan.target} back as they were backed up; bind the "
                 "rights again (oc gsb rbac restore), and the same command follows it",
            status=error.status, server_message=error.server_message) from error
    action = look.action
    words = "; ".join(action.errors) or (keeper.look() if action.ending is not Ending.COMPLETE else "")
    volumes = ", ".join(f"pvc/{volume.claim}" for volume in action.volumes)
    steps.append(Step("restore", action.state.lower() or "not started", words or volumes or str(action)))
    if action.ending is Ending.COMPLETE:
        return None
    if action.ending is Ending.RUNNING:
        return errors.TimedOut(
            f"{action} was not over within {format_duration(plan.request.timeout)} (--timeout): {action.brief}"
            + (f"; {words}" if words else ""), hint="it goes on in Kasten; the same command follows it again")
    return errors.PluginError(f"{action} {action.state.lower()}: {words or 'Kasten does not say why'}",
                              hint=f"kubectl -n {plan.request.k10_namespace} logs -l component=executor")


def _prove(
    cluster: Cluster, plan: RestorePlan, steps: list[Step], *, deadline: Deadline, progress: Progress
) -> errors.PluginError | None:
    """Workloads awaited, sidecars measured: a restored sidecar without its capabilities would spoil the next backup."""
    there = cluster.in_namespace(plan.target)
    workloads = workloads_in(there, plan.target)
    unready = []
    for workload in workloads:
        target = target_of(workload)
        progress.phase(f"waiting for {target}")
        rollout = wait_for_rollout(there, workload, deadline=deadline, progress=progress)
        good = rollout.phase is Phase.READY
        steps.append(Step(target, "ready" if good else "not ready", rollout.readiness.reason))
        unready += [] if good else [f"{target}: {rollout.readiness.reason}"]
    if unready:
        return errors.NotReady(f"the data is restored, but not every workload runs: {'; '.join(unready)}",
                               hint=f"kubectl -n {plan.target} get events")
    injected = tuple(Target(kind_of(one), name_of(one)) for one in workloads if sidecar_of(pod_spec_of(one)))
    if not injected:
        return None
    answer = verify(there, VerifyRequest(Selection(targets=injected)), progress=progress)
    for one in injected:
        found = [item for item in answer.report.items if item["target"] == str(one)]
        bad = [f"{item['check']}: {item['observed']}" for item in found if item["verdict"] == "fail"]
        steps.append(Step(f"sidecar of {one}", "failed" if bad else "verified",
                          "; ".join(bad) or f"{len(found)} measurements"))
    return answer.failure
