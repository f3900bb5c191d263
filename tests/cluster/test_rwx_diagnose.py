"""kubectl rwx diagnose on a real cluster: each way to be stuck is told apart, by a user with few rights too.

What would disturb other tests (controllers, CRDs, node plugins) is in test_rwx_diagnose_outages.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from cluster.kubectl import CommandFailed, Kubectl, Plugin
from cluster.manifests import IMAGE, RESOURCES, claim, deployment, pod
from cluster.rwx_objects import bind_claims, start_pods

SIZED = "sized.csi.sandbox.local"
GROWTH = {
    "good": ("shared.csi.sandbox.local", {}), "refused": ("shared.csi.sandbox.local", {"failExpansion": "true"}),
    "kept": ("shared.csi.sandbox.local", {"keepSize": "true"}),
    "unused": ("shared.csi.sandbox.local", {"growOnNode": "true"}),
    "used": ("shared.csi.sandbox.local", {"growOnNode": "true", "failNodeExpansion": "true"}),
    "nobodys": ("fuzzy.csi.sandbox.local", {}),
}
"""Classes that offer expansion: their drivers, the last of which has no resizer, and what goes wrong there."""


def snapshot(name: str, source: str, snapshot_class: str | None, **metadata: Any) -> dict[str, Any]:
    spec: dict[str, Any] = {"source": {"persistentVolumeClaimName": source}}
    spec |= {"volumeSnapshotClassName": snapshot_class} if snapshot_class else {}
    return {"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot",
            "metadata": {"name": name, **metadata}, "spec": spec}


def pre_provisioned(name: str, content: str) -> dict[str, Any]:
    return {"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot", "metadata": {"name": name},
            "spec": {"source": {"volumeSnapshotContentName": content}}}


def content(name: str, *, snapshot: str, namespace: str) -> dict[str, Any]:
    """With a handle that the driver has never heard of."""
    return {"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshotContent", "metadata": {"name": name},
            "spec": {"driver": SIZED, "deletionPolicy": "Retain", "source": {"snapshotHandle": "no-such-handle"},
                     "volumeSnapshotRef": {"name": snapshot, "namespace": namespace}}}


def restored(name: str, source: str, **options: Any) -> dict[str, Any]:
    made = claim(name, **options)
    made["spec"]["dataSource"] = {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": source}
    return made


def found(rwx: Plugin, *arguments: str) -> dict[str, dict[str, Any]]:
    """The answer by object name."""
    done = rwx("diagnose", *arguments, "-o", "json")
    assert done.stdout, done.stderr
    return {item["name"]: item for item in json.loads(done.stdout)["items"]}


def broken_at(rwx: Plugin, *arguments: str) -> dict[str, tuple[str, str | None]]:
    """Name of the object → name and code of its first broken link."""
    return {name: (item["first"]["link"], item["first"]["code"]) if item["first"] else (item["verdict"], None)
            for name, item in found(rwx, *arguments).items()}


def wait_for_diagnosis(
    namespace: Kubectl, rwx: Plugin, expected: dict[str, tuple[str, str | None]], *words: str
) -> None:
    """Controllers and drivers take their time to say what is wrong."""
    seen: list[dict[str, tuple[str, str | None]]] = [{}]

    def as_expected() -> bool:
        seen[:] = [broken_at(rwx, *words)]
        return seen[0] == expected

    try:
        namespace.wait_until(as_expected, "the diagnosis")
    except CommandFailed:
        assert seen[0] == expected
        raise


@pytest.fixture
def snapshot_classes(kubectl: Kubectl, namespace: Kubectl) -> Iterator[dict[str, str]]:
    """Classes of the test's own: one asks for what the driver does not know, one fails as often as it is tried."""
    names = {"final": f"{namespace.name}-final", "retried": f"{namespace.name}-retried"}
    parameters = {"final": {"noSuchParameter": "x"}, "retried": {"failures": "always"}}
    kubectl.apply(*(
        {"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshotClass", "metadata": {"name": name},
         "driver": SIZED, "deletionPolicy": "Delete", "parameters": parameters[key]} for key, name in names.items()
    ))
    yield names
    namespace("delete", "vs", "--all")
    kubectl("delete", "volumesnapshotclass", *names.values())


@pytest.fixture
def contents(kubectl: Kubectl, namespace: Kubectl) -> Iterator[tuple[str, str]]:
    """One for the snapshot `handle`, one for a snapshot that nobody asks for."""
    bad, foreign = f"{namespace.name}-handle", f"{namespace.name}-foreign"
    kubectl.apply(content(bad, snapshot="handle", namespace=namespace.name),
                  content(foreign, snapshot="somebody-elses", namespace=namespace.name))
    yield bad, foreign
    kubectl("delete", "volumesnapshotcontent", bad, foreign, "--wait=false")


@pytest.fixture
def growing_classes(kubectl: Kubectl, namespace: Kubectl) -> Iterator[dict[str, str]]:
    """A class of the test's own for each of GROWTH, by its name there."""
    names = {key: f"{namespace.name}-{key}" for key in GROWTH}
    kubectl.apply(*(
        {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": names[key]},
         "provisioner": driver, "parameters": parameters, "allowVolumeExpansion": True}
        for key, (driver, parameters) in GROWTH.items()
    ))
    yield names
    kubectl("delete", "storageclass", *names.values())


def test_snapshots_that_are_stuck_are_told_apart(
    rwx: Plugin, namespace: Kubectl, snapshot_classes: dict[str, str], contents: tuple[str, str]
) -> None:
    bind_claims(namespace, claim("data", storage_class="sized", size="64Mi"))
    namespace.apply(
        claim("late", storage_class="late"),
        snapshot("class-missing", "data", "no-such-class"), snapshot("other-driver", "data", "block"),
        snapshot("unbound", "late", "late"), snapshot("no-claim", "no-such-claim", "sized"),
        snapshot("final", "data", snapshot_classes["final"]), snapshot("retried", "data", snapshot_classes["retried"]),
        pre_provisioned("handle", contents[0]), pre_provisioned("misbound", contents[1]),
        pre_provisioned("no-content", "no-such-content"), snapshot("good", "data", "sized"),
    )
    expected: dict[str, tuple[str, str | None]] = {
        "class-missing": ("snapshot class", "class-missing"),
        "other-driver": ("snapshot class", "class-of-another-driver"),
        "unbound": ("claim", "claim-unbound"), "no-claim": ("claim", "claim-missing"),
        "final": ("status.error", "driver-error-final"), "retried": ("status.error", "driver-error-retried"),
        "handle": ("content", "handle-not-confirmed"), "misbound": ("content", "content-not-bound"),
        "no-content": ("content", "content-missing"),
    }
    wait_for_diagnosis(namespace, rwx, {**expected, "late": ("first consumer", "waits-for-first-consumer")}, "--all")
    told = found(rwx, *(f"vs/{name}" for name in (*expected, "good")))
    assert told["good"]["verdict"] == "healthy" and rwx("diagnose", "vs/good", "pvc/data").returncode == 0
    assert {name: (item["first"] or {}).get("code") for name, item in told.items()} == {
        **{name: code for name, (_, code) in expected.items()}, "good": None}
    words = namespace.jsonpath("get", "vs/final", path="{.status.error.message}")
    assert told["final"]["first"]["observed"] == " ".join(words.split())
    assert "InvalidArgument" in words and told["final"]["first"]["source"].startswith("volumesnapshotcontent/")
    one = rwx("diagnose", "vs/class-missing")
    assert one.returncode == 3 and "$ kubectl rwx snapshot pvc/data --class sized" in one.stdout
    assert "broken    snapshot class: there is no VolumeSnapshotClass \"no-such-class\"" in one.stdout
    assert rwx("diagnose", "vs/no-such-snapshot").returncode == 1
    assert rwx("diagnose", "vs/good", "-o", "name").stdout == "volumesnapshot.snapshot.storage.k8s.io/good\n"


def test_restores_deletions_and_mounts_are_told_apart(rwx: Plugin, namespace: Kubectl) -> None:
    bind_claims(namespace, claim("data", storage_class="sized", size="64Mi"))
    start_pods(namespace, pod("user", {"data": "/data"}))
    namespace.apply(snapshot("good", "data", "sized", labels={"kubectl-rwx.io/set": "nightly"}))
    namespace("wait", "--for=jsonpath={.status.readyToUse}=true", "vs/good", "--timeout=60s")
    namespace.apply(restored("small", "good", storage_class="sized", size="16Mi"),
                    restored("of-another", "good", storage_class="shared", size="64Mi"),
                    claim("no-class", storage_class="no-such-class"))
    expected: dict[str, tuple[str, str | None]] = {
        "small": ("size", "restore-too-small"), "of-another": ("source", "source-of-another-driver"),
        "no-class": ("storage class", "storage-class-missing"),
    }
    wait_for_diagnosis(namespace, rwx, expected, "--all")
    assert broken_at(rwx, "nightly") == {"good": ("healthy", None)}
    assert "64Mi" in found(rwx, "pvc/small")["small"]["first"]["observed"]
    namespace("delete", "vs/good", "pvc/data", "--wait=false")
    expected |= {"good": ("deletion", "held-by-restore"), "data": ("deletion", "held-by-pod"),
                 "of-another": ("source", "source-deleting")}
    wait_for_diagnosis(namespace, rwx, expected, "--all")
    assert "small" in found(rwx, "nightly")["good"]["first"]["observed"]
    namespace("delete", "pvc", "small", "of-another")
    namespace("wait", "--for=delete", "vs/good", "--timeout=120s")


def test_claims_that_do_not_grow_are_told_apart(
    rwx: Plugin, namespace: Kubectl, growing_classes: dict[str, str]
) -> None:
    bind_claims(namespace, *(claim(key, storage_class=name, size="16Mi") for key, name in growing_classes.items()))
    start_pods(namespace, pod("user", {"used": "/data"}))
    more = json.dumps({"spec": {"resources": {"requests": {"storage": "32Mi"}}}})
    for key in growing_classes:
        namespace("patch", f"pvc/{key}", "-p", more)
    expected: dict[str, tuple[str, str | None]] = {
        "refused": ("expansion", "expansion-failed"), "kept": ("expansion", "expansion-not-done"),
        "unused": ("expansion", "expansion-waits-for-pod"), "used": ("expansion", "node-expansion-failed"),
        "nobodys": ("csi-resizer sidecar", "resizer-silent"),
    }
    wait_for_diagnosis(namespace, rwx, expected, "--all")
    told = found(rwx, *(f"pvc/{key}" for key in growing_classes))
    assert {key: item["verdict"] for key, item in told.items()} == {
        "good": "healthy", "refused": "broken", "kept": "broken", "unused": "waiting", "used": "broken",
        "nobodys": "suspect"}
    sizes = {key: namespace.jsonpath("get", f"pvc/{key}", path="{.status.capacity.storage}") for key in growing_classes}
    assert sizes == {"good": "32Mi", **dict.fromkeys(expected, "16Mi")}
    assert "backend refused to grow the volume" in told["refused"]["first"]["observed"]
    assert "there is no lease and no workload with a csi-resizer" in told["nobodys"]["first"]["observed"]
    start_pods(namespace, pod("later", {"unused": "/data"}))
    wait_for_diagnosis(namespace, rwx, {"unused": ("healthy", None)}, "pvc/unused")


def test_what_a_quota_refuses_is_told(rwx: Plugin, namespace: Kubectl) -> None:
    namespace.apply({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small"},
                     "spec": {"hard": {"persistentvolumeclaims": "2", "pods": "1"}}})
    namespace.wait_until(lambda: namespace.jsonpath("get", "resourcequota/small", path="{.status.hard}"), "the quota")
    template = claim("data", size="16Mi")
    containers = [{"name": "app", "image": IMAGE, "command": ["sleep", "infinity"], "resources": RESOURCES,
                   "volumeMounts": [{"name": "data", "mountPath": "/data"}]}]
    labels = {"app": "db"}
    stateful = {
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db"},
        "spec": {"serviceName": "db", "replicas": 2, "selector": {"matchLabels": labels},
                 "podManagementPolicy": "Parallel", "volumeClaimTemplates": [template],
                 "template": {"metadata": {"labels": labels},
                              "spec": {"terminationGracePeriodSeconds": 0, "containers": containers}}},
    }
    namespace.apply(claim("late", storage_class="late", size="16Mi"), stateful)
    namespace.wait_until(lambda: namespace.jsonpath("get", "resourcequota/small", path="{.status.used.pods}") == "1",
                         "the first pod to be counted")
    namespace.apply(deployment("web", {"late": "/data"}))
    expected: dict[str, tuple[str, str | None]] = {"data-db-1": ("quota", "quota-exceeded"),
                                                   "late": ("quota", "quota-exceeded")}
    wait_for_diagnosis(namespace, rwx, expected, "pvc/data-db-1", "pvc/late")
    first = found(rwx, "pvc/data-db-1")["data-db-1"]["first"]
    assert "exceeded quota: small" in first["observed"] and first["source"].startswith("statefulset/db event")
    assert rwx("diagnose", "pvc/nobody-made-this").returncode == 3


def bind_role(kubectl: Kubectl, rwx: Plugin, *options: str) -> None:
    """Binds a user called as the namespace to what `rbac diagnose` prints, under names of this test's own."""
    items = rwx.json("rbac", "diagnose", *options, "--bind-to", f"user/{rwx.namespace}")["items"]
    for item in items:
        item["metadata"]["name"] = rwx.namespace
        if "roleRef" in item:
            item["roleRef"]["name"] = rwx.namespace
    kubectl.apply(*items)


@pytest.fixture
def cluster_roles(kubectl: Kubectl, namespace: Kubectl) -> Iterator[None]:
    yield
    kubectl("delete", "clusterrole,clusterrolebinding", namespace.name, "--ignore-not-found")


def test_with_exactly_the_printed_rights(
    kubectl: Kubectl, namespace: Kubectl, rwx: Plugin, cluster_roles: None
) -> None:
    user = ("--as", namespace.name)
    bind_claims(namespace, claim("data", storage_class="sized", size="16Mi"))
    namespace.apply(snapshot("class-missing", "data", "no-such-class"), snapshot("good", "data", "sized"),
                    claim("late", storage_class="late", size="16Mi"))
    namespace("wait", "--for=jsonpath={.status.readyToUse}=true", "vs/good", "--timeout=60s")
    assert rwx(*user, "diagnose", "vs/good").returncode == 5

    bind_role(kubectl, rwx)
    namespace.wait_until(lambda: rwx(*user, "diagnose", "vs/good").returncode == 0, "the role to count")
    expected: dict[str, tuple[str, str | None]] = {"class-missing": ("snapshot class", "class-missing")}
    wait_for_diagnosis(namespace, rwx, expected, "vs/class-missing", *user)
    told = found(rwx, "vs/class-missing", "vs/good", "pvc/late", *user)
    assert told["class-missing"]["first"]["source"] == "volumesnapshot/class-missing status.error"
    assert set(told["good"]["unseen"]) == {"content", "driver"}
    assert told["late"]["verdict"] == "unknown" and "storage class" in told["late"]["unseen"]
    shown = rwx(*user, "diagnose", "vs/good")
    assert "not seen  content: forbidden" in shown.stdout and "not seen is not fine" in shown.stderr

    bind_role(kubectl, rwx, "--full")
    expected["late"] = ("first consumer", "waits-for-first-consumer")
    wait_for_diagnosis(namespace, rwx, expected, "--all", *user)
    whole = rwx(*user, "-v", "diagnose", "vs/class-missing", "vs/good", "pvc/late", "pvc/data", "-o", "json")
    assert "-> 403" not in whole.stderr
    assert all(item["unseen"] == [] for item in json.loads(whole.stdout)["items"])
