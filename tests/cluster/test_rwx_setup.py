"""kubectl rwx setup, on a sandbox of its own: the snapshot API is taken away and the real one brought back, and a chart
is installed with a real helm. The kernel here cannot mount NFS, so csi-driver-nfs is proven up to its objects only.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from cluster.kubectl import Kubectl, Plugin
from cluster.manifests import claim
from cluster.sandboxes import ROOT, OwnSandbox, own_sandbox_up
from cluster.setup_objects import CONTROLLER_IMAGE, load_controller_image, server_of, upstream_folder
from sandbox import build, definitions
from sandbox.state import State

CHART = str(Path(__file__).parent / "charts" / "csi-driver-nfs")
SCHEMA = json.loads((ROOT / "docs" / "schemas" / "kubectl-rwx-setuplist.v1.json").read_text())
NFS = ("--server", "nfs.example.com", "--share", "/exports/k8s", "--chart", CHART, "--registry", "sandbox.local",
       "--driver-namespace", "nfs-driver", "--no-verify")
OURS = "kubectl-rwx.io/setup"
INSTALLER = ("--as", "installer")
CRD = "customresourcedefinition.apiextensions.k8s.io"

pytestmark = [
    pytest.mark.xdist_group("setup"),
    pytest.mark.skipif(bool(os.environ.get("KUBECONFIG")), reason="KUBECONFIG names a cluster of your own"),
]


@dataclass(frozen=True)
class World:
    """upstream: arguments with which setup snapshots installs upstream's files here."""

    sandbox: OwnSandbox
    kubectl: Kubectl
    rwx: Plugin
    upstream: tuple[str, ...]
    manifests: Path

    def setup(self, *arguments: str, code: int = 0) -> tuple[dict[str, str], str]:
        """What became of each object, and stderr, of a run that ends with this exit code."""
        done = self.rwx("setup", *arguments, "-o", "json")
        assert done.returncode == code, done.stdout + done.stderr
        if not done.stdout:
            return {}, done.stderr
        answer = json.loads(done.stdout)
        jsonschema.Draft202012Validator(SCHEMA).validate(answer)
        return {item["object"]: item["change"] for item in answer["items"]}, done.stderr

    def definitions(self) -> list[str]:
        names = self.kubectl("get", "crd", "-o", "name").stdout.split()
        return [name for name in names if name.endswith("snapshot.storage.k8s.io")]

    def state_of_ours(self) -> dict[str, str]:
        """resourceVersion of everything that carries our label, of the kinds that setup installs."""
        kinds = "crd,clusterrole,clusterrolebinding,storageclass"
        if f"{CRD}/volumesnapshotclasses.snapshot.storage.k8s.io" in self.definitions():
            kinds += ",volumesnapshotclass"
        spread = "serviceaccount,role,rolebinding,configmap"
        found = self.kubectl.json("get", kinds, "-l", OURS)["items"]
        found += self.kubectl.json("get", spread, "-A", "-l", OURS)["items"]
        return {f"{item['kind']}/{item['metadata']['name']}": item["metadata"]["resourceVersion"] for item in found}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    [helm] = build.build_programs("helm")
    folder = tmp_path_factory.mktemp("setup")
    with own_sandbox_up("setup", "--without", "kasten") as sandbox:
        environment = {**sandbox.client_environment, "HOME": str(folder)}
        environment["PATH"] = f"{helm.parent}:{environment['PATH']}"
        kubectl = Kubectl(environment=environment)
        for name in ("app", "nfs-driver"):
            kubectl("create", "namespace", name)
        load_controller_image(State(sandbox.name, sandbox.directory), folder / "controller.tar")
        manifests = upstream_folder(folder / "upstream", server=server_of(kubectl))
        yield World(sandbox, kubectl, Plugin("kubectl-rwx", "app", environment),
                    ("--manifests", str(manifests), "--controller-image", CONTROLLER_IMAGE), manifests)


def let_install(world: World, command: str, *, namespace: str) -> None:
    """Binds a user to exactly the rights that `rbac` prints for it."""
    subject = ("--bind-to", f"user/{INSTALLER[1]}")
    printed = world.rwx.ok("rbac", command, "--full", *subject, "-o", "yaml", "-n", namespace)
    world.kubectl("apply", "-f", "-", stdin=printed)


@pytest.fixture
def api(world: World) -> Iterator[None]:
    """The snapshot API as it is when the sandbox comes up: applied by kubectl, the controller out of sight."""
    folder = str(definitions.crds_folder())
    world.kubectl("apply", "--server-side", "-f", folder)
    world.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", folder)
    world.sandbox.run("start", "snapshot-controller")
    yield
    world.rwx("setup", "snapshots", "--uninstall", "--yes")
    # a lease that was renewed a moment ago tells of a controller at work out of sight
    world.kubectl("-n", "kube-system", "delete", "lease", "snapshot-controller-leader", "--ignore-not-found")


def test_the_real_api_and_controller_come_back_work_and_go_again(world: World, api: None) -> None:
    kubectl = world.kubectl

    # somebody manages the definitions: nothing is touched, and it is said by whom
    crd = "volumesnapshots.snapshot.storage.k8s.io"
    kubectl("annotate", "crd", crd, "meta.helm.sh/release-name=piraeus", "meta.helm.sh/release-namespace=storage")
    changes, _ = world.setup("snapshots", *world.upstream, "--upgrade", "--dry-run=server")
    assert changes[f"customresourcedefinition/{crd}"] == "left alone"
    assert changes["deployment/snapshot-controller"] == "left alone"
    done = world.rwx("setup", "snapshots", *world.upstream, "--dry-run=server")
    assert "managed by helm release storage/piraeus" in done.stdout
    kubectl("annotate", "crd", crd, "meta.helm.sh/release-name-", "meta.helm.sh/release-namespace-")

    # all of it is taken away; a dry run brings nothing back
    world.sandbox.run("stop", "snapshot-controller")
    kubectl("delete", *world.definitions(), "--wait=true")
    changes, _ = world.setup("snapshots", *world.upstream, "--dry-run=server")
    assert set(changes.values()) == {"created"} and not world.definitions()

    # a Ctrl-C while the controller comes up says how to go on; the next run does, and the one after changes nothing
    begun = subprocess.Popen(
        ["kubectl-rwx", "-n", "app", "setup", "snapshots", *world.upstream, "--no-verify"],
        env=world.rwx.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )
    kubectl.wait_until(
        lambda: kubectl("-n", "kube-system", "get", "deployment/snapshot-controller", check=False).returncode == 0,
        "the snapshot-controller's Deployment",
    )
    begun.send_signal(signal.SIGINT)
    _, said = begun.communicate(timeout=60)
    assert begun.returncode == 130 and "12 of 12 objects are in place" in said and "goes on" in said, said
    changes, _ = world.setup("snapshots", *world.upstream, "--no-verify")
    assert set(changes.values()) == {"unchanged"}
    ready = kubectl.jsonpath("-n", "kube-system", "get", "deployment/snapshot-controller",
                             path="{.status.availableReplicas}")
    assert ready == "2"
    before = world.state_of_ours()
    changes, _ = world.setup("snapshots", *world.upstream, "--no-verify")
    assert set(changes.values()) == {"unchanged"} and world.state_of_ours() == before

    # a real snapshot, made ready by that controller, and the proof at the end of a run
    kubectl.apply({
        "apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshotClass", "metadata": {"name": "shared"},
        "driver": "shared.csi.sandbox.local", "deletionPolicy": "Delete",
    })
    kubectl.within("app").apply(claim("data", storage_class="shared"))
    assert "true" in world.rwx.ok("snapshot", "pvc/data", "--name", "one", "-o", "json")
    assert kubectl.jsonpath("-n", "app", "get", "volumesnapshot", "one", path="{.status.readyToUse}") == "true"
    proof = world.rwx("setup", "snapshots", *world.upstream, "--verify-class", "shared",
                      "--image", "sandbox.local/tools:1", "-o", "json")
    assert proof.returncode == 0, proof.stdout + proof.stderr
    verdicts = {row["step"]: row["verdict"] for row in json.loads(proof.stdout)["verification"]}
    assert verdicts["snapshot"] == verdicts["restore"] == verdicts["content"] == "ok"

    # what is edited by hand is put back
    kubectl("-n", "kube-system", "delete", "rolebinding", "snapshot-controller-leaderelection")
    let_install(world, "setup-snapshots", namespace="kube-system")
    changes, _ = world.setup("snapshots", *world.upstream, "--no-verify", *INSTALLER)
    assert changes["rolebinding/snapshot-controller-leaderelection"] == "created"

    # it goes only when told how many snapshots are lost, and then all of it, and nothing else
    _, said = world.setup("snapshots", "--uninstall", "--yes", code=3)
    assert "1 volumesnapshots, 1 volumesnapshotcontents" in said and "--lose-snapshots 2" in said
    world.setup("snapshots", "--uninstall", "--yes", "--lose-snapshots", "1", code=3)
    world.setup("snapshots", "--uninstall", "--lose-snapshots", "2", code=2)
    assert len(world.definitions()) == 6
    others = kubectl("get", "sa,role,rolebinding", "-n", "kube-system", "-l", f"!{OURS}",
                     "-o", "name").stdout
    changes, _ = world.setup("snapshots", "--uninstall", "--yes", "--lose-snapshots", "2", *INSTALLER)
    assert set(changes.values()) == {"deleted"} and len(changes) == 12
    assert not world.definitions() and not world.state_of_ours()
    assert others == kubectl("get", "sa,role,rolebinding", "-n", "kube-system", "-l", f"!{OURS}",
                             "-o", "name").stdout
    assert not world.setup("snapshots", "--uninstall", "--yes")[0]
    kubectl("-n", "app", "delete", "pvc", "data")


def test_older_is_said_and_upgraded_only_when_asked(world: World, api: None, tmp_path: Path) -> None:
    kubectl = world.kubectl
    world.sandbox.run("stop", "snapshot-controller")
    kubectl("delete", *world.definitions(), "--wait=true")
    old = ("--manifests", str(world.manifests), "--controller-image", "sandbox.local/snapshot-controller:v8.2.0")
    changes, _ = world.setup("snapshots", *old, "--no-wait")
    assert set(changes.values()) == {"created"}
    changes, said = world.setup("snapshots", *world.upstream, "--no-wait", code=3)
    assert "is there and not ready" in said
    changes, _ = world.setup("snapshots", *world.upstream, "--upgrade", "--no-verify")
    assert set(changes.values()) == {"configured"}
    # an older release does not replace the newer one
    changes, _ = world.setup("snapshots", *old, "--no-wait")
    assert set(changes.values()) == {"left alone"}
    world.setup("snapshots", "--uninstall", "--yes")


def test_a_driver_by_helm_with_its_grant_and_classes(world: World, api: None) -> None:
    kubectl, driver = world.kubectl, world.kubectl.within("nfs-driver")
    changes, _ = world.setup("nfs", *NFS, "--dry-run=server")
    assert set(changes.values()) == {"created"} and not driver("get", "deploy,ds,cm", "-l", OURS).stdout

    # the run is killed when helm may have begun; the next one goes on, the one after writes nothing
    begun = subprocess.Popen(["kubectl-rwx", "-n", "app", "setup", "nfs", *NFS], env=world.rwx.environment,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    driver.wait_until(lambda: driver("get", "configmap/kubectl-rwx-setup-nfs", check=False).returncode == 0,
                      "the record of setup")
    begun.kill()
    begun.wait()
    let_install(world, "setup-nfs", namespace="nfs-driver")
    world.setup("nfs", *NFS, *INSTALLER)
    before = world.state_of_ours()
    changes, _ = world.setup("nfs", *NFS)
    assert set(changes.values()) == {"unchanged"} and world.state_of_ours() == before
    revisions = json.loads(subprocess.run(
        ["helm", "history", "csi-driver-nfs", "-n", "nfs-driver", "-o", "json"], env=world.rwx.environment,
        capture_output=True, text=True, check=True).stdout)
    assert revisions[-1]["status"] == "deployed"

    # privileged pods run, because exactly their two accounts may use the SCC; more memory, the mirror, no extra classes
    binding = driver.json("get", "rolebinding", "kubectl-rwx-nfs-privileged-scc")
    assert [one["name"] for one in binding["subjects"]] == ["csi-nfs-controller-sa", "csi-nfs-node-sa"]
    pods = driver.json("get", "pods")["items"]
    assert len(pods) == 3
    assert {pod["metadata"]["annotations"]["openshift.io/scc"] for pod in pods} == {"privileged"}
    containers = driver.json("get", "deploy", "csi-nfs-controller")["spec"]["template"]["spec"]["containers"]
    limits = {one["name"]: one["resources"]["limits"]["memory"] for one in containers}
    assert limits == {"csi-snapshotter": "200Mi", "nfs": "1Gi"}
    assert {one["image"] for one in containers} == {"sandbox.local/tools:1"}
    assert kubectl("get", "storageclass", "of-the-chart", check=False).returncode
    assert driver("get", "configmap", "instead-of-crds", check=False).returncode

    storage = kubectl.json("get", "storageclass", "nfs-csi")
    assert storage["parameters"] == {"server": "nfs.example.com", "share": "/exports/k8s"}
    assert (storage["mountOptions"], storage["reclaimPolicy"], storage["volumeBindingMode"]) == (
        ["nfsvers=4.1"], "Delete", "Immediate")
    assert storage["allowVolumeExpansion"] is True
    marks = kubectl.json("get", "volumesnapshotclass", "nfs-csi")["metadata"]["annotations"]
    assert marks == {"snapshot.storage.kubernetes.io/is-default-class": "true",
                     "k10.kasten.io/is-snapshot-class": "true"}
    findings = json.loads(world.rwx("check", "nfs-csi", "-o", "json").stdout)["findings"]
    assert not {"default-misspelt", "no-default", "kasten-mark-absent"} & {one["code"] for one in findings}

    # a second class of the driver is no second default; one that means something else is refused
    world.setup("class", "--server", "nfs.example.com", "--share", "/other", "--name", "second", "--no-verify")
    assert "annotations" not in kubectl.json("get", "volumesnapshotclass", "second")["metadata"]
    _, said = world.setup("class", "--server", "elsewhere", "--no-verify", code=1)
    assert "is there already and is left alone" in said

    # what is in use stays
    kubectl.within("app").apply(claim("used", storage_class="nfs-csi"))
    _, said = world.setup("nfs", "--uninstall", "--yes", "--driver-namespace", "nfs-driver", code=3)
    assert "persistentvolumeclaim/used in app" in said
    assert driver("get", "deploy", "csi-nfs-controller").returncode == 0
    kubectl("-n", "app", "delete", "pvc", "used")
    _, said = world.setup("nfs", "--uninstall", "--yes", code=2)
    assert "--driver-namespace nfs-driver" in said
    world.setup("nfs", "--uninstall", "--yes", "--driver-namespace", "nfs-driver", *INSTALLER)
    assert not world.state_of_ours()
    assert not driver("get", "deploy,ds,secret", "-o", "name").stdout
    assert kubectl("get", "csidriver", "nfs.csi.k8s.io", check=False).returncode
    assert not world.setup("nfs", "--uninstall", "--yes", "--driver-namespace", "nfs-driver")[0]


def test_strangers_are_left_alone(world: World, api: None) -> None:
    """A release that somebody else made, and a server for trials where privileged pods may not run."""
    helm = ["helm", "upgrade", "--install", "csi-driver-nfs", CHART, "-n", "nfs-driver",
            "--set", "controller.replicas=0,image.baseRepo=sandbox.local,image.nfs.repository=sandbox.local/tools",
            "--set", "storageClass.create=false,externalSnapshotter.customResourceDefinitions.enabled=false"]
    subprocess.run(helm, env=world.rwx.environment, check=True, capture_output=True)
    changes, _ = world.setup("nfs", *NFS, "--dry-run=server")
    assert changes["helmrelease/csi-driver-nfs"] == "left alone"
    changes, _ = world.setup("nfs", "--uninstall", "--yes", "--driver-namespace", "nfs-driver")
    assert changes == {"helmrelease/csi-driver-nfs": "left alone"}
    subprocess.run(["helm", "uninstall", "csi-driver-nfs", "-n", "nfs-driver", "--wait"], env=world.rwx.environment,
                   check=True, capture_output=True)
    world.kubectl("label", "namespace", "app", "pod-security.kubernetes.io/enforce=baseline", "--overwrite")
    _, said = world.setup("nfs", "--test-server", "--chart", CHART, "--no-verify", code=3)
    assert 'enforces Pod Security "baseline"' in said
    world.kubectl("label", "namespace", "app", "pod-security.kubernetes.io/enforce-")


def test_what_is_rendered_is_what_kubectl_applies(world: World, api: None) -> None:
    for arguments in (("snapshots", *world.upstream), ("nfs", *NFS, "--openshift"), ("class", *NFS[:4])):
        done = world.rwx("setup", *arguments, "--render")
        assert done.returncode == 0, done.stderr
        manifests: list[Any] = [item for item in yaml.safe_load_all(done.stdout) if item]
        assert manifests and all(item["kind"] and item["metadata"]["name"] for item in manifests)
        applied = world.kubectl("apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-",
                                stdin=done.stdout)
        assert len(applied.stdout.splitlines()) == len(manifests)
    assert not world.state_of_ours()
