"""Who else keeps a workload as it is: operators, GitOps controllers, Helm; and virtual machines, which take no sidecar.

Sources: plugin_core.model.gitops for GitOps, the owner labels of OLM (operator-framework/operator-lifecycle-manager),
and KubeVirt's labels on its pods. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

from plugin_core.model.gitops import GITOPS_MARKS, GITOPS_WRITERS
from plugin_core.model.manifests import Manifest, annotations_of, labels_of, part_of
from plugin_core.workloads.templates import pod_spec_of, template_of

_OLM_KIND, _OLM_NAME = "olm.owner.kind", "olm.owner"
_MACHINES = frozenset({"VirtualMachine", "VirtualMachineInstance", "VirtualMachineInstanceReplicaSet",
                       "VirtualMachinePool"})
_MACHINE_LABELS = ("kubevirt.io/domain", "kubevirt.io/created-by", "vm.kubevirt.io/name")
_MACHINE_POD = ("kubevirt.io", "virt-launcher")
_HELM = "meta.helm.sh/release-name"
_INSTANCE = "app.kubernetes.io/instance"


@dataclass(frozen=True)
class Keeper:
    """Somebody who sets the workload back to what they think it is. name: in words. sign: by what it is known."""

    name: str
    sign: str

    def __str__(self) -> str:
        return f"{self.name} keeps it as it is ({self.sign}) and would take the sidecar out again"


def mere_owners(workload: Manifest) -> tuple[str, ...]:
    """KIND/NAME of owners that are not its controller: they may keep it as it is, and may only want it to go along."""
    owners = part_of(workload, "metadata", "ownerReferences") or []
    return tuple(f"{one.get('kind')}/{one.get('name')}" for one in owners if not one.get("controller"))


def find_keepers(workload: Manifest) -> tuple[Keeper, ...]:
    """Operators and GitOps controllers, each once; () when nobody is known."""
    found: dict[str, Keeper] = {}
    owners = part_of(workload, "metadata", "ownerReferences") or []
    for owner in owners:
        if owner.get("controller"):
            name = f"the operator of {owner.get('kind')}/{owner.get('name')}"
            found[name] = Keeper(name, "its controlling owner")
    labels, marks = labels_of(workload), {**labels_of(workload), **annotations_of(workload)}
    if labels.get(_OLM_NAME):
        name = f"the operator of {labels.get(_OLM_KIND, 'ClusterServiceVersion')}/{labels[_OLM_NAME]}"
        found.setdefault(name, Keeper(name, f"label {_OLM_NAME}"))
    for mark in GITOPS_MARKS:
        if mark.key in marks:
            name = f"{mark.who} {mark.unit} {marks[mark.key].split(':')[0]}"
            found.setdefault(mark.who, Keeper(name, mark.key))
    for entry in part_of(workload, "metadata", "managedFields") or []:
        who = GITOPS_WRITERS.get(str(entry.get("manager")), "")
        if who and "f:spec" in (entry.get("fieldsV1") or {}):
            found.setdefault(who, Keeper(who, f"its spec is written by {entry['manager']}"))
    return tuple(found.values())


def access_keeper(manifest: Manifest) -> str:
    """Who keeps this SCC, role or binding of ours, in words with the sign of it; "" when nobody is known.

    The instance label is such a sign here: oc-gsb sets none, and Argo CD tracks by it where it has no method of its own
    set (docs, resource tracking).
    """
    keepers = find_keepers(manifest)
    if keepers:
        return f"{keepers[0].name} keeps it ({keepers[0].sign})"
    if helm_release(manifest):
        return f"Helm release {helm_release(manifest)} keeps it ({_HELM})"
    instance = labels_of(manifest).get(_INSTANCE)
    return f"{instance} keeps it (label {_INSTANCE}, as Argo CD and Helm set it)" if instance else ""


def machine_of(workload: Manifest) -> str:
    """The virtual machine behind this workload, in words; "" when it is none."""
    for owner in part_of(workload, "metadata", "ownerReferences") or []:
        if owner.get("kind") in _MACHINES:
            return f"{owner['kind']}/{owner.get('name')}"
    labels = labels_of(template_of(workload))
    key, value = _MACHINE_POD
    if labels.get(key) == value or any(one in labels for one in _MACHINE_LABELS):
        return "a virtual machine (KubeVirt's labels on its pods)"
    launches = any("virt-launcher" in str(one.get("image")) for one in pod_spec_of(workload).get("containers") or [])
    return "a virtual machine (its pods run virt-launcher)" if launches else ""


def helm_release(workload: Manifest) -> str:
    """The Helm release it belongs to; "" for none. Helm changes it only when somebody upgrades the release."""
    return annotations_of(workload).get(_HELM, "")
