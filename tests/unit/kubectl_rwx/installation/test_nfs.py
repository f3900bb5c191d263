from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from fakes.cluster import FakeCluster
from fakes.progress import Recorder
from kubectl_rwx.installation.classes import ClassRequest, snapshot_class
from kubectl_rwx.installation.drivers import DriverRequest, driver_values
from kubectl_rwx.installation.helm import Chart, Helm, Release, find_helm
from kubectl_rwx.installation.nfs import NfsRequest, set_up_classes, set_up_nfs
from kubectl_rwx.installation.nfs_removals import remove_classes, remove_nfs
from kubectl_rwx.installation.snapshots import Installation
from kubectl_rwx.installation.trial_servers import TrialServer
from plugin_core import errors
from plugin_core.kube.connection import ConnectionOptions
from plugin_core.model.durations import Deadline

GROUPS = {"snapshot.storage.k8s.io": ["v1"]}
OPENSHIFT = {**GROUPS, "security.openshift.io": ["v1"]}
RESOURCES = ("storageclasses.storage.k8s.io", "volumesnapshotclasses.snapshot.storage.k8s.io", "configmaps",
             "roles.rbac.authorization.k8s.io", "rolebindings.rbac.authorization.k8s.io", "serviceaccounts", "services",
             "deployments.apps")
APPLIES = [f"apply {resource}" for resource in RESOURCES]
DELETES = [f"delete {resource}" for resource in RESOURCES]
CLASSES = ClassRequest("nfs.example.com", "/exports")
RELEASE = "helmrelease/csi-driver-nfs"
RENDERED = """
apiVersion: v1
kind: ServiceAccount
metadata: {name: csi-nfs-node-sa}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: csi-nfs-node, namespace: kube-system}
"""


def namespace(name: str, **labels: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


class HelmStandIn(Helm):
    """Remembers what it was told; the chart is of this version and makes RENDERED."""

    def __init__(self, *, release: Release | None = None, version: str = "4.13.4") -> None:
        self.release, self.version, self.told = release, version, list[str]()

    def show_values(self, chart: Chart) -> dict[str, Any]:
        return {}

    def show_chart(self, chart: Chart) -> dict[str, Any]:
        return {"version": self.version}

    def template(self, release: str, chart: Chart, values: Any, *, files: Sequence[str], kube_version: str) -> str:
        return RENDERED

    def status(self, release: str) -> Release | None:
        return self.release

    def upgrade(self, release: str, chart: Chart, values: Any, *, files: Sequence[str]) -> None:
        self.told.append("upgrade")
        self.release = Release("deployed", self.release.revision + 1 if self.release else 1)

    def rollback(self, release: str) -> None:
        self.told.append("rollback")

    def uninstall(self, release: str) -> None:
        self.told.append("uninstall")
        self.release = None


def cluster(*objects: dict[str, Any], **options: Any) -> FakeCluster:
    return FakeCluster([namespace("kube-system"), *objects], **{
        "expect": [*APPLIES, *DELETES], "groups": GROUPS, **options})


def run(fake: FakeCluster, helm: Helm, **options: Any) -> Installation:
    driver = DriverRequest(upgrade=bool(options.pop("upgrade", False)))
    return set_up_nfs(fake, helm, NfsRequest(CLASSES, driver, wait=False, **options), Recorder())


def changes(installation: Installation) -> dict[str, str]:
    return {step.name: step.change.value for step in installation.steps}


def reason(installation: Installation) -> str:
    return next(step.reason for step in installation.steps if step.name == RELEASE)


def test_installed_once_recorded_and_then_unchanged() -> None:
    fake, helm = cluster(), HelmStandIn()
    assert set(changes(run(fake, helm)).values()) == {"created"}
    assert set(changes(run(fake, helm)).values()) == {"unchanged"}
    assert helm.told == ["upgrade"]
    record = fake.objects["configmaps", "kube-system", "kubectl-rwx-setup-nfs"]["data"]
    assert (record["version"], record["revision"]) == ("4.13.4", "1")


def test_openshift_lets_exactly_the_drivers_accounts_use_the_scc() -> None:
    fake = cluster(groups=OPENSHIFT)
    made = changes(run(fake, HelmStandIn()))
    assert list(made)[:2] == ["role/kubectl-rwx-nfs-privileged-scc", "rolebinding/kubectl-rwx-nfs-privileged-scc"]
    binding = fake.objects["rolebindings.rbac.authorization.k8s.io", "kube-system", "kubectl-rwx-nfs-privileged-scc"]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "csi-nfs-node-sa", "namespace": "kube-system"}]
    role = fake.objects["roles.rbac.authorization.k8s.io", "kube-system", "kubectl-rwx-nfs-privileged-scc"]
    assert role["rules"][0]["resourceNames"] == ["privileged"] and role["rules"][0]["verbs"] == ["use"]


@pytest.mark.parametrize(("status", "told"), [
    ("pending-install", ["uninstall", "upgrade"]), ("pending-upgrade", ["rollback", "upgrade"]),
    ("failed", ["upgrade"]),
])
def test_a_release_that_was_cut_short_is_gone_on_with(
    status: str, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake, helm = cluster(), HelmStandIn()
    run(fake, helm)
    helm.release, helm.told = Release(status, 2), []
    monkeypatch.setattr("kubectl_rwx.installation.drivers._SETTLING", 0.0)
    assert changes(run(fake, helm))[RELEASE] in ("created", "configured")
    assert helm.told == told


def test_somebody_elses_release_driver_or_change_is_left_alone() -> None:
    helm = HelmStandIn(release=Release("deployed", 3))
    installation = run(cluster(), helm)
    assert changes(installation)[RELEASE] == "left alone" and "not installed by setup" in reason(installation)
    driver = {"apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver",
              "metadata": {"name": "nfs.csi.k8s.io", "labels": {"olm.owner": "nfs-operator"}}}
    installation = run(cluster(driver), HelmStandIn())
    assert changes(installation)[RELEASE] == "left alone" and "Operator Lifecycle Manager" in reason(installation)
    fake, helm = cluster(), HelmStandIn()
    run(fake, helm)
    helm.release, helm.told = Release("deployed", 5), []
    assert "it is at revision 5, setup made 1" in reason(run(fake, helm)) and not helm.told
    assert changes(run(fake, helm, upgrade=True))[RELEASE] == "configured" and helm.told == ["upgrade"]


def test_older_and_newer_charts() -> None:
    fake, helm = cluster(), HelmStandIn(version="4.11.0")
    run(fake, helm)
    helm.version, helm.told = "4.13.4", []
    assert changes(run(fake, helm))[RELEASE] == "older" and not helm.told
    assert changes(run(fake, helm, upgrade=True))[RELEASE] == "configured"
    helm.version = "4.12.0"
    assert changes(run(fake, helm, upgrade=True))[RELEASE] == "left alone"


def test_nothing_is_begun_where_privileged_pods_may_not_run() -> None:
    level = {"pod-security.kubernetes.io/enforce": "restricted"}
    fake, helm = FakeCluster([namespace("kube-system", **level)], expect=APPLIES, groups=GROUPS), HelmStandIn()
    with pytest.raises(errors.NotReady, match='enforces Pod Security "restricted"'):
        run(fake, helm)
    with pytest.raises(errors.NotFound, match='no namespace "trials"'):
        run(cluster(), helm, server=TrialServer("trials"))
    with pytest.raises(errors.NotReady, match="snapshot API is not served") as refused:
        run(cluster(groups={}), helm)
    assert "setup snapshots" in refused.value.hint
    with pytest.raises(errors.Forbidden, match="create daemonsets.apps"):
        run(cluster(denied=["create daemonsets.apps"]), helm)
    assert not helm.told


def test_a_server_for_trials_is_privileged_and_has_a_grant_of_its_own() -> None:
    fake = cluster(namespace("trials"), groups=OPENSHIFT)
    server = TrialServer("trials", image="example.com/nfs:1")
    made = changes(run(fake, HelmStandIn(), server=server))
    assert made["deployment/kubectl-rwx-nfs-server"] == made["service/kubectl-rwx-nfs-server"] == "created"
    binding = fake.objects["rolebindings.rbac.authorization.k8s.io", "trials", "kubectl-rwx-nfs-server-privileged-scc"]
    assert [one["name"] for one in binding["subjects"]] == ["kubectl-rwx-nfs-server"]
    pods = fake.objects["deployments.apps", "trials", "kubectl-rwx-nfs-server"]["spec"]["template"]["spec"]
    assert pods["containers"][0]["securityContext"] == {"privileged": True}
    assert server.address == "kubectl-rwx-nfs-server.trials.svc.cluster.local"
    assert not pods["automountServiceAccountToken"]


def test_classes_have_the_right_marks_and_never_a_second_default() -> None:
    assert snapshot_class(CLASSES)["metadata"]["annotations"] == {
        "snapshot.storage.kubernetes.io/is-default-class": "true", "k10.kasten.io/is-snapshot-class": "true"}
    assert snapshot_class(CLASSES)["parameters"] == {"mountOptions": "nfsvers=4.1"}
    fake = cluster()
    assert set(changes(set_up_classes(fake, CLASSES, Recorder(), timeout=5)).values()) == {"created"}
    second = set_up_classes(fake, ClassRequest("nfs.example.com", "/other", name="second"), Recorder(), timeout=5)
    assert "nfs-csi is the default" in second.notes[0]
    stored = fake.objects["volumesnapshotclasses.snapshot.storage.k8s.io", "", "second"]
    assert not stored["metadata"].get("annotations")
    with pytest.raises(errors.AlreadyExists, match="is left alone: parameters is"):
        set_up_classes(fake, ClassRequest("elsewhere", "/exports"), Recorder(), timeout=5)


@pytest.mark.parametrize("wrong", [
    {"server": "a/b"}, {"server": ""}, {"share": "exports"}, {"name": "Nfs"}, {"snapshot_class": "a b"},
])
def test_what_cannot_be_meant(wrong: dict[str, str]) -> None:
    with pytest.raises(errors.UsageError):
        ClassRequest(**{"server": "nfs", "share": "/", **wrong})


def claim(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": "app"},
            "spec": {"storageClassName": name}}


def volume(driver: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pv"},
            "spec": {"csi": {"driver": driver}, "storageClassName": "hand-made"}}


def uninstall(fake: FakeCluster, helm: Helm, where: str = "kube-system") -> Installation:
    return remove_nfs(fake, helm, namespace=where, timeout=5, progress=Recorder(), consent=lambda question: None)


def test_all_of_it_goes_and_only_that() -> None:
    fake, helm = cluster(groups=OPENSHIFT), HelmStandIn()
    run(fake, helm)
    with pytest.raises(errors.UsageError, match='in namespace "kube-system"'):
        uninstall(fake, helm, "elsewhere")
    assert set(changes(uninstall(fake, helm)).values()) == {"deleted"}
    assert helm.told == ["upgrade", "uninstall"]
    assert [key[0] for key in fake.objects] == ["namespaces"]
    assert not uninstall(fake, helm).steps


@pytest.mark.parametrize("user", [claim("nfs-csi"), volume("nfs.csi.k8s.io")])
def test_what_is_in_use_stays_whole(user: dict[str, Any]) -> None:
    fake, helm = cluster(), HelmStandIn()
    run(fake, helm)
    fake.put(user)
    before = len(fake.objects)
    with pytest.raises(errors.NotReady, match="in use"):
        uninstall(fake, helm)
    assert len(fake.objects) == before and helm.told == ["upgrade"]


def test_classes_go_by_name() -> None:
    fake = cluster(claim("nfs-csi"))
    set_up_classes(fake, CLASSES, Recorder(), timeout=5)
    set_up_classes(fake, ClassRequest("nfs.example.com", "/other", name="second"), Recorder(), timeout=5)
    gone = remove_classes(fake, chosen=["second"], timeout=5, progress=Recorder(), consent=lambda question: None)
    assert changes(gone) == {"volumesnapshotclass/second": "deleted", "storageclass/second": "deleted"}
    with pytest.raises(errors.NotReady, match="persistentvolumeclaim/data in app"):
        remove_classes(fake, chosen=["nfs-csi"], timeout=5, progress=Recorder(), consent=lambda question: None)


def test_values_move_every_image_and_leave_snapshots_and_classes_to_setup() -> None:
    defaults = {"image": {"baseRepo": "registry.k8s.io", "nfs": {"repository": "registry.k8s.io/sig-storage/nfsplugin"},
                          "csiSnapshotter": {"repository": "/sig-storage/csi-snapshotter"}}}
    values = driver_values(defaults, registry="reg.example.com/m/", memory="2Gi")
    assert values["image"] == {"baseRepo": "reg.example.com/m",
                               "nfs": {"repository": "reg.example.com/m/sig-storage/nfsplugin"}}
    assert values["controller"]["resources"]["nfs"]["limits"] == {"memory": "2Gi"}
    assert not values["externalSnapshotter"]["customResourceDefinitions"]["enabled"]
    assert "image" not in driver_values(defaults, registry="", memory="2Gi")


@pytest.mark.parametrize(("place", "arguments"), [
    ("https://example.com/charts", ["csi-driver-nfs", "--repo", "https://example.com/charts", "--version", "4.13.4"]),
    ("https://example.com/c.tgz", ["https://example.com/c.tgz"]), ("./chart", ["./chart"]),
    ("oci://example.com/c", ["oci://example.com/c", "--version", "4.13.4"]),
])
def test_where_a_chart_may_lie(place: str, arguments: list[str]) -> None:
    assert Chart(place, "csi-driver-nfs", "4.13.4").arguments == arguments


def script(folder: Path, text: str) -> str:
    path = folder / "helm"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def real(folder: Path, text: str, *, seconds: float = 20, **options: Any) -> Helm:
    return Helm(script(folder, text), ConnectionOptions(**options), namespace="nfs", deadline=Deadline.after(seconds))


def test_helm_gets_our_connection_and_its_words_are_told(tmp_path: Path) -> None:
    helm = real(tmp_path, 'printf "%s " "$@"; cat', kubeconfig="/k", context="c", as_user="me", as_groups=("g",))
    said = helm.run("upgrade", "x", stdin=json.dumps({"a": 1}), connected=True)
    assert said == ('upgrade x --namespace nfs --kubeconfig /k --kube-context c --kube-as-user me --kube-as-group g '
                    '{"a": 1}')
    with pytest.raises(errors.PluginError, match="helm upgrade x: another operation is in progress$"):
        real(tmp_path, "echo warning: old >&2; echo Error: another operation is in progress >&2; exit 1").run(
            "upgrade", "x", "--history-max", "5")
    with pytest.raises(errors.Forbidden, match="secrets is forbidden"):
        real(tmp_path, "echo 'Error: secrets is forbidden' >&2; exit 1").run("status", "x")
    assert real(tmp_path, "echo 'Error: release: not found' >&2; exit 1").status("x") is None
    with pytest.raises(errors.TimedOut, match="--timeout"):
        real(tmp_path, "exec sleep 60", seconds=0.1).run("upgrade", "x")
    with pytest.raises(errors.UsageError, match="--cluster"):
        real(tmp_path, "true", cluster="other")


def test_helm_is_found_or_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = script(tmp_path, "true")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin")
    assert find_helm("") == find_helm(path) == path
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(errors.UsageError, match="no helm on PATH") as refused:
        find_helm("")
    assert "setup class" in refused.value.hint
