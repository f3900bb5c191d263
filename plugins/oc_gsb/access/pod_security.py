"""Pod Security next to the SCC: its labels on the namespace, and waiting until OpenShift raised them.

The three capabilities map to `baseline` (openshift/cluster-policy-controller psalabelsyncer). Its sync raises a label
it owns some time after the grant; a label someone else set stays, and `restricted` then refuses what the SCC allows.
"""

from __future__ import annotations

from dataclasses import dataclass

from oc_gsb.sidecar.problems import ENFORCE, is_label_synced, namespace_problems
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Phase, Readiness, wait_for
from plugin_core.model.durations import Deadline
from plugin_core.model.kinds import NAMESPACE
from plugin_core.model.manifests import Manifest, labels_of, name_of
from plugin_core.model.progress import Progress

RESTRICTED = "restricted"


@dataclass(frozen=True)
class PodSecurity:
    """level: what the namespace enforces, "" when it has no label. synced: whether OpenShift owns the label.

    problems: why pods with the capabilities are refused. words: one sentence on how it stands.
    """

    level: str
    synced: bool
    problems: tuple[str, ...]
    words: str


def look_at_namespace(namespace: Manifest) -> PodSecurity:
    """What Pod Security will say to the capabilities."""
    level, synced = labels_of(namespace).get(ENFORCE, ""), is_label_synced(namespace)
    problems = tuple(namespace_problems(namespace))
    if problems:
        words = problems[0]
    elif level == RESTRICTED:
        words = f"{ENFORCE}={level} is OpenShift's own and will be raised to baseline after the grant"
    elif level:
        words = f"{ENFORCE}={level} allows the capabilities"
    else:
        words = f"the namespace has no label {ENFORCE}; the cluster's default level counts"
    return PodSecurity(level, synced, problems, words)


def wait_for_labels(cluster: Cluster, namespace: Manifest, *, seconds: float, progress: Progress) -> str:
    """Waits while a synced label is still `restricted`; a sentence when it stayed so, else "".

    Nothing is waited for where the label is not OpenShift's to change.
    """
    if labels_of(namespace).get(ENFORCE) != RESTRICTED or not is_label_synced(namespace):
        return ""

    def judge(manifest: Manifest | None) -> Readiness:
        if manifest is not None and labels_of(manifest).get(ENFORCE) != RESTRICTED:
            return Readiness(Phase.READY)
        return Readiness(Phase.WAITING, f"{ENFORCE} is still {RESTRICTED}")

    name = name_of(namespace)
    progress.phase(f"waiting for OpenShift to raise the Pod Security label of namespace {name}")
    outcomes = wait_for(cluster, NAMESPACE, [name], namespace="", judge=judge, deadline=Deadline.after(seconds))
    return "" if outcomes[name].phase is Phase.READY else outcomes[name].readiness.reason
