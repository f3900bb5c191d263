"""OpenShift's own answer to "which SCC would this pod get", where it is served, compared with the prediction.

PodSecurityPolicySubjectReview (openshift-apiserver pkg/security/apiserver/registry/podsecuritypolicysubjectreview)
ignores annotations, so required-scc is not looked at, and fills in no service account.
"""

from __future__ import annotations

from dataclasses import dataclass

from oc_gsb.scc import Decision
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import SCC_REVIEW
from plugin_core.model.manifests import Manifest, annotations_of, part_of
from plugin_core.names import REQUIRED_SCC

NOT_SERVED = "not served"
AGREES, DIFFERS, NOT_COMPARED = "agrees", "differs", "not compared"


@dataclass(frozen=True)
class Review:
    """verdict: one of this module's words. server, predicted: SCC names, "" for refused. words: a sentence."""

    verdict: str
    server: str = ""
    predicted: str = ""
    words: str = ""


def ask_server(cluster: Cluster, pod: Manifest, *, namespace: str, account: str, decision: Decision) -> Review:
    """Asks about a pod as its controller would make it. decision: the prediction on today's SCCs and grants."""
    spec = {**(pod.get("spec") or {}), "serviceAccountName": account}
    body = {
        "apiVersion": SCC_REVIEW.api_version, "kind": SCC_REVIEW.name, "metadata": {"namespace": namespace},
        "spec": {"template": {"metadata": {}, "spec": spec}, "groups": ["system:authenticated"]},
    }
    try:
        answer = cluster.create(body)
    except errors.NotFound:
        return Review(NOT_SERVED, words="this cluster serves no PodSecurityPolicySubjectReview")
    except errors.ApiFailure as error:
        return Review(NOT_COMPARED, words=f"the server's own review could not be asked: {error.message}")
    server = str(part_of(answer, "status", "allowedBy", "name") or "")
    predicted = decision.scc or ""
    if annotations_of(pod).get(REQUIRED_SCC):
        return Review(NOT_COMPARED, server, predicted, f"it ignores {REQUIRED_SCC}, which the pod sets")
    if server == predicted:
        return Review(AGREES, server, predicted, f"the server's own review says the same: {server or 'refused'}")
    reason = str(part_of(answer, "status", "reason") or "")
    return Review(DIFFERS, server, predicted,
                  f"the server's own review says {server or 'refused'}, the prediction {predicted or 'refused'}"
                  + (f" ({reason})" if reason else ""))
