"""What `version` finds, and what it says where nothing may be seen."""

from __future__ import annotations

from fakes.cluster import FakeCluster
from plugin_core import errors
from plugin_core.workloads.components import find_components


def controller(image, name="snapshot-controller", namespace="kube-system"):
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": namespace},
            "spec": {"template": {"spec": {"containers": [{"image": image}]}}}}


K10 = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "k10-config", "namespace": "backup"},
       "data": {"version": "8.0.4"}}
CLUSTER_VERSION = {"apiVersion": "config.openshift.io/v1", "kind": "ClusterVersion", "metadata": {"name": "version"},
                   "status": {"desired": {"version": "4.17.3"}}}


def versions(cluster):
    return {found.name: (found.version, found.found) for found in find_components(cluster)}


def test_everything_there():
    groups = {"snapshot.storage.k8s.io": ["v1", "v1beta1"], "config.openshift.io": ["v1"]}
    found = versions(FakeCluster(
        [controller("registry:5000/sig-storage/snapshot-controller:v8.2.0@sha256:" + "a" * 64), K10, CLUSTER_VERSION],
        groups=groups))
    assert {name: version for name, (version, _) in found.items()} == {
        "Kubernetes": "v1.36.3", "snapshot API": "v1, v1beta1", "group snapshot API": "",
        "snapshot-controller": "8.2.0", "Kasten": "8.0.4", "OpenShift": "4.17.3",
    }
    assert found["group snapshot API"][1] == "groupsnapshot.storage.k8s.io is not served"
    assert found["Kasten"][1] == "namespace backup"


def test_an_image_without_a_version_and_an_openshift_without_one():
    found = versions(FakeCluster([controller("registry:5000/x@sha256:abc", name="csi-snapshot-controller")],
                                 groups={"security.openshift.io": ["v1"]}))
    assert found["snapshot-controller"] == (
        "", "deployment kube-system/csi-snapshot-controller, image registry:5000/x@sha256:abc")
    assert found["OpenShift"] == ("", "security.openshift.io is served, but no ClusterVersion")


def test_nothing_there_and_nothing_allowed():
    found = versions(FakeCluster(denied=["list configmaps"]))
    assert found["snapshot-controller"] == ("", "not seen")
    assert found["Kasten"] == ("", "cannot list configmaps: forbidden")
    assert found["OpenShift"] == ("", "not seen")


def test_a_server_that_is_away_is_told_once():
    class Away(FakeCluster):
        def server_version(self):
            raise errors.ConnectionFailed("no connection to https://x: refused")

    assert versions(Away()) == {"Kubernetes": ("", "no connection to https://x: refused")}
