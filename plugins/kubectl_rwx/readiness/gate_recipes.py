"""How to turn gates on, by the tool that runs the control plane.

Both kube-apiserver (which otherwise drops a claim's dataSource without a word) and kube-controller-manager need them;
the kubelet does not. kubernetes/website content/en/docs/concepts/storage/persistent-volumes.md of 1.17.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

KUBEADM, KUBESPRAY, KOPS, OPENSHIFT = "kubeadm", "kubespray", "kops", "openshift"
TOOLS = (KUBEADM, KUBESPRAY, KOPS, OPENSHIFT)


def write_recipe(tool: str, gates: Sequence[str]) -> tuple[str, ...]:
    """Lines to follow: what to edit, the YAML, and how it takes effect."""
    return tuple(_RECIPES[tool](gates))


def _kubeadm(gates: Sequence[str]) -> list[str]:
    value = ",".join(f"{gate}=true" for gate in gates)
    return [
        "# kubectl -n kube-system edit configmap kubeadm-config, in ClusterConfiguration:",
        "apiServer:", "  extraArgs:", f"    feature-gates: {value}",
        "controllerManager:", "  extraArgs:", f"    feature-gates: {value}",
        "# then on every control-plane node:",
        "# kubeadm init phase control-plane all --config <(kubectl -n kube-system get configmap kubeadm-config "
        "-o jsonpath='{.data.ClusterConfiguration}')",
    ]


def _kubespray(gates: Sequence[str]) -> list[str]:
    return [
        "# in inventory/CLUSTER/group_vars/k8s-cluster/k8s-cluster.yml:",
        "kube_feature_gates:", *(f'  - "{gate}=true"' for gate in gates),
        "# then: ansible-playbook -i inventory/CLUSTER/hosts.yaml cluster.yml --tags=master",
    ]


def _kops(gates: Sequence[str]) -> list[str]:
    values = [f'      {gate}: "true"' for gate in gates]
    return [
        "# kops edit cluster NAME:",
        "spec:", "  kubeAPIServer:", "    featureGates:", *values,
        "  kubeControllerManager:", "    featureGates:", *values,
        "# then: kops update cluster NAME --yes && kops rolling-update cluster NAME --yes",
    ]


def _openshift(gates: Sequence[str]) -> list[str]:
    return [
        "# cannot be undone, and keeps the cluster from being upgraded: rather go to OpenShift 4.4 or newer",
        "# oc edit featuregate cluster:",
        "apiVersion: config.openshift.io/v1", "kind: FeatureGate", "metadata:", "  name: cluster", "spec:",
        "  featureSet: CustomNoUpgrade", "  customNoUpgrade:", "    enabled:", *(f"      - {gate}" for gate in gates),
    ]


_RECIPES: dict[str, Callable[[Sequence[str]], list[str]]] = {
    KUBEADM: _kubeadm, KUBESPRAY: _kubespray, KOPS: _kops, OPENSHIFT: _openshift,
}
