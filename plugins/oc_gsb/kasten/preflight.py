"""Before a run: would it work? Token, version, profile, and every workload of the namespace measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from oc_gsb.kasten.installations import read_installation
from oc_gsb.kasten.policies import backup_profile_of
from oc_gsb.kasten.profiles import profile_problem, profile_warning
from oc_gsb.kasten.tokens import check_token
from oc_gsb.kasten.workloads import target_of, workloads_in
from oc_gsb.sidecar.containers import sidecar_of
from oc_gsb.sidecar.record import has_record
from oc_gsb.sidecar.requests import VerifyRequest
from oc_gsb.sidecar.selection import Selection, select_workloads
from oc_gsb.sidecar.verify import verify
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.checks import Check, Verdict
from plugin_core.model.kinds import PROFILE
from plugin_core.model.manifests import Manifest, name_of
from plugin_core.model.progress import Progress
from plugin_core.model.refs import Target
from plugin_core.model.reports import Item
from plugin_core.workloads.claims import claim_volumes
from plugin_core.workloads.templates import kind_of, pod_spec_of, replicas_of

SUBJECT = "kasten"


def check_before_run(
    cluster: Cluster, policy: Manifest, *, namespaces: Sequence[str], targets: Sequence[Target], k10_namespace: str,
    progress: Progress,
) -> list[Item]:
    """All findings; those of verdict fail would make the run fail. targets: must be among the injected workloads."""
    progress.phase("checking Kasten and the workloads before the run")
    items = [_item(SUBJECT, check) for check in _check_kasten(cluster, policy, k10_namespace=k10_namespace)]
    if not namespaces:
        words = f"policy {name_of(policy)} names no namespace in its selector; no workload was measured"
        items.append(_item(SUBJECT, Check("namespaces", Verdict.SKIP, words)))
    for namespace in namespaces:
        items += _check_namespace(cluster.in_namespace(namespace), targets, progress)
    return items


def failed(items: Sequence[Item]) -> list[str]:
    """"SUBJECT: CHECK: OBSERVED" of each finding that stands in the way."""
    return [f"{item['subject']}: {item['check']}: {item['observed']}" for item in items
            if item["verdict"] == Verdict.FAIL.value]


def _item(subject: str, check: Check) -> Item:
    return {"subject": subject, "check": check.name, "verdict": check.verdict.value, "observed": check.observed,
            "advice": check.advice}


def _check_kasten(cluster: Cluster, policy: Manifest, *, k10_namespace: str) -> Iterator[Check]:
    try:
        installation = read_installation(cluster, namespace=k10_namespace)
    except errors.Forbidden as error:
        yield Check("token", Verdict.SKIP, f"Kasten's configuration may not be read: {error.server_message}",
                    "ask its administrator for: oc gsb token status")
    else:
        bad = [check for check in check_token(installation) if check.verdict is Verdict.FAIL]
        if bad:
            yield Check("token", Verdict.FAIL, f"GSB is not active: {bad[0].observed}", bad[0].advice)
        else:
            yield Check("token", Verdict.OK, "GSB is active")
        if installation.bad_version:
            yield Check("version", Verdict.WARN, installation.bad_version, "upgrade Kasten before you rely on it")
        else:
            yield Check("version", Verdict.OK, f"Kasten {installation.version or 'of unknown version'}")
    yield _check_profile(cluster, policy, k10_namespace=k10_namespace)


def _check_profile(cluster: Cluster, policy: Manifest, *, k10_namespace: str) -> Check:
    name = backup_profile_of(policy)
    if not name:
        return Check("profile", Verdict.FAIL, f"policy {name_of(policy)} has no location profile for its backup",
                     "GSB needs one in backupParameters: oc gsb policy create --replace")
    try:
        profile = cluster.get(PROFILE, name, namespace=k10_namespace)
    except errors.NotFound:
        return Check("profile", Verdict.FAIL, f"profile {name} of the policy does not exist",
                     "oc gsb policy create --replace")
    except errors.Forbidden as error:
        return Check("profile", Verdict.SKIP, f"profile {name} may not be read: {error.server_message}")
    problem, warning = profile_problem(profile), profile_warning(profile)
    if problem:
        return Check("profile", Verdict.FAIL, f"profile {name}: {problem}", "mend or replace the profile")
    return Check("profile", Verdict.WARN, warning) if warning else Check("profile", Verdict.OK, f"profile {name}")


def _check_namespace(cluster: Cluster, targets: Sequence[Target], progress: Progress) -> list[Item]:
    """Each workload with claims: measured when it has a sidecar, else told what becomes of its volumes."""
    workloads = workloads_in(cluster, cluster.namespace)
    if targets:
        select_workloads(cluster, Selection(targets=tuple(targets)))
    injected, items = [], []
    wanted = {(target.kind.name, target.name) for target in targets}
    for workload in workloads:
        key = (kind_of(workload).name, name_of(workload))
        if has_record(workload) or sidecar_of(pod_spec_of(workload)):
            injected.append(Target(kind_of(workload), name_of(workload)))
        elif key in wanted or claim_volumes(workload):
            items.append(_without_sidecar(workload, required=key in wanted))
    if not injected:
        items.append(_item(cluster.namespace, Check(
            "sidecars", Verdict.FAIL if not targets else Verdict.SKIP, "no workload of the namespace has a sidecar",
            "oc gsb inject")))
        return items
    if cluster.dry_run.on:
        return items + [_item(str(one), Check("sidecar", Verdict.SKIP, "not measured: a dry run starts nothing"))
                        for one in injected]
    answer = verify(cluster, VerifyRequest(Selection(targets=tuple(injected))), progress=progress)
    for found in answer.report.items:
        kept = {key: found[key] for key in ("check", "verdict", "observed", "advice")}
        items.append({"subject": found["target"], **kept})
    return items


def _without_sidecar(workload: Manifest, *, required: bool) -> Item:
    subject = target_of(workload)
    if required:
        return _item(subject, Check("sidecar", Verdict.FAIL, "its pod template has none", "oc gsb inject"))
    if not replicas_of(workload):
        return _item(subject, Check("sidecar", Verdict.SKIP, "it has none, and 0 replicas"))
    return _item(subject, Check(
        "sidecar", Verdict.WARN, "it mounts claims and has none: Kasten tries a snapshot, which fails where the "
        "storage has none", "inject it too, or exclude it in the policy"))
