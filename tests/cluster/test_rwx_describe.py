"""kubectl rwx describe on a real cluster."""

from __future__ import annotations

from cluster.kubectl import Kubectl, Plugin
from cluster.manifests import claim
from cluster.rwx_objects import bind_claims


def test_all_there_is_to_know(rwx: Plugin, namespace: Kubectl) -> None:
    bind_claims(namespace, claim("a", size="16Mi"), claim("b", size="16Mi"))
    rwx.ok("snapshot", "--all", "--name", "nightly", "--group", "never")
    rwx.ok("restore", "vs/nightly-a")
    namespace("delete", "pvc", "b", "--timeout=60s")
    items = {item["name"]: item for item in rwx.json("describe", "nightly")["items"]}
    first = items["nightly-a"]
    content = namespace.jsonpath("get", "vs/nightly-a", path="{.status.boundVolumeSnapshotContentName}")
    handle = namespace.jsonpath("get", "volumesnapshotcontent", content, path="{.status.snapshotHandle}")
    assert (first["content"], first["handle"], first["deletionPolicy"]) == (content, handle, "Delete")
    assert (first["consistency"], first["driver"]) == ("crash", "shared.csi.sandbox.local")
    assert [one["name"] for one in first["restores"]] == ["a-restored"]
    assert first["sourceState"] == "Bound" and items["nightly-b"]["sourceState"] == "gone"
    assert any("SnapshotReady" in event for event in first["events"])
    shown = rwx.ok("describe", "vs/nightly-a")
    assert handle in shown and "pvc/a-restored" in shown
    assert rwx("describe", "absent").returncode == 1
