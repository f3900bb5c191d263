"""Which SCC a workload's pods have, which they would get with the sidecar, and what that takes.

The server is asked who may use an SCC; the rest is oc_gsb.scc's prediction on what was read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from oc_gsb.scc import (
    SIDECAR_CAPABILITIES,
    Decision,
    Subject,
    capabilities_in_effect,
    controller_subject,
    gsb_copy,
    missing_for_sidecar,
    predict,
    service_account_subject,
    usable_by,
    with_api_defaults,
)
from oc_gsb.sidecar.containers import SidecarOptions
from oc_gsb.sidecar.template import add_sidecar
from oc_gsb.sidecar.users import user_for_sidecar
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import SCC_GROUP, SECURITY_CONTEXT_CONSTRAINTS
from plugin_core.model.manifests import Manifest, annotations_of, labels_of, name_of, namespace_of
from plugin_core.names import GSB, MANAGED_BY_LABEL, POD_SCC, REQUIRED_SCC, SCC_BASE, SIDECAR_CONTAINER
from plugin_core.workloads.templates import pod_from, service_account_of, template_of

_CONTROLLERS = {"Deployment": "replicaset-controller", "StatefulSet": "statefulset-controller",
                "DeploymentConfig": "replication-controller"}
"""Whose account asks for the pods of a kind: what is granted to system:authenticated reaches them through it."""


@dataclass(frozen=True)
class SccPlan:
    """base: the SCC of its pods today. wanted: theirs with the sidecar. "" for both where no SCCs are served.

    copy: `wanted` as it is to be created should it be missing; None where it is not ours. grant: whether the service
    account is to have a grant of `wanted` of its own; granted: whether it may use it already, in whatever way.
    pin: whether the template requires another SCC than `wanted`. account: the service account. user: what
    user_for_sidecar says. problems: why it would not work.
    """

    base: str = ""
    wanted: str = ""
    copy: Manifest | None = None
    grant: bool = False
    granted: bool = False
    pin: bool = False
    account: str = "default"
    user: int | None = None
    problems: tuple[str, ...] = ()


@dataclass
class SccReader:
    """SCCs of the cluster, read once for a run, and the server's answers on who may use them.

    served: whether this cluster has SCCs at all; without them every plan is empty.
    """

    cluster: Cluster
    served: bool
    sccs: list[Manifest]
    _answers: dict[tuple[str, str, str], bool] = field(default_factory=dict)

    @classmethod
    def read(cls, cluster: Cluster) -> SccReader:
        """Raises Forbidden where SCCs are served and may not be listed."""
        if not cluster.versions_of(SCC_GROUP):
            return cls(cluster=cluster, served=False, sccs=[])
        return cls(cluster=cluster, served=True, sccs=cluster.list_all(SECURITY_CONTEXT_CONSTRAINTS).items)

    def may_use(self, subject: Subject, scc: str, *, namespace: str) -> bool:
        """The server's word on `use` of the SCC in the namespace; asked once a run."""
        key = (subject.name, scc, namespace)
        if key not in self._answers:
            self._answers[key] = self.cluster.subject_can(
                subject.name, subject.groups, "use", SECURITY_CONTEXT_CONSTRAINTS, namespace=namespace, name=scc
            ).allowed
        return self._answers[key]


def plan_scc(
    reader: SccReader, workload: Manifest, *, namespace: Manifest, pods: Sequence[Manifest], options: SidecarOptions
) -> SccPlan:
    """pods: the newest running ones; their SCC and identity count before any prediction. Nothing is written."""
    account = service_account_of(workload)
    plain = add_sidecar(workload, options=options)
    if not reader.served:
        return SccPlan(account=account, user=user_for_sidecar(pod_from(plain)))
    asking = _Asking(reader, workload, namespace=namespace, account=account)
    today = asking.decide(pod_from(workload), reader.sccs)
    running = next((pod for pod in pods if annotations_of(pod).get(POD_SCC)), None)
    reference = running or today.pod
    base = annotations_of(running)[POD_SCC] if running else today.scc
    if not reference or not base:
        return SccPlan(account=account, problems=(f"its pods are refused already as they are: {today.error}",))
    decision = asking.decide(pod_from(plain), reader.sccs)
    by_name = {name_of(scc): scc for scc in reader.sccs}
    if decision.scc and not _faults(decision, reference):
        ours = _as_created(by_name[decision.scc])
        return SccPlan(base=base, wanted=decision.scc, copy=ours, grant=ours is not None, granted=True, account=account,
                       user=user_for_sidecar(decision.pod))
    if base not in by_name:
        return SccPlan(base=base, account=account, problems=(f"its pods have SCC {base}, which exists no more",))
    copy = gsb_copy(by_name[base], labels={MANAGED_BY_LABEL: GSB})
    if copy is None:
        return SccPlan(base=base, account=account, problems=(_refusal(decision, reference),))
    wanted = name_of(copy)
    present = by_name.get(wanted)
    if present is not None and missing_for_sidecar(present):
        lacks = ", ".join(missing_for_sidecar(present))
        return SccPlan(base=base, wanted=wanted, account=account, problems=(
            f"SCC {wanted} exists but does not allow {lacks}; remove it or add what is missing, then try again",))
    copy["metadata"]["annotations"] = {SCC_BASE: base}
    pin = annotations_of(template_of(workload)).get(REQUIRED_SCC) not in (None, "", wanted)
    later = asking.decide(
        pod_from(add_sidecar(workload, options=options, scc=wanted, pin=pin)),
        [*(scc for scc in reader.sccs if name_of(scc) != wanted), present or copy], granted=wanted,
    )
    problems = () if later.scc and not _faults(later, reference) else (_refusal(later, reference),)
    ours = _as_created(present) if present else copy
    granted = present is not None and asking.is_granted(present)
    return SccPlan(
        base=base, wanted=wanted, copy=ours, grant=ours is not None or not granted, granted=granted, pin=pin,
        account=account, user=user_for_sidecar(later.pod), problems=problems,
    )


def _as_created(scc: Manifest) -> Manifest | None:
    """One of our copies as it was created; None for an SCC of anyone else's."""
    if labels_of(scc).get(MANAGED_BY_LABEL) != GSB:
        return None
    kept = {key: value for key, value in scc["metadata"].items() if key in ("name", "labels", "annotations")}
    return {**scc, "metadata": kept}


class _Asking:
    """The prediction for pods of one workload."""

    def __init__(self, reader: SccReader, workload: Manifest, *, namespace: Manifest, account: str) -> None:
        self._reader, self._namespace = reader, namespace_of(workload)
        self._annotations = annotations_of(namespace)
        self._account = service_account_subject(self._namespace, account)
        self._requester = controller_subject(_CONTROLLERS[str(workload["kind"])])

    def decide(self, pod: Manifest, sccs: Sequence[Manifest], *, granted: str = "") -> Decision:
        """granted: an SCC that counts as granted to the service account."""

        def may_use(subject: Subject, scc: str) -> bool:
            if scc == granted:
                return subject is self._account
            return self._reader.may_use(subject, scc, namespace=self._namespace)

        return predict(
            with_api_defaults(pod), sccs=sccs, namespace_annotations=self._annotations, namespace=self._namespace,
            usable=usable_by(service_account=self._account, requester=self._requester, may_use=may_use),
        )

    def is_granted(self, scc: Manifest) -> bool:
        """Whether the service account itself may use the SCC already."""

        def may_use(subject: Subject, name: str) -> bool:
            return self._reader.may_use(subject, name, namespace=self._namespace)

        return usable_by(service_account=self._account, requester=None, may_use=may_use)(scc) is not None


def identity_of(pod: Manifest) -> dict[str, Any]:
    """What the files of a volume notice about a pod: user ids, groups, SELinux level. The sidecar is left out.

    A change of these makes an application unable to read its own data (a pod moved from anyuid to restricted-v2).
    """
    spec = pod.get("spec") or {}
    context = spec.get("securityContext") or {}
    found: dict[str, Any] = {"fsGroup": context.get("fsGroup"),
                             "supplementalGroups": context.get("supplementalGroups") or []}
    for container in [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]:
        if container.get("name") == SIDECAR_CONTAINER:
            continue
        own, name = container.get("securityContext") or {}, container.get("name")
        user = own.get("runAsUser")
        found[f"{name} runAsUser"] = context.get("runAsUser") if user is None else user
        options = own.get("seLinuxOptions") or context.get("seLinuxOptions") or {}
        found[f"{name} SELinux level"] = options.get("level")
    return found


def _faults(decision: Decision, reference: Manifest) -> list[str]:
    """What is wrong with an allowed decision: capabilities not given, or the application's identity changed."""
    assert decision.pod is not None
    given = capabilities_in_effect(decision.pod, SIDECAR_CONTAINER)
    faults = [f"the sidecar would not get {name}" for name in SIDECAR_CAPABILITIES
              if name not in given.add or name in given.drop]
    before, after = identity_of(reference), identity_of(decision.pod)
    # a running pod may have containers that a webhook added
    faults += [f"{key} would change from {before[key]} to {after[key]}" for key in before
               if key in after and before[key] != after[key]]
    return faults


def _refusal(decision: Decision, reference: Manifest) -> str:
    if not decision.allowed or not decision.scc:
        return f"its pods would be refused with the sidecar: {decision.error}"
    return f"its pods would be admitted by SCC {decision.scc}, but " + "; ".join(_faults(decision, reference))
