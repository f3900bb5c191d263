"""Is Generic Storage Backup active: the token in the operator's object, in k10-config, in the executor."""

from __future__ import annotations

from collections.abc import Iterator

from oc_gsb.kasten.installations import (
    EXECUTOR,
    PUBLIC_KEY_KEY,
    PUBLIC_KEY_VARIABLE,
    TOKEN_KEY,
    TOKEN_VARIABLE,
    Installation,
    cluster_id,
    executor_value,
    is_executor_stale,
    read_installation,
    same,
)
from oc_gsb.sidecar.kasten import CONFIG
from plugin_core.kube.cluster import Cluster
from plugin_core.model.checks import Check, Verdict
from plugin_core.model.reports import Item, Report, column
from plugin_core.workloads.pods import is_ready


def token_status(cluster: Cluster, *, k10_namespace: str) -> Report:
    """Reads only. The values themselves are compared and forgotten."""
    installation = read_installation(cluster, namespace=k10_namespace)
    return status_report(installation, cluster_uid=cluster_id(cluster))


def is_active(installation: Installation) -> bool:
    """Whether the executor has a token that agrees with what is configured."""
    return all(check.verdict is not Verdict.FAIL for check in check_token(installation))


def check_token(installation: Installation) -> Iterator[Check]:
    """In the order of the token's way; one failing explains the next."""
    operated = installation.operator is not None
    wanted, configured = installation.of_operator("token"), installation.data.get(TOKEN_KEY, "")
    given = executor_value(installation, TOKEN_VARIABLE, TOKEN_KEY)
    set_it = "oc gsb token set --token-file FILE"
    if operated:
        name = f"{installation.operator_name} spec.genericStorageBackup.token"
        yield Check("operator", Verdict.OK if wanted else Verdict.FAIL, f"{name} is {'set' if wanted else 'not set'}",
                    "" if wanted else set_it)
    else:
        yield Check("operator", Verdict.SKIP, f"there is no K10 object in {installation.namespace}: a plain Helm "
                    f"install, release {installation.release}")
    key = f"{installation.namespace}/{CONFIG} key {TOKEN_KEY}"
    yield Check("configuration", Verdict.OK if configured else Verdict.FAIL,
                f"{key} is {'set' if configured else 'not set'}", "" if configured else set_it)
    yield _check_executor(installation, given)
    yield _check_agreement(installation, wanted=wanted, configured=configured, given=given)
    yield _check_evaluation(installation)


def _check_executor(installation: Installation, given: str | None) -> Check:
    if installation.executor is None:
        return Check("executor", Verdict.FAIL, f"there is no Deployment {EXECUTOR} in {installation.namespace}",
                     "is Kasten installed completely?")
    ready = sum(is_ready(pod) for pod in installation.pods.newest)
    if not given:
        return Check("executor", Verdict.FAIL, f"{EXECUTOR} has no {TOKEN_VARIABLE} in its environment",
                     "the variable exists only when a token was set at install or upgrade; editing k10-config by hand "
                     "has no effect: oc gsb token set")
    if not ready:
        return Check("executor", Verdict.FAIL, f"{EXECUTOR} has {TOKEN_VARIABLE}, but no ready pod",
                     f"kubectl -n {installation.namespace} get pods -l component=executor")
    return Check("executor", Verdict.OK, f"{EXECUTOR} has {TOKEN_VARIABLE} in its environment, {ready} ready pods")


def _check_agreement(installation: Installation, *, wanted: str, configured: str, given: str | None) -> Check:
    if not configured:
        return Check("agreement", Verdict.SKIP, "there is no token to compare")
    if installation.operator is not None and not same(wanted, configured):
        return Check("agreement", Verdict.FAIL, f"the token in {CONFIG} is not the one in {installation.operator_name}",
                     "the operator has not caught up, or its object was changed by hand: wait, or set the token again")
    if given and not same(given, configured):
        return Check("agreement", Verdict.FAIL, f"{EXECUTOR} was given another token than {CONFIG} holds",
                     "restart the executor, or set the token again")
    if given and is_executor_stale(installation):
        return Check("agreement", Verdict.FAIL, f"{EXECUTOR} started before {CONFIG} got this token",
                     f"kubectl -n {installation.namespace} rollout restart deployment {EXECUTOR}")
    if not given:
        return Check("agreement", Verdict.SKIP, "the executor has no token to compare")
    return Check("agreement", Verdict.OK, "the places agree")


def _check_evaluation(installation: Installation) -> Check:
    configured = installation.data.get(PUBLIC_KEY_KEY, "")
    given = executor_value(installation, PUBLIC_KEY_VARIABLE, PUBLIC_KEY_KEY)
    if not configured and not given:
        return Check("evaluation-key", Verdict.OK, "not set: the token must be one of Kasten's own for this cluster")
    if bool(configured) != bool(given):
        return Check("evaluation-key", Verdict.FAIL, f"{CONFIG} and {EXECUTOR} do not agree on it",
                     "set the token again")
    return Check("evaluation-key", Verdict.WARN, f"{PUBLIC_KEY_KEY} is set: the token is a temporary one",
                 "for production ask Kasten for a token made for this cluster's id")


def status_report(installation: Installation, *, cluster_uid: str) -> Report:
    """The checks as a table; exit codes are the caller's."""
    checks = list(check_token(installation))
    items: tuple[Item, ...] = tuple(
        {"check": check.name, "verdict": check.verdict.value, "observed": check.observed, "advice": check.advice}
        for check in checks)
    active = is_active(installation)
    state = "active" if active else "not active"
    notes = [f"Generic Storage Backup is {state}; cluster id {cluster_uid}, Kasten {installation.version or 'unknown'}"]
    notes += [f"{check.verdict.value}: {check.name}: {check.advice}" for check in checks if check.advice]
    if installation.bad_version:
        notes.append(f"warning: {installation.bad_version}")
    facts = {"active": active, "clusterId": cluster_uid, "k10Namespace": installation.namespace,
             "k10Version": installation.version or None,
             "install": "operator" if installation.operator is not None else "helm",
             "evaluationKey": bool(installation.data.get(PUBLIC_KEY_KEY))}
    columns = (column("CHECK", "check"), column("VERDICT", "verdict"), column("OBSERVED", "observed"),
               column("ADVICE", "advice", wide=True))
    return Report(kind="TokenStatus", items=items, columns=columns, name=lambda item: str(item["check"]), facts=facts,
                  notes=tuple(notes))


def cluster_id_report(cluster: Cluster) -> Report:
    """The id alone in a table, with how to ask for a token."""
    uid = cluster_id(cluster)
    return Report(
        kind="ClusterId", items=({"clusterId": uid},), columns=(column("CLUSTER ID", "clusterId"),),
        name=lambda item: str(item["clusterId"]), facts={"clusterId": uid},
        notes=("one token per cluster: give this id to Kasten, then: oc gsb token set --token-file FILE",))
