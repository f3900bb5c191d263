"""kubectl rwx provision on a real cluster: a shared claim on a class that is known to be up to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cluster.kubectl import Kubectl, Plugin

IMAGE = ("--image", "sandbox.local/tools:1")


@pytest.fixture
def late_class(kubectl: Kubectl, namespace: Kubectl) -> Iterator[str]:
    """A StorageClass of this test's own whose claims wait for their first consumer."""
    kubectl.apply({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": namespace.name},
                   "provisioner": "late.csi.sandbox.local", "volumeBindingMode": "WaitForFirstConsumer"})
    yield namespace.name
    kubectl("delete", "storageclass", namespace.name)


def test_refused_until_proven_then_made_once(rwx: Plugin, namespace: Kubectl, late_class: str) -> None:
    arguments = ("provision", "backup", "--size", "1Gi", "--class", late_class)
    refused = rwx(*arguments)
    assert refused.returncode == 3
    assert f"prove it first: kubectl rwx verify {late_class}" in refused.stderr
    rwx.ok("verify", late_class, *IMAGE)

    assert "would be created (server dry run)" in rwx(*arguments, "--dry-run=server").stderr
    assert namespace("get", "pvc", "-o", "name").stdout == ""
    made = rwx(*arguments)
    assert made.returncode == 0 and "WaitsForConsumer" in made.stdout
    assert "it is bound when the first pod uses it" in made.stderr

    [bound] = rwx.json(*arguments, "--bind", "--image", "sandbox.local/pause:1")["items"]
    assert (bound["change"], bound["phase"], bound["level"]) == ("unchanged", "Bound", "proven")
    [again] = rwx.json("provision", "backup", "--size", "1Gi")["items"]
    assert (again["change"], again["class"]) == ("unchanged", late_class)
    assert rwx("provision", "backup", "--size", "2Gi").returncode == 1


@pytest.mark.parametrize(("storage_class", "words"), [
    ("nosnap", "nosnap.csi.sandbox.local has no VolumeSnapshotClass"), ("absent", "there is no StorageClass absent"),
])
def test_a_class_that_will_not_do_is_refused(rwx: Plugin, storage_class: str, words: str) -> None:
    done = rwx("provision", "backup", "--size", "1Gi", "--class", storage_class)
    assert done.returncode in (1, 3) and words in done.stderr
