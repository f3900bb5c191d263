"""kubectl rwx check where the chain itself is broken or outdated: each finding is brought about, and mended as it says.

On a sandbox of its own, since everything else would notice: the real CRDs, controller and registrations are changed.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.kubectl import Kubectl, Plugin, run
from cluster.sandboxes import OwnSandbox, fixtures_of_own_sandbox
from cluster.setup_objects import CONTROLLER_IMAGE, load_controller_image, server_of, upstream_folder
from cluster.test_rwx_check import codes, look
from cluster.test_rwx_rbac import Bound
from sandbox import definitions
from sandbox.state import State

SNAPSHOTS = "crd/volumesnapshots.snapshot.storage.k8s.io"
CONTENTS = "crd/volumesnapshotcontents.snapshot.storage.k8s.io"
CLASSES = "crd/volumesnapshotclasses.snapshot.storage.k8s.io"
DEPLOYMENT = ("-n", "kube-system", "deployment/snapshot-controller")
LEASE = ("-n", "kube-system", "lease/snapshot-controller-leader")
DEFAULT = "storageclass.kubernetes.io/is-default-class=true"
CHAIN = ("snapshot-api-", "crd-", "controller-")
PROFILES = "storageprofiles.cdi.kubevirt.io"
Check = Callable[[], dict[str, Any]]

pytestmark = [
    pytest.mark.xdist_group("lints"),
    pytest.mark.skipif(bool(os.environ.get("KUBECONFIG")), reason="KUBECONFIG names a cluster of your own"),
]

own_sandbox, cluster_environment, kubectl, leaving_namespaces = fixtures_of_own_sandbox(
    "lints", "--without", "openshift", "--without", "kasten")


@pytest.fixture
def check(rwx: Plugin) -> Check:
    """check() → the findings about the chain by code; no class of a fresh sandbox is usable."""
    def ask() -> dict[str, Any]:
        found = codes(look(rwx, code=3))
        return {code: item for code, item in found.items() if code.startswith(CHAIN)}

    return ask


@pytest.fixture
def api(own_sandbox: OwnSandbox, kubectl: Kubectl) -> Iterator[None]:
    """Afterwards the snapshot API is again as the sandbox came up with it, and its controller runs."""
    yield
    folder = str(definitions.crds_folder())
    kubectl("delete", "--ignore-not-found", "--wait=true", "-f", folder)
    kubectl("apply", "--server-side", "-f", folder)
    kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", folder)
    own_sandbox.run("start", "snapshot-controller")


@pytest.fixture(scope="module")
def manifests(own_sandbox: OwnSandbox, kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Upstream's files; the image they name is on both nodes."""
    folder = tmp_path_factory.mktemp("lints")
    load_controller_image(State(own_sandbox.name, own_sandbox.directory), folder / "controller.tar")
    return upstream_folder(folder / "upstream", server=server_of(kubectl))


@pytest.fixture
def upstream(own_sandbox: OwnSandbox, kubectl: Kubectl, manifests: Path) -> Iterator[tuple[str, ...]]:
    """The real controller runs as upstream's Deployment, not out of sight. Yields setup's arguments for it.

    Later rollouts are not waited for: upstream's minReadySeconds makes each last more than a minute.
    """
    own_sandbox.run("stop", "snapshot-controller")
    installed = controller_manifests(kubectl, manifests)
    kubectl("apply", "-f", "-", stdin=installed)
    kubectl("wait", "--for=jsonpath={.status.readyReplicas}=2", *DEPLOYMENT, "--timeout=90s")
    yield ("--manifests", str(manifests), "--controller-image", CONTROLLER_IMAGE, "--no-wait", "--no-verify")
    kubectl("delete", "--ignore-not-found", "-f", "-", stdin=installed)
    kubectl("delete", "--ignore-not-found", *LEASE)
    own_sandbox.run("start", "snapshot-controller")


def controller_manifests(kubectl: Kubectl, manifests: Path) -> str:
    shown = kubectl("kustomize", str(manifests / "deploy/kubernetes/snapshot-controller")).stdout
    return re.sub(r"image: \S+", f"image: {CONTROLLER_IMAGE}", shown)


def change_versions(kubectl: Kubectl, definition: str, **flags: dict[str, bool]) -> None:
    """change_versions(…, v1={"served": False}): each flag of each version named."""
    manifest = kubectl.json("get", definition)
    for version in manifest["spec"]["versions"]:
        version.update(flags.get(version["name"], {}))
    kubectl("replace", "-f", "-", stdin=json.dumps(manifest))
    kubectl("wait", "--for=condition=Established", definition, "--timeout=60s")


def test_a_controller_out_of_sight_that_did_nothing_yet(check: Check) -> None:
    assert set(found := check()) == {"controller-unseen"}
    assert found["controller-unseen"]["severity"] == "warn"


def test_definitions_and_controller_of_different_times(
    kubectl: Kubectl, namespace: Kubectl, rwx: Plugin, check: Check, api: None, upstream: tuple[str, ...],
    manifests: Path,
) -> None:
    """`setup snapshots` mends it with what upstream releases, here from a folder."""
    assert check() == {}
    definition = kubectl.json("get", SNAPSHOTS)
    before_8 = json.loads(json.dumps(definition), object_hook=lambda part: {
        key: value for key, value in part.items() if key != "x-kubernetes-validations"})
    kubectl("replace", "-f", "-", stdin=json.dumps(before_8))
    older = CONTROLLER_IMAGE.replace("v8.6.0", "v8.2.0")
    kubectl("set", "image", *DEPLOYMENT, f"snapshot-controller={older}")
    found = check()
    assert set(found) == {"crd-older-than-controller", "controller-old"}
    assert found["crd-older-than-controller"]["observed"].endswith("the snapshot-controller is 8.2.0")
    [command] = {item["command"] for item in found.values()}
    rwx.ok(*command.split()[2:], *upstream)
    assert check() == {}

    # a second one, elsewhere, with a lease of its own: neither knows of the other
    second = controller_manifests(kubectl, manifests).replace("namespace: kube-system", f"namespace: {namespace.name}")
    kubectl("apply", "-f", "-", stdin=second.replace("name: snapshot-controller-role", "name: second-controller-role"))
    found = kubectl.wait_until(lambda: "controller-twice" in (seen := check()) and seen, "the second to be seen")
    assert found["controller-twice"]["observed"] == f"installed in kube-system, {namespace.name}"
    kubectl("delete", "clusterrolebinding", "second-controller-role")
    namespace("delete", "deployment,lease", "--all", "--wait=true")

    kubectl("scale", *DEPLOYMENT, "--replicas=0")
    kubectl("delete", *LEASE, "--ignore-not-found")
    found = kubectl.wait_until(lambda: "controller-stopped" in (seen := check()) and seen, "the controller to be gone")
    assert set(found) == {"controller-stopped"} and found["controller-stopped"]["severity"] == "fail"


def test_definitions_of_old_versions(
    own_sandbox: OwnSandbox, kubectl: Kubectl, namespace: Kubectl, check: Check, api: None
) -> None:
    """Of a kind with an object, which nobody else writes, and of one without."""
    own_sandbox.run("stop", "snapshot-controller")
    for definition in (SNAPSHOTS, CONTENTS):
        change_versions(kubectl, definition, v1={"storage": False}, v1beta1={"served": True, "storage": True})
    kubectl.wait_until(lambda: "snapshot-api-old-too" in check(), "v1beta1 to be served beside v1")
    namespace.apply({"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot", "metadata": {"name": "old"},
                     "spec": {"source": {"persistentVolumeClaimName": "data"}}})
    for definition in (SNAPSHOTS, CONTENTS):
        change_versions(kubectl, definition, v1={"storage": True}, v1beta1={"served": False, "storage": False})
    kubectl.wait_until(lambda: "snapshot-api-old-too" not in check(), "v1beta1 to be served no more")
    before = namespace.json("get", "vs", "old")["metadata"]["resourceVersion"]
    for kind in (CONTENTS, SNAPSHOTS):
        found = check()["crd-stored-version"]
        assert found["subject"].endswith(kind.partition("/")[2]) and "v1beta1" in found["observed"]
        mend(kubectl, found["command"])
    assert "crd-stored-version" not in check()
    assert namespace.json("get", "vs", "old")["metadata"]["resourceVersion"] != before


def test_an_api_that_is_not_whole_old_or_absent(
    kubectl: Kubectl, check: Check, api: None, upstream: tuple[str, ...], rwx: Plugin
) -> None:
    kubectl("delete", CLASSES)
    found = kubectl.wait_until(lambda: "crd-missing" in (seen := check()) and seen, "the definition to be gone")
    assert found["crd-missing"]["observed"] == "not installed: volumesnapshotclasses.snapshot.storage.k8s.io"
    kubectl("delete", SNAPSHOTS, CONTENTS)
    found = kubectl.wait_until(lambda: "snapshot-api-absent" in (seen := check()) and seen, "the API to be gone")
    rwx.ok(*found["snapshot-api-absent"]["command"].split()[2:], *upstream)
    assert check() == {}

    for definition in kubectl("get", "crd", "-o", "name").stdout.split():
        if definition.endswith(".snapshot.storage.k8s.io"):
            change_versions(kubectl, definition, v1={"storage": False, "served": False},
                            v1beta1={"served": True, "storage": True})
    found = kubectl.wait_until(lambda: "snapshot-api-old" in (seen := check()) and seen, "v1 to be served no more")
    assert "served in v1beta1 only, not in v1" in found["snapshot-api-old"]["observed"]
    rwx.ok(*found["snapshot-api-old"]["command"].split()[2:], *upstream)
    assert not {"snapshot-api-old", "snapshot-api-absent"} & set(check())


def test_a_driver_that_left_a_node(own_sandbox: OwnSandbox, kubectl: Kubectl, rwx: Plugin) -> None:
    def registrations() -> dict[str, Any]:
        found = codes(look(rwx, "shared", code=3))
        return {code: item for code, item in found.items() if code.startswith("driver-on-")}

    own_sandbox.run("stop", "node-b-csi")
    try:
        found = kubectl.wait_until(registrations, "the kubelet to take the driver off its CSINode")
        assert found["driver-on-some-nodes"]["observed"] == "on 1 of 2 nodes, not on node-b"
        own_sandbox.run("stop", "node-a-csi")
        found = kubectl.wait_until(lambda: "driver-on-no-node" in (seen := registrations()) and seen, "the other")
        assert found["driver-on-no-node"]["severity"] == "fail"
    finally:
        for node in ("node-a", "node-b"):
            own_sandbox.run("start", f"{node}-csi")
    kubectl.wait_until(lambda: not registrations(), "both to be registered again")


def test_two_default_classes(kubectl: Kubectl, rwx: Plugin) -> None:
    kubectl("annotate", "storageclass", "shared", "late", DEFAULT)
    finding = codes(look(rwx, code=3))["several-default-classes"]
    mend(kubectl, finding["command"])
    assert "several-default-classes" not in codes(look(rwx, code=3))
    kubectl("annotate", "storageclass", "shared", "late", f"{DEFAULT.partition('=')[0]}-")


def test_profiles_of_cdi(kubectl: Kubectl, namespace: Kubectl, rwx: Plugin) -> None:
    """A definition and profiles of this test's own, in CDI's form: what CDI would write, not CDI itself."""
    ebs, asked = namespace.name, "/apis/cdi.kubevirt.io"
    kubectl.apply({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": ebs},
                   "provisioner": "ebs.csi.aws.com"})
    user = Bound(kubectl, rwx)
    try:
        log = rwx("check", "-v").stderr
        assert f"{asked}\n" in log and "storageprofiles" not in log
        free = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        kubectl.apply({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": PROFILES},
            "spec": {"group": "cdi.kubevirt.io", "scope": "Cluster",
                     "names": {"kind": "StorageProfile", "plural": "storageprofiles"},
                     "versions": [{"name": "v1beta1", "served": True, "storage": True,
                                   "schema": {"openAPIV3Schema": free}}]},
        })
        kubectl("wait", "--for=condition=Established", f"crd/{PROFILES}", "--timeout=60s")
        kubectl.wait_until(lambda: kubectl("get", PROFILES, check=False).returncode == 0, "profiles to be served")
        kubectl.apply(*(
            {"apiVersion": "cdi.kubevirt.io/v1beta1", "kind": "StorageProfile", "metadata": {"name": name},
             "status": {"provisioner": driver, "claimPropertySets": [{"accessModes": ["ReadWriteMany"],
                                                                      "volumeMode": mode}]}}
            for name, driver, mode in (("shared", "shared.csi.sandbox.local", "Filesystem"),
                                       ("late", "late.csi.sandbox.local", "Block"),
                                       (ebs, "ebs.csi.aws.com", "Filesystem"))))
        rows = {row["name"]: row for row in look(rwx, code=3)["items"]}
        levels = {name: rows[name]["rwx"]["level"] for name in ("shared", "late", ebs)}
        assert levels == {"shared": "known", "late": "unknown", ebs: "no"}
        assert rows["shared"]["rwx"]["reason"].startswith("CDI StorageProfile shared lists ReadWriteMany Filesystem")
        assert any("lists only ReadWriteMany Block" in caveat for caveat in rows["late"]["caveats"])
        assert any("which contradicts the catalogue" in caveat for caveat in rows[ebs]["caveats"])

        user.may("check", "--full")
        user.does("check", code=3, whole=True)
        assert ("list", "cdi.kubevirt.io", "storageprofiles", "") in user.used
        user.used_all()
        user.may("check")
        document = look(rwx, "shared", "--as", user.name, code=3)
        assert f"list {PROFILES}" in {item["subject"] for item in document["findings"] if item["code"] == "unseen"}
        assert document["items"][0]["rwx"]["level"] == "unknown"
    finally:
        user.forget()
        kubectl("delete", f"storageclass/{ebs}", f"crd/{PROFILES}", "--ignore-not-found")


def mend(kubectl: Kubectl, command: str) -> None:
    """Runs the command that a finding shows, in a shell as its reader would."""
    run(["bash", "-euo", "pipefail", "-c", command], environment=kubectl.environment, check=True)
