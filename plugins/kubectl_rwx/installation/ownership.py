"""Who looks after an object, read from the marks that platforms, operators, helm and GitOps leave on it.

Only marks count, never guesses: labels and annotations each product documents, owner references, and field managers.
"""

from __future__ import annotations

from plugin_core import names
from plugin_core.model.gitops import GITOPS_MARKS, GITOPS_WRITERS
from plugin_core.model.manifests import Manifest, annotations_of, labels_of, part_of

_MARKS = (
    *((mark.key, mark.who) for mark in GITOPS_MARKS),
    ("olm.owner", "the Operator Lifecycle Manager"), ("olm.managed", "the Operator Lifecycle Manager"),
    ("components.gke.io/component-name", "GKE"), ("components.gke.io/layer", "GKE"),
    ("eks.amazonaws.com/component", "EKS"), ("kubernetes.azure.com/managedby", "AKS"),
    ("addonmanager.kubernetes.io/mode", "the cluster's addon manager (GKE, AKS, minikube)"),
    ("objectset.rio.cattle.io/hash", "k3s or RKE2"), ("capabilities.openshift.io/name", "OpenShift"),
    ("include.release.openshift.io/self-managed-high-availability", "OpenShift"),
)
"""Labels or annotations: whoever has them is put back as it was by the one named."""

_WRITERS = {
    "cluster-version-operator": "OpenShift's cluster-version-operator",
    "csi-snapshot-controller-operator": "OpenShift's csi-snapshot-controller-operator",
    "eks": "an EKS add-on", "kube-addon-manager": "the cluster's addon manager",
    "addon-manager": "the cluster's addon manager", "olm": "the Operator Lifecycle Manager", **GITOPS_WRITERS,
}
"""Names of field managers."""


def is_ours(manifest: Manifest) -> bool:
    """Whether `setup` made it."""
    return names.SETUP in labels_of(manifest) and labels_of(manifest).get(names.MANAGED_BY_LABEL) == names.RWX


def manager_of(manifest: Manifest) -> str:
    """Who brings it back as it was, with the mark that says so; "" for nobody, and for what we installed."""
    labels, annotations = labels_of(manifest), annotations_of(manifest)
    release = annotations.get("meta.helm.sh/release-name")
    if release:
        return f"helm release {annotations.get('meta.helm.sh/release-namespace', '?')}/{release}"
    marks = {**annotations, **labels}
    for key, who in _MARKS:
        if key in marks:
            return f"{who} ({key})"
    operator = next((key for key in marks if key.startswith("operators.coreos.com/")), "")
    if operator:
        return f"the Operator Lifecycle Manager ({operator})"
    for owner in part_of(manifest, "metadata", "ownerReferences") or []:
        return f"{str(owner.get('kind')).lower()}/{owner.get('name')} (its owner)"
    if is_ours(manifest):
        return ""
    for entry in part_of(manifest, "metadata", "managedFields") or []:
        manager = str(entry.get("manager", ""))
        # a status is written by whoever serves the object; that is no ownership
        if manager in _WRITERS and entry.get("subresource") != "status":
            return f"{_WRITERS[manager]} (field manager {manager})"
    managed_by = labels.get(names.MANAGED_BY_LABEL, "")
    return f"{managed_by} ({names.MANAGED_BY_LABEL})" if managed_by and managed_by != names.RWX else ""


def writers_of(manifest: Manifest) -> str:
    """Who wrote its fields: the field managers, joined; "somebody" when the server tells none."""
    managers = [str(entry.get("manager")) for entry in part_of(manifest, "metadata", "managedFields") or []
                if entry.get("subresource") != "status"]
    return ", ".join(dict.fromkeys(managers)) or "somebody"
