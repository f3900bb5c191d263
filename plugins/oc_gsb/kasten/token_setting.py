"""Setting the activation token: the operator's object is patched; for Helm installs the command is given."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field

from oc_gsb.kasten.actions import active_actions
from oc_gsb.kasten.installations import (
    TOKEN_KEY,
    Installation,
    checksum_of,
    cluster_id,
    read_installation,
    same,
)
from oc_gsb.kasten.secrets import Secret, hidden
from oc_gsb.kasten.serving import require_rights
from oc_gsb.kasten.tokens import is_active, status_report
from oc_gsb.sidecar.kasten import CONFIG, NAMESPACE
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Phase, Readiness, follow, wait_for
from plugin_core.model.durations import Deadline, format_duration
from plugin_core.model.kinds import CONFIG_MAP, DEPLOYMENT, K10
from plugin_core.model.manifests import Manifest, name_of
from plugin_core.model.progress import Progress
from plugin_core.model.reports import Report
from plugin_core.workloads.waits import wait_for_rollout


@dataclass(frozen=True)
class SetRequest:
    """token_file and key_file: as given, for the helm command; never the values. key None: leave the evaluation key as
    it is; an empty Secret removes it. abort_running: restart Kasten although actions run."""

    token: Secret = field(repr=False)
    token_file: str = field(repr=False, default="-")
    key: Secret | None = field(repr=False, default=None)
    key_file: str = field(repr=False, default="")
    abort_running: bool = False
    timeout: float = 600.0
    k10_namespace: str = NAMESPACE


@dataclass(frozen=True)
class Answer:
    report: Report
    failure: errors.PluginError | None = None


def set_token(cluster: Cluster, request: SetRequest, progress: Progress) -> Answer:
    """Afterwards the executor has the token, or the failure says what is missing. The same token again: unchanged."""
    secrets = (request.token.value, request.key.value if request.key else "")
    with hidden(*secrets):
        return _set_token(cluster, request, progress)


def _set_token(cluster: Cluster, request: SetRequest, progress: Progress) -> Answer:
    namespace = request.k10_namespace
    installation = read_installation(cluster, namespace=namespace)
    if installation.operator is None:
        return Answer(_status(cluster, installation), _helm_failure(installation, request))
    deadline = Deadline.after(request.timeout)
    patch = _patch_for(installation, request)
    if not patch:
        progress.note(f"{installation.operator_name} unchanged: it has this token")
    else:
        require_rights(cluster, [("patch", K10, namespace)], purpose="set the token")
        _notice_running(cluster, request, progress)
        before = _checksums(cluster, namespace)
        cluster.patch(K10, name_of(installation.operator), patch, namespace=namespace)
        progress.note(f"{installation.operator_name} patched{cluster.dry_run.suffix}")
        if cluster.dry_run.on:
            return Answer(_status(cluster, installation))
        _await_configuration(cluster, request, deadline=deadline, progress=progress)
        _await_restart(cluster, namespace, before=before, deadline=deadline, progress=progress)
    after = read_installation(cluster, namespace=namespace)
    failure = None if is_active(after) or cluster.dry_run.on else errors.NotReady(
        "the token is set, but the executor does not have it yet", hint="oc gsb token status")
    return Answer(_status(cluster, after), failure)


def _status(cluster: Cluster, installation: Installation) -> Report:
    return status_report(installation, cluster_uid=cluster_id(cluster))


def _patch_for(installation: Installation, request: SetRequest) -> Manifest:
    """A merge patch of what differs; {} when nothing does."""
    values: Manifest = {}
    if not same(installation.of_operator("token"), request.token.value):
        values["token"] = request.token.value
    if request.key is not None and not same(installation.of_operator("overridepubkey"), request.key.value):
        values["overridepubkey"] = request.key.value or None
    return {"spec": {"genericStorageBackup": values}} if values else {}


def _notice_running(cluster: Cluster, request: SetRequest, progress: Progress) -> None:
    """Every Kasten service restarts on a change of the object, which aborts what runs (facts 3.5)."""
    again = "wait for them, or say --abort-running"
    try:
        running = active_actions(cluster, k10_namespace=request.k10_namespace)
    except (errors.Unavailable, errors.Forbidden) as error:
        if not request.abort_running:
            raise errors.NotReady(
                f"all Kasten services restart when the token is set, and whether actions are running is not known: "
                f"{error.message}", hint="restart them all the same: --abort-running") from error
        progress.warn(f"whether actions are running is not known: {error.message}")
        return
    if running and not request.abort_running and not cluster.dry_run.on:
        raise errors.NotReady(
            f"all Kasten services restart when the token is set, which would abort {len(running)} running actions: "
            f"{', '.join(running[:5])}", hint=again)
    if running:
        progress.warn(f"{len(running)} running actions are aborted by the restart: {', '.join(running[:5])}")


def _await_configuration(cluster: Cluster, request: SetRequest, *, deadline: Deadline, progress: Progress) -> None:
    progress.phase(f"waiting for the operator to write {CONFIG}")

    def judge(config: Manifest | None) -> Readiness:
        value = ((config or {}).get("data") or {}).get(TOKEN_KEY, "")
        return Readiness(Phase.READY) if same(value, request.token.value) else Readiness(
            Phase.WAITING, f"{CONFIG} has {'another' if value else 'no'} token")

    outcome = wait_for(cluster, CONFIG_MAP, [CONFIG], namespace=request.k10_namespace, judge=judge, deadline=deadline,
                       notify=lambda seen: progress.update(done=0, waiting_for=seen[CONFIG].readiness.reason))[CONFIG]
    if outcome.phase is not Phase.READY:
        raise _timeout(deadline, outcome.readiness.reason)


def _checksums(cluster: Cluster, namespace: str) -> dict[str, str]:
    return {name_of(one): checksum_of(one) for one in cluster.list_all(DEPLOYMENT, namespace=namespace).items
            if checksum_of(one)}


def _await_restart(
    cluster: Cluster, namespace: str, *, before: dict[str, str], deadline: Deadline, progress: Progress
) -> None:
    """First every service's template changes, then each rollout ends. Without the chart's annotation: rollouts only."""
    progress.phase("waiting for Kasten's services to restart", total=len(before))
    found: dict[str, Manifest] = {}
    for view in follow(cluster, DEPLOYMENT, deadline=deadline, namespace=namespace):
        found = {name: one for (_, name), one in view.items() if name in before}
        changed = [name for name, one in found.items() if checksum_of(one) != before[name]]
        progress.update(done=len(changed), waiting_for="their configuration is being changed")
        if len(changed) == len(found):
            break
    else:
        raise _timeout(deadline, "not every service has the new configuration")
    for position, (name, one) in enumerate(sorted(found.items())):
        progress.update(done=position, waiting_for=f"deployment/{name}")
        workload = {"apiVersion": DEPLOYMENT.api_version, "kind": DEPLOYMENT.name, **one}
        rollout = wait_for_rollout(cluster, workload, deadline=deadline, progress=progress)
        if rollout.phase is Phase.FAILED:
            raise errors.NotReady(f"Kasten's deployment/{name} does not come back: {rollout.readiness.reason}",
                                  hint=f"kubectl -n {namespace} describe deployment {name}")
        if rollout.phase is Phase.WAITING:
            raise _timeout(deadline, f"deployment/{name}: {rollout.readiness.reason}")


def _timeout(deadline: Deadline, seen: str) -> errors.TimedOut:
    return errors.TimedOut(
        f"the token is set, but Kasten was not ready with it within {format_duration(deadline.seconds)} (--timeout): "
        f"{seen}", hint="oc gsb token status shows when it is; the same command again goes on waiting")


def _helm_failure(installation: Installation, request: SetRequest) -> errors.NotReady:
    """The command a Helm install needs. The token stays in its file, so that no argument or history holds it."""
    def quoted(source: str) -> str:
        return "/dev/stdin" if source == "-" else shlex.quote(source)

    command = (f"helm upgrade {installation.release} kasten/k10 --namespace {installation.namespace} --reuse-values"
               + (f" --version {installation.version}" if installation.version else "")
               + f" --set-file genericStorageBackup.token={quoted(request.token_file)}")
    if request.key is not None:
        command += (f" --set-file genericStorageBackup.overridepubkey={quoted(request.key_file)}" if request.key.value
                    else " --set genericStorageBackup.overridepubkey=")
    ends = request.token.trailing_newline or bool(request.key and request.key.trailing_newline)
    cut = "; first cut the line break off the file's end (tr -d '\\n'), helm would keep it" if ends else ""
    return errors.NotReady(
        f"Kasten in namespace {installation.namespace} is a Helm install (there is no K10 object): nothing was "
        f"changed, Helm must set the token{cut}. All Kasten services restart then", hint=command)
