from __future__ import annotations

from fakes.cluster import FakeCluster
from fakes.workloads import NAMESPACE, pod, replica_set, rolled_out, workload
from plugin_core.model.manifests import name_of
from plugin_core.workloads.pods import read_pods
from plugin_core.workloads.templates import template_of


def names(pods: tuple[dict[str, object], ...]) -> list[str]:
    return sorted(name_of(one) for one in pods)


def test_deployment_the_highest_revision_counts() -> None:
    web = workload()
    cluster = FakeCluster()
    rolled_out(cluster, web)
    old = replica_set(web, 0)
    cluster.put(old)
    cluster.put(pod("web-0-x", old, template_of(web)))
    cluster.put(pod("stranger", {"metadata": {"name": "x", "uid": "other"}, "kind": "ReplicaSet"}, template_of(web)))
    found = read_pods(cluster, cluster.objects["deployments.apps", NAMESPACE, "web"])
    assert names(found.newest) == ["web-1-0", "web-1-1"]
    assert names(found.older) == ["web-0-x"]
    assert found.controller and name_of(found.controller) == "web-1"


def test_nothing_is_newest_before_the_controller_has_seen_the_change() -> None:
    cluster = FakeCluster()
    rolled_out(cluster, workload())
    web = cluster.objects["deployments.apps", NAMESPACE, "web"]
    web["metadata"]["generation"] += 1
    found = read_pods(cluster, web)
    assert (len(found.newest), len(found.older)) == (0, 2)


def test_terminating_pods_are_never_newest() -> None:
    cluster = FakeCluster()
    rolled_out(cluster, workload(replicas=1))
    cluster.objects["pods", NAMESPACE, "web-1-0"]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert read_pods(cluster, cluster.objects["deployments.apps", NAMESPACE, "web"]).newest == ()


def test_stateful_set_by_its_update_revision() -> None:
    db = workload("StatefulSet", "db")
    db["status"]["updateRevision"] = "r2"
    cluster = FakeCluster([
        db, pod("db-1", db, template_of(db), labels={"controller-revision-hash": "r2"}),
        pod("db-0", db, template_of(db), labels={"controller-revision-hash": "r1"}),
    ])
    found = read_pods(cluster, db)
    assert (names(found.newest), names(found.older)) == (["db-1"], ["db-0"])


def test_deployment_config_by_its_latest_version() -> None:
    old = workload("DeploymentConfig", "old")
    old["status"]["latestVersion"] = 2
    controllers = [{"apiVersion": "v1", "kind": "ReplicationController",
                    "metadata": {"name": f"old-{number}", "namespace": NAMESPACE, "uid": f"rc-{number}"}}
                   for number in (1, 2)]
    cluster = FakeCluster([old, *controllers, *(pod(f"old-{number}-x", one, template_of(old))
                                                for number, one in enumerate(controllers, start=1))])
    found = read_pods(cluster, old)
    assert (names(found.newest), names(found.older)) == (["old-2-x"], ["old-1-x"])
    old["status"]["latestVersion"] = 0
    assert read_pods(cluster, old).newest == ()
