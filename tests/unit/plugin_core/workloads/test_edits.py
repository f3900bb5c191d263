from __future__ import annotations

import pytest

from fakes.cluster import FakeCluster
from fakes.workloads import NAMESPACE, workload
from plugin_core import errors
from plugin_core.model.kinds import DEPLOYMENT
from plugin_core.model.manifests import Manifest
from plugin_core.workloads.edits import ATTEMPTS, edit_workload

PATCH = "patch deployments.apps"


def scaled(before: Manifest) -> Manifest:
    return {**before, "spec": {**before["spec"], "replicas": 5}}


def test_one_patch() -> None:
    cluster = FakeCluster([workload()], expect=[PATCH])
    edited = edit_workload(cluster, DEPLOYMENT, "web", namespace=NAMESPACE, edit=scaled)
    assert edited.changed and edited.before["spec"]["replicas"] == 2 and edited.after["spec"]["replicas"] == 5


def test_no_difference_no_request() -> None:
    cluster = FakeCluster([workload(replicas=5)])
    assert not edit_workload(cluster, DEPLOYMENT, "web", namespace=NAMESPACE, edit=scaled).changed
    assert cluster.requests == ["get deployments.apps"]


def test_a_concurrent_change_is_kept() -> None:
    cluster = FakeCluster([workload()], expect=[PATCH])
    seen = []

    def edit(before: Manifest) -> Manifest:
        if not seen:
            changed = cluster.objects[DEPLOYMENT.resource, NAMESPACE, "web"]
            cluster.put({**changed, "spec": {**changed["spec"], "paused": True}})
        seen.append(before)
        return scaled(before)

    edited = edit_workload(cluster, DEPLOYMENT, "web", namespace=NAMESPACE, edit=edit)
    assert len(seen) == 2
    assert (edited.after["spec"]["paused"], edited.after["spec"]["replicas"]) == (True, 5)


def test_it_gives_up() -> None:
    cluster = FakeCluster([workload()], expect=[PATCH])

    def edit(before: Manifest) -> Manifest:
        cluster.put(cluster.objects[DEPLOYMENT.resource, NAMESPACE, "web"])
        return scaled(before)

    with pytest.raises(errors.Conflict):
        edit_workload(cluster, DEPLOYMENT, "web", namespace=NAMESPACE, edit=edit)
    assert cluster.requests.count(PATCH) == ATTEMPTS
