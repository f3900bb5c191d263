"""OpenShift's SCC admission as pure functions on plain dicts, and the SCC copy that makes room for the sidecar.

Nothing here reads a cluster, prints or knows click: callers fetch the SCCs, the namespace's annotations and RBAC's
answers, and pass them in.

    pod = with_api_defaults(pod)
    account = service_account_subject(namespace, pod["spec"]["serviceAccountName"])
    usable = usable_by(service_account=account, requester=controller_subject("replicaset-controller"), may_use=...)
    decision = predict(pod, sccs=..., namespace_annotations=..., usable=usable, namespace=namespace)
"""

from oc_gsb.scc.admission import Decision, predict
from oc_gsb.scc.capabilities import SIDECAR_CAPABILITIES, allows_capabilities, capabilities_in_effect
from oc_gsb.scc.copies import gsb_copy, missing_for_sidecar
from oc_gsb.scc.order import restriction_score, sort_sccs
from oc_gsb.scc.pods import effective, with_api_defaults
from oc_gsb.scc.usable import (
    Grant,
    Subject,
    controller_subject,
    may_use_by_grants,
    service_account_subject,
    usable_by,
)
from oc_gsb.scc.violations import Violation

__all__ = [
    "SIDECAR_CAPABILITIES",
    "Decision",
    "Grant",
    "Subject",
    "Violation",
    "allows_capabilities",
    "capabilities_in_effect",
    "controller_subject",
    "effective",
    "gsb_copy",
    "may_use_by_grants",
    "missing_for_sidecar",
    "predict",
    "restriction_score",
    "service_account_subject",
    "sort_sccs",
    "usable_by",
    "with_api_defaults",
]
