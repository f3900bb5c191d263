"""The prediction for any pod of a namespace, with grants that do not exist yet counted in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from oc_gsb.scc import (
    Decision,
    Grant,
    Subject,
    Violation,
    controller_subject,
    predict,
    service_account_subject,
    usable_by,
    with_api_defaults,
)
from oc_gsb.sidecar.scc_plans import SccReader
from plugin_core.model.manifests import Manifest, annotations_of, name_of

GROUP = "Group"
SERVICE_ACCOUNT = "ServiceAccount"

CONTROLLERS = {
    "Deployment": "replicaset-controller", "ReplicaSet": "replicaset-controller",
    "StatefulSet": "statefulset-controller", "DaemonSet": "daemon-set-controller", "Job": "job-controller",
    "DeploymentConfig": "replication-controller", "ReplicationController": "replication-controller",
}
"""Whose account asks for the pods of a kind; what is granted to system:authenticated reaches them through it."""


@dataclass(frozen=True)
class Admission:
    """SCC admission in one namespace, as it is today.

    namespace: the Namespace object, whose annotations hold its user ids and SELinux level.
    """

    reader: SccReader
    namespace: Manifest

    def decide(
        self, pod: Manifest, *, owner: str, account: str, sccs: Sequence[Manifest] | None = None,
        grants: Iterable[Grant] = (),
    ) -> Decision:
        """owner: the kind that asks for the pod. sccs: instead of today's. grants: count besides today's."""
        where = name_of(self.namespace)
        counted = [grant for grant in grants if grant.namespace in (None, where)]

        def may_use(subject: Subject, scc: str) -> bool:
            if any(grant.scc == scc and grant.reaches(subject) for grant in counted):
                return True
            return self.reader.may_use(subject, scc, namespace=where)

        return predict(
            with_api_defaults(pod), sccs=self.reader.sccs if sccs is None else sccs,
            namespace_annotations=annotations_of(self.namespace), namespace=where,
            usable=usable_by(
                service_account=service_account_subject(where, account),
                requester=controller_subject(CONTROLLERS.get(owner, "replicaset-controller")), may_use=may_use,
            ),
        )


def reaches_account(grant: Grant, *, namespace: str, account: str) -> bool:
    """Whether the grant gives the SCC to pods with that service account."""
    return grant.namespace in (None, namespace) and grant.reaches(service_account_subject(namespace, account))


def tell_order(decision: Decision, *, account: str) -> list[dict[str, object]]:
    """Each SCC up to the chosen one, in the order OpenShift tries them, with the verdict and its reasons."""
    told: list[dict[str, object]] = []
    for name in decision.order:
        if name in decision.not_usable:
            reason = f"neither service account {account} nor the controller that makes the pod may use it"
            told.append({"scc": name, "verdict": "not usable", "reasons": [reason]})
        elif name in decision.too_restrictive:
            reasons = _reasons(decision.too_restrictive[name])
            told.append({"scc": name, "verdict": "too restrictive", "reasons": reasons})
        elif name == decision.scc:
            through = {"serviceaccount": f"usable by service account {account}",
                       "user": "usable by the controller that makes the pod, as by every account"}
            told.append({"scc": name, "verdict": "chosen",
                         "reasons": [f"the first that is usable and fits; {through[str(decision.subject_type)]}"]})
            break
    return told


def _reasons(violations: Iterable[Violation]) -> list[str]:
    """One sentence for each rule, with all the values that break it."""
    values: dict[tuple[str, str], list[str]] = {}
    for one in violations:
        shown = [] if one.value in ("", None) else [str(one.value)]
        values.setdefault((one.field, one.message), []).extend(shown)
    return [": ".join(part for part in (field, ", ".join(dict.fromkeys(shown)), message) if part)
            for (field, message), shown in values.items()]
