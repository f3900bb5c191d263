"""kubectl rwx feature-gates against a real API server, with and without the right to read its metrics."""

from __future__ import annotations

from cluster.kubectl import Kubectl, Plugin


def test_a_modern_server(rwx: Plugin) -> None:
    document = rwx.json("feature-gates")
    rows = {item["name"]: item for item in document["items"]}
    for name in ("VolumeSnapshotDataSource", "VolumePVCDataSource"):
        assert (rows[name]["stage"], rows[name]["enabled"], rows[name]["evidence"]) == ("removed", True, [])
    assert rows["AnyVolumeDataSource"]["evidence"] == [
        {"enabled": True, "source": "metric kubernetes_feature_enabled"},
    ]
    assert document["enabled"] is True and "get /metrics" in document["read"]
    assert document["recipes"] == []
    assert document["snapshotVersions"][0]["version"] == "v1"


def test_no_recipe_for_gates_that_are_gone(rwx: Plugin) -> None:
    done = rwx("feature-gates", "--recipe", "kubeadm")
    assert done.returncode == 0
    assert "TO ENABLE" not in done.stdout
    assert "no recipe for kubeadm: nothing is to be enabled" in done.stderr


def test_without_rights_the_version_still_answers(rwx: Plugin, namespace: Kubectl) -> None:
    done = rwx("feature-gates", "--as", f"system:serviceaccount:{namespace.name}:default")
    assert done.returncode == 0, done.stderr
    assert "always on: the gate was removed in 1.22" in done.stdout
    assert "may not be read: get /metrics" in done.stderr
    assert "may not be read: list pods in kube-system" in done.stderr
