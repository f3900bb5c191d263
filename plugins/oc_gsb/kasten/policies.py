"""On-demand policies: backup through the Kanister location profile, and export with data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oc_gsb.kasten.profiles import SUCCESS, choose_profile, profile_warning, validation_words
from oc_gsb.kasten.serving import require_kasten, require_rights
from oc_gsb.sidecar.kasten import NAMESPACE
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Phase, Readiness, wait_for
from plugin_core.model.durations import Deadline, format_duration
from plugin_core.model.kinds import NAMESPACE as NAMESPACE_KIND
from plugin_core.model.kinds import POLICY, PROFILE
from plugin_core.model.manifests import Manifest, labels_of, name_of, part_of
from plugin_core.model.progress import Progress
from plugin_core.names import GSB, K10_APP_NAMESPACE, MANAGED_BY_LABEL

_FILLED_BY_KASTEN = frozenset({"receiveString", "migrationToken", "createdBy", "modifiedBy", "paused"})
CREATED, REPLACED, UNCHANGED = "created", "replaced", "unchanged"


@dataclass(frozen=True)
class PolicyRequest:
    """namespace: the application's. name: "" for NAMESPACE-gsb. profile and export_profile: "" for the only one that
    fits, and the same. replace: overwrite a policy of this name that says something else."""

    namespace: str
    name: str = ""
    profile: str = ""
    export_profile: str = ""
    export: bool = True
    replace: bool = False
    timeout: float = 120.0
    k10_namespace: str = NAMESPACE

    def __post_init__(self) -> None:
        if self.export_profile and not self.export:
            raise errors.UsageError("--export-profile and --no-export contradict each other")
        if self.namespace == self.k10_namespace:
            raise errors.UsageError(f"{self.namespace} is Kasten's own namespace; it is not backed up this way",
                                    hint="name the application's namespace with -n")

    @property
    def policy(self) -> str:
        return self.name or f"{self.namespace}-gsb"


@dataclass(frozen=True)
class Ensured:
    """result: created, replaced or unchanged. warnings: sentences about its profiles."""

    policy: Manifest
    result: str
    warnings: tuple[str, ...] = ()


def policy_manifest(request: PolicyRequest, *, profile: str, export_profile: str) -> Manifest:
    """The location profile in backupParameters is what GSB needs; without export frequency every run exports."""
    def reference(name: str) -> Manifest:
        return {"profile": {"name": name, "namespace": request.k10_namespace}}

    actions: list[Manifest] = [{"action": "backup", "backupParameters": reference(profile)}]
    if request.export:
        actions.append({"action": "export",
                        "exportParameters": {**reference(export_profile), "exportData": {"enabled": True}}})
    rule = {"key": K10_APP_NAMESPACE, "operator": "In", "values": [request.namespace]}
    return {
        "apiVersion": POLICY.api_version, "kind": POLICY.name,
        "metadata": {"name": request.policy, "namespace": request.k10_namespace, "labels": {MANAGED_BY_LABEL: GSB}},
        "spec": {"comment": f"on-demand generic storage backup of {request.namespace}", "frequency": "@onDemand",
                 "selector": {"matchExpressions": [rule]}, "actions": actions},
    }


def ensure_policy(cluster: Cluster, request: PolicyRequest, progress: Progress) -> Ensured:
    """The policy as asked for, validated by Kasten. A second time: unchanged. Raises AlreadyExists when there is one of
    this name with other content, and NotReady when Kasten finds it invalid."""
    require_kasten(cluster)
    namespace = request.k10_namespace
    require_rights(cluster, [("get", POLICY, namespace), ("create", POLICY, namespace), ("list", PROFILE, namespace)],
                   purpose=f"make a policy for namespace {request.namespace}")
    try:
        cluster.get(NAMESPACE_KIND, request.namespace)
    except errors.NotFound as error:
        raise errors.NotFound(f"there is no namespace {request.namespace}", status=404,
                              hint="name the application's namespace with -n") from error
    profile = choose_profile(cluster, name=request.profile, namespace=namespace)
    export = choose_profile(cluster, name=request.export_profile, namespace=namespace
                            ) if request.export_profile else profile
    used = [profile, export] if request.export else [profile]
    warnings = tuple(dict.fromkeys(words for words in map(profile_warning, used) if words))
    wanted = policy_manifest(request, profile=name_of(profile), export_profile=name_of(export))
    result, policy = _write(cluster, wanted, replace=request.replace)
    if result != UNCHANGED:
        progress.note(f"policy/{request.policy} {result}{cluster.dry_run.suffix}")
    if not cluster.dry_run.on:
        policy = await_validation(cluster, request.policy, namespace=namespace, progress=progress,
                                  deadline=Deadline.after(request.timeout))
    return Ensured(policy, result, warnings)


def _write(cluster: Cluster, wanted: Manifest, *, replace: bool) -> tuple[str, Manifest]:
    name, namespace = name_of(wanted), str(wanted["metadata"]["namespace"])
    try:
        there = cluster.get(POLICY, name, namespace=namespace)
    except errors.NotFound:
        return CREATED, cluster.create(wanted)
    differences = [one for one in differing(there.get("spec") or {}, wanted["spec"]) if one != "comment"]
    if not differences:
        return UNCHANGED, there
    if not replace:
        whose = "made by oc-gsb" if labels_of(there).get(MANAGED_BY_LABEL) == GSB else "not made by oc-gsb"
        raise errors.AlreadyExists(
            f"there is a policy {name} in namespace {namespace}, {whose}, that says something else in: "
            f"{', '.join(differences)}", status=409,
            hint=f"give another name with --name, run that one as it is (oc gsb policy run {name}), or overwrite it "
                 "with --replace")
    spec = {key: None for key in there.get("spec") or {} if key not in wanted["spec"]} | wanted["spec"]
    version = {"resourceVersion": there["metadata"]["resourceVersion"]}
    return REPLACED, cluster.patch(POLICY, name, {"metadata": version, "spec": spec}, namespace=namespace)


def differing(there: Any, wanted: Any, path: str = "") -> list[str]:
    """Paths at which two specs differ; what Kasten fills in by itself, and empty additions, do not count."""
    if isinstance(there, Mapping) and isinstance(wanted, Mapping):
        keys = [key for key in {**there, **wanted} if key not in _FILLED_BY_KASTEN]
        return [one for key in keys if there.get(key) or wanted.get(key)
                for one in differing(there.get(key), wanted.get(key), f"{path}.{key}".lstrip("."))]
    if isinstance(there, list) and isinstance(wanted, list) and len(there) == len(wanted):
        return [one for number, pair in enumerate(zip(there, wanted)) for one in differing(*pair, f"{path}[{number}]")]
    return [] if there == wanted else [path]


def await_validation(
    cluster: Cluster, name: str, *, namespace: str, deadline: Deadline, progress: Progress
) -> Manifest:
    """The policy once Kasten has validated it; another cannot be run. Raises NotReady, NotFound, TimedOut."""
    progress.phase(f"waiting for Kasten to validate policy/{name}")

    def judge(policy: Manifest | None) -> Readiness:
        validation = part_of(policy or {}, "status", "validation")
        if validation == SUCCESS:
            return Readiness(Phase.READY)
        if policy is None:
            return Readiness(Phase.FAILED, "it is not there")
        words = validation_words(policy)
        said = f"its validation is {validation or 'not done yet'}{': ' + words if words else ''}"
        return Readiness(Phase.FAILED if validation == "Failed" else Phase.WAITING, said)

    outcome = wait_for(cluster, POLICY, [name], namespace=namespace, judge=judge, deadline=deadline,
                       notify=lambda seen: progress.update(done=0, waiting_for=seen[name].readiness.reason))[name]
    if outcome.phase is Phase.READY and outcome.manifest:
        return outcome.manifest
    if outcome.manifest is None:
        raise errors.NotFound(f"there is no policy {name} in namespace {namespace}", status=404,
                              hint="make it with: oc gsb policy create")
    if outcome.phase is Phase.FAILED:
        raise errors.NotReady(f"Kasten does not accept policy {name}: {outcome.readiness.reason}",
                              hint=f"kubectl -n {namespace} get policies.config.kio.kasten.io {name} -o yaml")
    raise errors.TimedOut(
        f"Kasten did not validate policy {name} within {format_duration(deadline.seconds)} (--timeout): "
        f"{outcome.readiness.reason}", hint="is Kasten's controllermanager-svc running? The same command again goes on")


def namespaces_of(policy: Manifest) -> tuple[str, ...]:
    """The namespaces its selector names; () when it selects otherwise."""
    selector = part_of(policy, "spec", "selector") or {}
    found = [str(value) for rule in selector.get("matchExpressions") or []
             if rule.get("key") == K10_APP_NAMESPACE and rule.get("operator") == "In"
             for value in rule.get("values") or []]
    one = (selector.get("matchLabels") or {}).get(K10_APP_NAMESPACE)
    return tuple(dict.fromkeys(found + ([str(one)] if one else [])))


def backup_profile_of(policy: Manifest) -> str:
    """The location profile of its backup; "" when it has none, and GSB then fails."""
    actions = part_of(policy, "spec", "actions") or []
    return next((str(part_of(one, "backupParameters", "profile", "name") or "") for one in actions
                 if one.get("action") == "backup"), "")
