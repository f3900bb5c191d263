"""The main job of both plugins on whatever cluster KUBECONFIG names, with that cluster's own class and images.

TEST_STORAGE_CLASS: a class with snapshots (default: the sandbox's `shared`). TEST_ACCESS_MODE, TEST_IMAGE (sh and
coreutils) and TEST_SIDECAR_IMAGE (Kasten's tools image) say the rest.
"""

from __future__ import annotations

import os

import pytest

from cluster.kubectl import Kubectl, Plugin
from cluster.manifests import claim, deployment, pod

STORAGE_CLASS = os.environ.get("TEST_STORAGE_CLASS", "shared")
ACCESS_MODE = os.environ.get("TEST_ACCESS_MODE", "ReadWriteMany")
SIDECAR_IMAGE = os.environ.get("TEST_SIDECAR_IMAGE", "sandbox.local/kanister-tools:1")

pytestmark = pytest.mark.any_cluster


def test_data_comes_back(rwx: Plugin, namespace: Kubectl) -> None:
    write = "echo precious > /data/file; touch /tmp/done; sleep infinity"
    namespace.apply(claim("data", storage_class=STORAGE_CLASS, access_mode=ACCESS_MODE),
                    pod("writer", {"data": "/data"}, command=write))
    namespace.wait_until(lambda: namespace.sh("writer", "ls /tmp/done", check=False), "the written file")
    rwx.ok("snapshot", "pvc/data", "--name", "before")
    assert namespace.jsonpath("get", "volumesnapshot/before", path="{.status.readyToUse}") == "true"
    namespace.sh("writer", "rm /data/file")
    namespace("delete", "pod/writer", "--now")
    rwx.ok("restore", "vs/before", "--to", "again")
    namespace.apply(pod("reader", {"again": "/data"}))
    namespace("wait", "--for=condition=Ready", "pod/reader", "--timeout=300s")
    assert namespace.sh("reader", "cat /data/file") == "precious\n"


def test_sidecar_goes_in_and_out(gsb: Plugin, namespace: Kubectl) -> None:
    namespace.apply(claim("data", storage_class=STORAGE_CLASS, access_mode=ACCESS_MODE),
                    deployment("web", {"data": "/data"}))
    namespace("rollout", "status", "deployment/web", "--timeout=300s")
    before = namespace.json("get", "deployment/web")["spec"]
    gsb.ok("inject", "deploy/web", "--image", SIDECAR_IMAGE)
    status = namespace.sh("deploy/web", "grep CapBnd /proc/self/status", container="kanister-sidecar")
    assert int(status.split()[1], 16) & 0b1011 == 0b1011
    gsb.ok("verify", "deploy/web")
    gsb.ok("uninject", "deploy/web")
    assert namespace.json("get", "deployment/web")["spec"] == before
