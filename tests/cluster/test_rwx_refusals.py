"""What kubectl rwx refuses: a clear sentence on stderr, the right exit code, nothing on stdout, nothing created."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cluster.kubectl import Kubectl, Plugin
from cluster.manifests import claim
from cluster.rwx_objects import bind_claims, snapshot_names

CLAIMS = "persistentvolumeclaims"
SNAPSHOTS = "volumesnapshots"


def check_refused(done: Any, *, code: int, words: list[str]) -> None:
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert all(word in done.stderr for word in words), done.stderr
    assert "Traceback" not in done.stderr


REFUSALS: list[tuple[list[str], int, list[str]]] = [
    (["snapshot"], 2, ["say what to snapshot", "pvc/NAME"]),
    (["snapshot", "deploy/web"], 1, ['cannot get deployments.apps "web" in namespace', "not found"]),
    (["snapshot", "secrets/x"], 2, ['"secrets" is not a kind']),
    (["snapshot", "pvc/a", "--all"], 2, ["exclude each other"]),
    (["snapshot", "pvc/a", "-A"], 2, ["--all-namespaces does not fit"]),
    (["snapshot", "pvc/absent"], 1, ["persistentvolumeclaim/absent", "it does not exist in namespace"]),
    (["snapshot", "--all"], 1, ["there is no claim in namespace"]),
    (["snapshot", "-l", "app=nothing"], 1, ['no claim with labels "app=nothing"']),
    (["snapshot", "-l", "app in (("], 1, ["unable to parse requirement"]),
    (["restore", "vs/absent"], 1, ["volumesnapshot/absent", "kubectl rwx list"]),
    (["restore", "absent"], 1, ['there is no snapshot set "absent"', "vs/absent"]),
    (["restore", "pvc/a"], 2, ['"pvc" is not a kind', "it takes: vs"]),
]


@pytest.mark.parametrize(("arguments", "code", "words"), REFUSALS)
def test_what_cannot_be_done(rwx: Plugin, arguments: list[str], code: int, words: list[str]) -> None:
    check_refused(rwx(*arguments), code=code, words=words)


def test_all_absent_names_are_told_at_once(rwx: Plugin, namespace: Kubectl) -> None:
    done = rwx("snapshot", "pvc/one", "pvc/two", "pvc/three")
    check_refused(done, code=1, words=["3 of 3 claims have no ready snapshot", "/one:", "/two:", "/three:"])


@pytest.mark.parametrize(("arguments", "code", "words"), [
    ([], 3, ["driver nosnap.csi.sandbox.local has no VolumeSnapshotClass", "shared (shared.csi.sandbox.local)"]),
    (["--class", "shared"], 2, ['"shared" is of shared.csi.sandbox.local, the volume is of nosnap.csi.sandbox.local']),
    (["--class", "absent"], 1, ['there is no VolumeSnapshotClass "absent"']),
])
def test_storage_without_snapshots(
    rwx: Plugin, namespace: Kubectl, arguments: list[str], code: int, words: list[str]
) -> None:
    bind_claims(namespace, claim("data", storage_class="nosnap"))
    check_refused(rwx("snapshot", "pvc/data", *arguments), code=code, words=words)
    assert snapshot_names(namespace) == []


@pytest.fixture
def grant(namespace: Kubectl) -> Callable[..., str]:
    """grant(resource=[verbs]) → the name to act as: a service account with exactly these rights in the namespace."""

    def make(**rights: list[str]) -> str:
        groups = {CLAIMS: "", SNAPSHOTS: "snapshot.storage.k8s.io", "events": ""}
        rules = [{"apiGroups": [groups[resource]], "resources": [resource], "verbs": verbs}
                 for resource, verbs in rights.items()]
        name, role_group = "operator", "rbac.authorization.k8s.io"
        subject = {"kind": "ServiceAccount", "name": name, "namespace": namespace.name}
        namespace.apply(
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}},
            {"apiVersion": f"{role_group}/v1", "kind": "Role", "metadata": {"name": name}, "rules": rules},
            {"apiVersion": f"{role_group}/v1", "kind": "RoleBinding", "metadata": {"name": name}, "subjects": [subject],
             "roleRef": {"apiGroup": role_group, "kind": "Role", "name": name}},
        )
        return f"system:serviceaccount:{namespace.name}:{name}"

    return make


def test_missing_rights_are_named(rwx: Plugin, namespace: Kubectl, grant: Callable[..., str]) -> None:
    user = grant(**{CLAIMS: ["get", "list"]})
    done = rwx("snapshot", "pvc/data", "--as", user)
    check_refused(done, code=5, words=["create volumesnapshots.snapshot.storage.k8s.io", "--as"])
    check_refused(rwx("list", "--as", user), code=5, words=["cannot list volumesnapshots", user])
    done = rwx("restore", "vs/x", "--as", user)
    check_refused(done, code=5, words=["get volumesnapshots", "create persistentvolumeclaims"])


def test_rights_in_one_namespace_will_do_with_the_class(
    rwx: Plugin, namespace: Kubectl, grant: Callable[..., str]
) -> None:
    bind_claims(namespace, claim("data"))
    user = grant(**{CLAIMS: ["get", "list", "watch", "create"], SNAPSHOTS: ["get", "list", "watch", "create"]})
    refused = rwx("snapshot", "pvc/data", "--as", user)
    check_refused(refused, code=5, words=["list volumesnapshotclasses", "name the VolumeSnapshotClass with --class"])
    done = rwx("snapshot", "pvc/data", "--class", "shared", "--name", "mine", "--as", user)
    assert done.returncode == 0, done.stderr
    assert "warning: " in done.stderr and "not checked" in done.stderr
    restored = rwx("restore", "vs/mine", "--as", user)
    assert restored.returncode == 0, restored.stderr
    assert namespace.jsonpath("get", "pvc/data-restored", path="{.status.phase}") == "Bound"


BROKEN: list[tuple[str | None, list[str]]] = [
    (None, ["there is no file"]),
    ("", ["kubeconfig"]),
    ("{not: [yaml", ["kubeconfig"]),
    ("apiVersion: v1\nkind: Config\ncurrent-context: x\n", ["kubeconfig"]),
]


@pytest.mark.parametrize(("text", "words"), BROKEN, ids=["absent", "empty", "garbled", "hollow"])
def test_a_broken_kubeconfig(rwx: Plugin, tmp_path: Path, text: str | None, words: list[str]) -> None:
    file = tmp_path / "kubeconfig"
    if text is not None:
        file.write_text(text)
    for arguments in (["list"], ["snapshot", "pvc/data"], ["restore", "vs/x"]):
        check_refused(rwx(*arguments, "--kubeconfig", str(file)), code=1, words=words)


def test_an_unreachable_server(rwx: Plugin, kubectl: Kubectl, tmp_path: Path) -> None:
    config = kubectl.json("config", "view", "--raw", "--flatten")
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    file = tmp_path / "kubeconfig"
    file.write_text(json.dumps(config))
    for arguments in (["list"], ["snapshot", "pvc/data"], ["restore", "vs/x"]):
        done = rwx(*arguments, "--kubeconfig", str(file), timeout=30)
        check_refused(done, code=1, words=["no connection to https://127.0.0.1:1", "check the server address"])
