"""Running a policy, following it to its end, and cancelling it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from oc_gsb.kasten.actions import Action, Ending
from oc_gsb.kasten.environments import record_environment
from oc_gsb.kasten.following import Look, follow_action
from oc_gsb.kasten.policies import PolicyRequest, await_validation, ensure_policy, namespaces_of
from oc_gsb.kasten.preflight import check_before_run, failed
from oc_gsb.kasten.run_reports import Answer, answer_with
from oc_gsb.kasten.serving import briefly, explained, require_kasten, require_rights
from oc_gsb.sidecar.kasten import NAMESPACE
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.durations import Deadline
from plugin_core.model.kinds import CANCEL_ACTION, POLICY, RUN_ACTION
from plugin_core.model.manifests import Manifest, name_of, part_of
from plugin_core.model.progress import Progress
from plugin_core.model.refs import Target
from plugin_core.model.reports import Item
from plugin_core.names import GSB, MANAGED_BY_LABEL, RUN_LABEL

LONGEST_NAME = 50
"""Characters of the policy's name in a run's, so that name and suffix stay below 63."""


@dataclass(frozen=True)
class RunRequest:
    """expires: seconds the restore points are kept; 0 for ever. force: run although the preflight failed."""

    policy: str
    targets: tuple[Target, ...] = ()
    expires: float = 0.0
    force: bool = False
    wait: bool = True
    timeout: float = 3600.0
    k10_namespace: str = NAMESPACE


def back_up(cluster: Cluster, wanted: PolicyRequest, request: RunRequest, progress: Progress) -> Answer:
    """The policy made sure of, then run."""
    ensured = ensure_policy(cluster, wanted, progress)
    for warning in ensured.warnings:
        progress.warn(warning)
    if cluster.dry_run.on:
        items = _preflight(cluster, ensured.policy, request, progress)
        return answer_with(None, preflight=items, policy=request.policy, request=request, dry_run=cluster.dry_run)
    return run_policy(cluster, request, progress)


def run_policy(cluster: Cluster, request: RunRequest, progress: Progress) -> Answer:
    """Preflight, run action, and its end. A run of this policy that is under way is followed instead of a second one.
    """
    require_kasten(cluster)
    where = request.k10_namespace
    require_rights(cluster, [("get", POLICY, where), ("create", RUN_ACTION, where), ("list", RUN_ACTION, where)],
                   purpose="run a policy")
    deadline = Deadline.after(request.timeout)
    policy = await_validation(cluster, request.policy, namespace=where, deadline=deadline, progress=progress)
    under_way = _under_way(cluster, request)
    if under_way:
        progress.note(f"runaction/{under_way} of this policy is under way; following it")
        return follow_run(cluster, under_way, request, progress, deadline=deadline)
    items = _preflight(cluster, policy, request, progress)
    problems = failed(items)
    if problems and not request.force:
        answer = answer_with(None, preflight=items, policy=request.policy, request=request, dry_run=cluster.dry_run)
        lines = "\n".join(f"  - {problem}" for problem in problems)
        advice = next((str(one["advice"]) for one in items if one["verdict"] == "fail" and one["advice"]), "")
        return Answer(answer.report, errors.NotReady(
            f"the backup would fail, nothing was started:\n{lines}",
            hint=f"{advice}; or run it all the same with --force" if advice else "run it all the same with --force"))
    for item in items:
        if item["verdict"] == "fail":
            progress.warn(f"{item['subject']}: {item['check']}: {item['observed']}")
    if cluster.dry_run.on:
        return answer_with(None, preflight=items, policy=request.policy, request=request, dry_run=cluster.dry_run)
    record_environment(cluster, policy, namespaces_of(policy), progress)
    if not request.expires:
        progress.note("its restore points are kept until someone deletes them: --expires 30d would set an end")
    manifest = run_manifest(request)
    with explained(k10_namespace=where):
        run = briefly(cluster).create(manifest)
    progress.note(f"runaction/{name_of(run)} created")
    return follow_run(cluster, name_of(run), request, progress, deadline=deadline, preflight=items)


def run_manifest(request: RunRequest) -> Manifest:
    """A name and label of our own, so that a create whose answer got lost does not run the policy twice."""
    run = uuid.uuid4().hex[:12]
    subject = {"apiVersion": POLICY.api_version, "kind": POLICY.name, "name": request.policy,
               "namespace": request.k10_namespace}
    spec: Manifest = {"subject": subject}
    if request.expires:
        until = datetime.now(timezone.utc) + timedelta(seconds=request.expires)
        spec["expiresAt"] = until.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": RUN_ACTION.api_version, "kind": RUN_ACTION.name,
        "metadata": {"name": f"{request.policy[:LONGEST_NAME].rstrip('-.')}-{run}", "namespace": request.k10_namespace,
                     "labels": {MANAGED_BY_LABEL: GSB, RUN_LABEL: run}},
        "spec": spec,
    }


def _preflight(cluster: Cluster, policy: Manifest, request: RunRequest, progress: Progress) -> list[Item]:
    return check_before_run(cluster, policy, namespaces=namespaces_of(policy), targets=request.targets,
                            k10_namespace=request.k10_namespace, progress=progress)


def runs_of(cluster: Cluster, policy: str, *, k10_namespace: str) -> list[Action]:
    """The policy's run actions, newest first."""
    with explained(k10_namespace=k10_namespace):
        listed = briefly(cluster).list_all(RUN_ACTION, namespace=k10_namespace).items
    found = [Action(RUN_ACTION, one) for one in listed if part_of(one, "spec", "subject", "name") == policy]
    return sorted(found, key=lambda one: str(part_of(one.manifest, "metadata", "creationTimestamp")), reverse=True)


def _under_way(cluster: Cluster, request: RunRequest) -> str:
    running = [one.name for one in runs_of(cluster, request.policy, k10_namespace=request.k10_namespace)
               if one.ending is Ending.RUNNING]
    return running[0] if running else ""


def follow_run(
    cluster: Cluster, name: str, request: RunRequest, progress: Progress, *, deadline: Deadline | None = None,
    preflight: Sequence[Item] = (),
) -> Answer:
    """The run's end, or where it stands at the deadline. Ctrl-C ends the following, not the run."""
    if not request.wait:
        with explained(k10_namespace=request.k10_namespace):
            action = Action(RUN_ACTION, briefly(cluster).get(RUN_ACTION, name, namespace=request.k10_namespace))
        return answer_with(Look(action), preflight=preflight, policy=request.policy, request=request,
                           dry_run=cluster.dry_run)
    progress.phase(f"runaction/{name}", total=100)
    try:
        with explained(k10_namespace=request.k10_namespace):
            look = follow_action(
                cluster, RUN_ACTION, name, namespace=request.k10_namespace, movers_in=(request.k10_namespace,),
                deadline=deadline or Deadline.after(request.timeout), progress=progress)
    except KeyboardInterrupt:
        raise errors.Interrupted(
            f"interrupted; runaction/{name} goes on in Kasten",
            hint=f"oc gsb policy run {request.policy} follows it again, oc gsb policy cancel {name} ends it") from None
    return answer_with(look, preflight=preflight, policy=request.policy, request=request, dry_run=cluster.dry_run)


def cancel_run(cluster: Cluster, name: str, request: RunRequest, progress: Progress) -> Answer:
    """Asks Kasten to cancel a run (or the policy's running one) and follows until it is over. Over already: unchanged.
    """
    where = request.k10_namespace
    require_kasten(cluster)
    require_rights(cluster, [("create", CANCEL_ACTION, where), ("get", RUN_ACTION, where)], purpose="cancel a run")
    running = _under_way(cluster, RunRequest(policy=name, k10_namespace=where))
    chosen = running or name
    try:
        with explained(k10_namespace=where):
            action = Action(RUN_ACTION, briefly(cluster).get(RUN_ACTION, chosen, namespace=where))
    except errors.NotFound as error:
        raise errors.NotFound(f"there is no run action {name}, and no policy {name} with a run under way", status=404,
                              hint="oc gsb policy status") from error
    if action.ending is not Ending.RUNNING:
        progress.note(f"{action} is over already: {action.state}")
        return answer_with(Look(action), policy=request.policy, request=request, dry_run=cluster.dry_run, wanted=False)
    subject = {"apiVersion": RUN_ACTION.api_version, "kind": RUN_ACTION.name, "name": chosen, "namespace": where}
    cluster.create({
        "apiVersion": CANCEL_ACTION.api_version, "kind": CANCEL_ACTION.name, "spec": {"subject": subject},
        "metadata": {"generateName": "cancel-", "namespace": where, "labels": {MANAGED_BY_LABEL: GSB}},
    })
    progress.note(f"runaction/{chosen} is asked to stop{cluster.dry_run.suffix}")
    if cluster.dry_run.on or not request.wait:
        return answer_with(Look(action), policy=request.policy, request=request, dry_run=cluster.dry_run, wanted=False)
    progress.phase(f"waiting until runaction/{chosen} has stopped", total=100)
    look = follow_action(cluster, RUN_ACTION, chosen, namespace=where, movers_in=(where,),
                         deadline=Deadline.after(request.timeout), progress=progress)
    return answer_with(look, policy=request.policy, request=request, dry_run=cluster.dry_run, wanted=False)
