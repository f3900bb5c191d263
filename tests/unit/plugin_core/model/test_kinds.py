"""Kinds: where they are served and how they are named."""

from __future__ import annotations

import pytest

from plugin_core.model.kinds import (
    DEPLOYMENT,
    KINDS,
    NODE,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    VOLUME_SNAPSHOT,
    find_kind,
)


@pytest.mark.parametrize("kind, options, path", [
    (POD, {}, "/api/v1/pods"),
    (POD, {"namespace": "app"}, "/api/v1/namespaces/app/pods"),
    (POD, {"namespace": "app", "name": "web", "subresource": "exec"}, "/api/v1/namespaces/app/pods/web/exec"),
    (NODE, {"namespace": "app", "name": "n1"}, "/api/v1/nodes/n1"),
    (DEPLOYMENT, {"namespace": "app", "name": "a"}, "/apis/apps/v1/namespaces/app/deployments/a"),
    (POD, {"namespace": "a/../b", "name": "x?y=z#"}, "/api/v1/namespaces/a%2F..%2Fb/pods/x%3Fy%3Dz%23"),
])
def test_path(kind, options, path):
    assert kind.path(**options) == path


def test_names():
    assert (POD.api_version, POD.resource, POD.prefix) == ("v1", "pods", "pod")
    assert VOLUME_SNAPSHOT.api_version == "snapshot.storage.k8s.io/v1"
    assert VOLUME_SNAPSHOT.resource == "volumesnapshots.snapshot.storage.k8s.io"
    assert VOLUME_SNAPSHOT.prefix == "volumesnapshot.snapshot.storage.k8s.io"


def test_find_kind():
    assert find_kind("v1", "PersistentVolumeClaim") is PERSISTENT_VOLUME_CLAIM
    assert find_kind("v2", "PersistentVolumeClaim") is None


def test_no_two_kinds_are_taken_for_each_other():
    assert len({(kind.api_version, kind.name) for kind in KINDS}) == len(KINDS)
    short = [word for kind in KINDS for word in kind.short_names]
    assert len(short) == len(set(short))
