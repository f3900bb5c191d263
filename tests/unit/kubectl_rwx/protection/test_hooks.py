from __future__ import annotations

import pytest

from fakes.cluster import FakeCluster
from kubectl_rwx.protection.filesystems import refuse_fsfreeze
from kubectl_rwx.protection.hooks import find_hooks, velero_hook
from kubectl_rwx.protection.quiesce_requests import HOOK, QuiesceRequest
from plugin_core import errors
from plugin_core.kube.cluster import ExecResult
from plugin_core.workloads.writers import Writer, find_writers
from unit.kubectl_rwx.protection.quiesce_objects import web

PRE, POST = "pre.hook.backup.velero.io", "post.hook.backup.velero.io"


def writers(annotations: dict[str, str] | None = None, pods: int = 1) -> tuple[Writer, ...]:
    return find_writers(FakeCluster(web(pods=pods, annotations=annotations)), ["data"], namespace="app")


@pytest.mark.parametrize(("text", "argv"), [
    ('["/bin/sh", "-c", "lock all"]', ("/bin/sh", "-c", "lock all")),
    ("/usr/bin/lock", ("/usr/bin/lock",)),
    ("lock all", ("lock all",)),
])
def test_a_command_is_a_json_array_or_one_word(text: str, argv: tuple[str, ...]) -> None:
    hook = velero_hook(writers({f"{PRE}/command": text})[0])
    assert hook and hook.freeze.argv == argv and hook.thaw.argv == ()


def test_defaults_are_veleros() -> None:
    hook = velero_hook(writers({f"{PRE}/command": "x", f"{POST}/command": "y"})[0])
    assert hook and (hook.freeze.container, hook.freeze.seconds, hook.freeze.must_work) == ("app", 30.0, True)


def test_each_annotation_counts() -> None:
    hook = velero_hook(writers({
        f"{PRE}/command": "x", f"{PRE}/timeout": "2m", f"{PRE}/on-error": "Continue", f"{POST}/command": "y",
        f"{POST}/timeout": "5s",
    })[0])
    assert hook and (hook.freeze.seconds, hook.freeze.must_work) == (120.0, False)
    assert (hook.thaw.seconds, hook.thaw.must_work) == (5.0, True)


@pytest.mark.parametrize(("annotations", "words"), [
    ({f"{PRE}/command": '["x'}, "is no JSON array"),
    ({f"{PRE}/command": "x", f"{PRE}/timeout": "soon"}, "is not a duration"),
    ({f"{PRE}/command": "x", f"{PRE}/container": "db"}, 'it has no container "db", but app'),
    ({}, "no --freeze is given and it has no annotation"),
])
def test_what_cannot_be_meant_leaves_the_writer_uncovered(annotations: dict[str, str], words: str) -> None:
    hooks, without = find_hooks(writers(annotations), QuiesceRequest(mode=HOOK))
    assert not hooks and words in without[0][1]


def test_flags_are_run_by_a_shell_in_the_container_that_mounts_the_claim() -> None:
    [hook], without = find_hooks(writers(), QuiesceRequest(mode=HOOK, freeze="lock a", thaw="unlock a"))
    assert (hook.freeze.argv, hook.thaw.argv) == (("sh", "-c", "lock a"), ("sh", "-c", "unlock a"))
    assert (hook.freeze.container, without) == ("app", [])


@pytest.mark.parametrize(("flags", "words"), [
    ({"mode": HOOK, "freeze": "x"}, "--freeze needs --thaw"),
    ({"mode": HOOK, "thaw": "x"}, "--thaw needs --freeze"),
    ({"mode": "scale", "freeze": "x", "thaw": "y"}, "belong to --quiesce=hook"),
    ({"mode": HOOK, "freeze_timeout": 1.0}, "at least 5s"),
])
def test_flags_that_do_not_fit(flags: dict[str, object], words: str) -> None:
    with pytest.raises(errors.UsageError, match=words):
        QuiesceRequest(**flags)  # type: ignore[arg-type]


@pytest.mark.parametrize(("kind", "refused"), [("nfs4", True), ("overlay", True), ("fuse.sshfs", True), ("xfs", False)])
def test_fsfreeze_is_refused_where_the_kernel_has_no_disk_to_stop(kind: str, refused: bool) -> None:
    mounts = f"overlay / overlay rw 0 0\nserver:/a /data {kind} rw 0 0\n"
    cluster = FakeCluster(web(pods=1), execs={("web-0", "cat"): ExecResult(0, mounts, "")})
    request = QuiesceRequest(mode=HOOK, freeze="fsfreeze -f /data", thaw="fsfreeze -u /data")
    hooks, _ = find_hooks(find_writers(cluster, ["data"], namespace="app"), request)
    if not refused:
        refuse_fsfreeze(cluster, hooks)
        return
    with pytest.raises(errors.NotReady, match=f"/data is {kind}, which fsfreeze cannot freeze"):
        refuse_fsfreeze(cluster, hooks)
