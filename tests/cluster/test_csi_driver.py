"""What the sandbox's CSI driver promises beyond CSI: honest variants are honest, and each fault does what it says.

Nodes are mount namespaces as in the sandbox, and pods are processes in namespaces made from them. Needs no Kubernetes.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest

from sandbox import definitions
from sandbox.csi.trials import TESTS, TrialNode, wait_until

# Counts in several files, one after the other: at every instant the counts are equal or one apart.
COUNT = """
import os, sys
files = [os.open(name, os.O_CREAT | os.O_WRONLY) for name in sys.argv[1:]]
for count in range(1, 10**9):
    for file in files:
        os.pwrite(file, b"%012d" % count, 0)
"""
NodeMaker = Callable[..., TrialNode]


@pytest.fixture
def start_node() -> Iterator[NodeMaker]:
    """start_node("shared", …, name="node-a") → a running driver; nodes of one test share their volumes."""
    with tempfile.TemporaryDirectory(prefix="csi-") as folder, ExitStack() as running:

        def start(*variants: str, name: str = "node-a") -> TrialNode:
            node = TrialNode(Path(folder), stubs=definitions.stubs_folder(), variants=list(variants), name=name)
            return running.enter_context(node)

        yield start


@pytest.fixture
def refused() -> Callable[..., str]:
    """refused(code, call, *arguments) → the message with which the call was refused with exactly this code."""

    def call(code: str, function: Callable[..., Any], *arguments: Any, **options: Any) -> str:
        with pytest.raises(grpc.RpcError) as caught:
            function(*arguments, **options)
        assert caught.value.code().name == code, caught.value
        return str(caught.value.details())

    return call


def read_count(path: Path) -> int:
    return int(path.read_text() or 0)


def start_counting(node: TrialNode, *targets: Path, seen: Path) -> None:
    """A pod counts in these files, named as it sees them; returns once it does."""
    node.start_pod(COUNT, *(str(target) for target in targets))
    wait_until(lambda: seen.exists() and read_count(seen) > 10, "the pod counting")


def fill_richly(folder: Path) -> None:
    """One of everything that a copy may lose."""
    (folder / "file").write_text("content")
    (folder / "file").chmod(0o4751)
    os.chown(folder / "file", 1234, 5678)
    os.setxattr(folder / "file", "user.colour", b"blue")
    os.link(folder / "file", folder / "second-name")
    (folder / "link").symlink_to("nowhere")
    os.lchown(folder / "link", 4321, 8765)
    (folder / "empty").mkdir(mode=0o2770)
    with (folder / "sparse").open("wb") as sparse:
        sparse.truncate(64 * 1024**2)
    for path in [*folder.iterdir(), folder]:
        os.utime(path, ns=(1_600_000_000_123_456_789, 1_600_000_000_123_456_789), follow_symlinks=False)


def list_richly(folder: Path) -> dict[str, tuple[object, ...]]:
    """Everything that a faithful copy keeps, by name."""
    listed = {}
    for path in sorted([folder, *folder.rglob("*")]):
        status = path.lstat()
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        attributes = {name: os.getxattr(path, name) for name in os.listxattr(path, follow_symlinks=False)}
        sparse = path.is_file() and status.st_blocks * 512 < status.st_size
        owner = (status.st_uid, status.st_gid)
        facts = (status.st_mode, owner, status.st_mtime_ns, status.st_nlink, sparse, attributes, content)
        listed[str(path.relative_to(folder))] = facts
    return listed


@pytest.mark.parametrize("variant", ["shared", "fuzzy"])
@pytest.mark.parametrize("by", ["snapshot", "clone"])
def test_copies_are_faithful(variant: str, by: str, start_node: NodeMaker) -> None:
    client = start_node(variant).client(variant)
    source = client.create_volume("source", parameters={"copySeconds": "0.1"})
    fill_richly(source)
    before = list_richly(source)
    if by == "snapshot":
        client.snapshot("source", "cut")
        (source / "file").write_text("changed later")
        copy = client.create_volume("copy", from_snapshot="cut")
    else:
        copy = client.create_volume("copy", from_volume="source")
    assert list_richly(copy) == before


@pytest.mark.parametrize("by", ["snapshot", "clone"])
def test_a_cut_is_one_moment_on_both_nodes(by: str, start_node: NodeMaker) -> None:
    """Pods on two nodes write without a pause; what is restored is what stood there at one instant."""
    first, second = start_node("shared"), start_node("shared", name="node-b")
    client, other = first.client("shared"), second.client("shared")
    source = client.create_volume("source", mode="MULTI_NODE_MULTI_WRITER")
    for number in range(300):  # something to copy between the two counts
        (source / f"m{number:03}").write_bytes(b"x" * 50_000)
    for name, node, user in (("one", first, client), ("two", second, other)):
        target = user.publish("source", mode="MULTI_NODE_MULTI_WRITER")
        # Several, as the order in which a folder is read is the file system's secret.
        counts = [f"{name}-{number}" for number in range(8)]
        start_counting(node, *(target / count for count in counts), seen=source / counts[-1])
    if by == "snapshot":
        client.snapshot("source", "cut")
        copy = client.create_volume("copy", from_snapshot="cut")
    else:
        copy = client.create_volume("copy", from_volume="source")
    for name in ("one", "two"):
        counted = [read_count(copy / f"{name}-{number}") for number in range(8)]
        assert max(counted) - min(counted) <= 1
        reached = read_count(source / f"{name}-0")
        wait_until(lambda: read_count(source / f"{name}-0") > reached, f"pod {name} going on after the cut")


def test_a_group_is_cut_at_one_moment(start_node: NodeMaker) -> None:
    node = start_node("shared")
    client = node.client("shared")
    sources = {name: client.create_volume(name) for name in ("data", "log")}
    targets = {name: client.publish(name) for name in sources}
    start_counting(node, targets["log"] / "count", targets["data"] / "count", seen=sources["data"] / "count")
    request = client.messages.CreateVolumeGroupSnapshotRequest(name="both", source_volume_ids=list(sources))
    group = client.groups.CreateVolumeGroupSnapshot(request).group_snapshot
    copies = {
        snapshot.source_volume_id: client.create_volume(
            f"copy-of-{snapshot.source_volume_id}", from_snapshot=snapshot.snapshot_id
        )
        for snapshot in group.snapshots
    }
    assert 0 <= read_count(copies["log"] / "count") - read_count(copies["data"] / "count") <= 1
    assert {snapshot.group_snapshot_id for snapshot in group.snapshots} == {"both"}


def test_fuzzy_tears_what_is_written_meanwhile(start_node: NodeMaker) -> None:
    """The order of writing says z is never behind a; torn copies show a far behind z all the same."""
    node = start_node("fuzzy")
    client = node.client("fuzzy")
    source = client.create_volume("source")
    (source / "ballast").write_bytes(b"\0" * 5_000_000)
    target = client.publish("source")
    start_counting(node, target / "z", target / "a", seen=source / "a")
    asked = time.time()
    snapshot = client.snapshot("source", "cut", parameters={"copySeconds": "1"})
    copy = client.create_volume("copy", from_snapshot="cut")
    assert read_count(copy / "z") - read_count(copy / "a") > 100
    # As csi-driver-nfs says it: stamped at the end, ready at once, and the packed size for the volume's.
    assert snapshot.creation_time.ToNanoseconds() / 1e9 > asked + 0.5
    assert snapshot.ready_to_use
    assert 0 < snapshot.size_bytes < 100_000


def test_writers_go_on_when_the_driver_is_killed_during_the_cut(start_node: NodeMaker) -> None:
    """Without a chance to clean up, the stopped pods are continued."""
    node = start_node("shared")
    client = node.client("shared")
    source = client.create_volume("source")
    start_counting(node, client.publish("source") / "a", seen=source / "a")
    hold = (
        "import sys, time; from pathlib import Path; from sandbox.csi.writers import stopped_writers\n"
        "with stopped_writers([Path(sys.argv[1])], nodes={sys.argv[2]}): print('held', flush=True); time.sleep(60)"
    )
    namespace = os.readlink(f"/proc/{node.process.pid}/ns/mnt")
    holder = subprocess.Popen(
        [sys.executable, "-c", hold, str(source), namespace],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout and holder.stdout.readline() == b"held\n"
        held = read_count(source / "a")
        time.sleep(0.2)  # the only way to see that nothing happens
        assert read_count(source / "a") == held
        holder.send_signal(signal.SIGKILL)
    wait_until(lambda: read_count(source / "a") > held, "the pod going on")


def test_block_refuses_a_second_node(start_node: NodeMaker, refused: Callable[..., str]) -> None:
    first, second = start_node("block"), start_node("block", name="node-b")
    client, other = first.client("block"), second.client("block")
    refused("INVALID_ARGUMENT", client.create_volume, "many", mode="MULTI_NODE_MULTI_WRITER")
    client.create_volume("disk")
    client.publish("disk", pod="one")
    client.publish("disk", pod="two")
    assert "in use on node node-a" in refused("FAILED_PRECONDITION", other.publish, "disk")
    assert "in use on node node-a" in refused("FAILED_PRECONDITION", client.delete_volume, "disk")
    client.unpublish("disk", pod="one")
    refused("FAILED_PRECONDITION", other.publish, "disk")
    client.unpublish("disk", pod="two")
    other.publish("disk")


def test_a_node_that_died_holds_no_volume(start_node: NodeMaker) -> None:
    first, second = start_node("block"), start_node("block", name="node-b")
    first.client("block").create_volume("disk")
    first.client("block").publish("disk")
    first.process.kill()  # and with its last process, the node's mounts
    first.process.wait()
    second.client("block").publish("disk")


def test_everything_outlives_a_restart(start_node: NodeMaker) -> None:
    node = start_node("shared")
    client = node.client("shared")
    (client.create_volume("source") / "file").write_text("kept")
    client.snapshot("source", "cut")
    assert node.stop() == 0
    assert not node.socket("shared").exists() and not list(node.registry.iterdir())
    node.start()
    copy = node.client("shared").create_volume("copy", from_snapshot="cut")
    assert (copy / "file").read_text() == "kept"


def test_ends_soon_and_without_a_trace_of_what_it_was_doing(start_node: NodeMaker) -> None:
    node = start_node("fuzzy")
    client = node.client("fuzzy")
    client.create_volume("source")
    request = client.messages.CreateSnapshotRequest(
        source_volume_id="source", name="cut", parameters={"copySeconds": "3600"}
    )
    asked = client.controller.CreateSnapshot.future(request)
    drafts = node.data / "fuzzy.test" / "drafts" / "node-a"
    wait_until(lambda: any(drafts.iterdir()), "the copy starting")
    assert node.stop() == 0
    assert asked.exception() is not None
    node.start()
    assert list(drafts.iterdir()) == []
    assert node.client("fuzzy").snapshot("source", "cut", parameters={"copySeconds": "0"}).ready_to_use


def test_registers_with_the_kubelet(start_node: NodeMaker) -> None:
    node = start_node("shared", "block")
    import registration_pb2
    import registration_pb2_grpc

    kubelet = registration_pb2_grpc.RegistrationStub(node.connect(node.registry / "block.test-reg.sock"))
    info = kubelet.GetInfo(registration_pb2.InfoRequest())
    assert (info.type, info.name, info.endpoint) == ("CSIPlugin", "block.test", str(node.socket("block")))
    assert list(info.supported_versions) == ["1.0.0"]
    kubelet.NotifyRegistrationStatus(registration_pb2.RegistrationStatus(error="no room"))
    wait_until(lambda: "the kubelet refused block.test: no room" in node.log.read_text(), "the log of the refusal")


def test_a_snapshot_in_progress_is_said_to_be(start_node: NodeMaker, refused: Callable[..., str]) -> None:
    node = start_node("fuzzy")
    client = node.client("fuzzy")
    client.create_volume("source", parameters={"copySeconds": "1.5"})
    first = threading.Thread(target=client.snapshot, args=("source", "cut"))
    first.start()
    drafts = node.data / "fuzzy.test" / "drafts" / "node-a"
    wait_until(lambda: any(drafts.iterdir()), "the copy starting")
    assert "in progress" in refused("ABORTED", client.snapshot, "source", "cut")
    first.join()
    assert client.snapshot("source", "cut").ready_to_use


def test_slow_is_cut_at_once_and_ready_later(start_node: NodeMaker, refused: Callable[..., str]) -> None:
    client = start_node("slow").client("slow")
    client.create_volume("source")
    first = client.snapshot("source", "slow")
    assert not first.ready_to_use
    refused("ABORTED", client.create_volume, "copy", from_snapshot="slow")
    assert not client.snapshot("source", "quick", parameters={"delay": "0.5"}).ready_to_use
    wait_until(lambda: client.snapshot("source", "quick").ready_to_use, "the snapshot becoming ready")
    assert client.snapshot("source", "slow").creation_time == first.creation_time


def test_failing_fails_for_ever_or_as_often_as_asked(start_node: NodeMaker, refused: Callable[..., str]) -> None:
    client = start_node("failing").client("failing")
    client.create_volume("source")
    for _ in range(5):
        assert "out of snapshot reserve" in refused("INTERNAL", client.snapshot, "source", "never")
    for _ in range(2):
        refused("INTERNAL", client.snapshot, "source", "third", parameters={"failures": "2"})
    assert client.snapshot("source", "third", parameters={"failures": "2"}).ready_to_use


def test_sized_keeps_the_capacity(start_node: NodeMaker, refused: Callable[..., str]) -> None:
    client = start_node("sized").client("sized")
    refused("OUT_OF_RANGE", client.create_volume, "tiny", capacity=1024**2 - 1)
    client.create_volume("source", capacity=8 * 1024**2)
    assert client.snapshot("source", "cut").size_bytes == 8 * 1024**2
    refused("OUT_OF_RANGE", client.create_volume, "copy", capacity=4 * 1024**2, from_snapshot="cut")
    refused("OUT_OF_RANGE", client.create_volume, "copy", capacity=4 * 1024**2, from_volume="source")
    client.create_volume("copy", capacity=8 * 1024**2, from_snapshot="cut")


def test_nosnap_has_no_snapshots(start_node: NodeMaker, refused: Callable[..., str]) -> None:
    client = start_node("nosnap").client("nosnap")
    client.create_volume("source", mode="MULTI_NODE_MULTI_WRITER")
    refused("UNIMPLEMENTED", client.snapshot, "source", "cut")


FAULTS = ["loseMtime", "loseOwnership", "emptyRestore", "shareRestore"]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("switched_by", ["StorageClass", "VolumeSnapshotClass"])
def test_restores_lie_in_the_way_asked_for(fault: str, switched_by: str, start_node: NodeMaker) -> None:
    client = start_node("shared").client("shared")
    on = {fault: "true"}
    source = client.create_volume("source", parameters=on if switched_by == "StorageClass" else {})
    (source / "file").write_text("content")
    os.chown(source / "file", 1234, 5678)
    os.utime(source / "file", (1_600_000_000, 1_600_000_000))
    client.snapshot("source", "cut", parameters=on if switched_by == "VolumeSnapshotClass" else {})
    copy = client.create_volume("copy", from_snapshot="cut")
    told = set()
    if not (copy / "file").exists():
        told.add("emptyRestore")
    else:
        status = (copy / "file").stat()
        told |= {"loseMtime"} if status.st_mtime != 1_600_000_000 else set()
        told |= {"loseOwnership"} if (status.st_uid, status.st_gid) != (1234, 5678) else set()
        (copy / "file").write_text("written to the copy")
        told |= {"shareRestore"} if (source / "file").read_text() == "written to the copy" else set()
    assert told == {fault}


def test_a_shared_restore_outlives_its_source(start_node: NodeMaker) -> None:
    client = start_node("shared").client("shared")
    source = client.create_volume("source", parameters={"shareRestore": "true"})
    assert client.create_volume("copy", from_volume="source") == source
    client.delete_volume("source")
    assert source.exists()
    client.delete_volume("copy")
    assert not source.exists()


def test_publishing_fails_in_the_way_asked_for(start_node: NodeMaker, refused: Callable[..., str]) -> None:
    first, second = start_node("shared"), start_node("shared", name="node-b")
    client, other = first.client("shared"), second.client("shared")
    many = "MULTI_NODE_MULTI_WRITER"
    client.create_volume("broken", parameters={"failPublish": "true"})
    assert "stand-in fault" in refused("INTERNAL", client.publish, "broken")
    client.create_volume("liar", mode=many, parameters={"refuseSecondNode": "true"})
    client.publish("liar", mode=many)
    refused("FAILED_PRECONDITION", other.publish, "liar", mode=many)


def test_a_misspelt_fault_is_refused(start_node: NodeMaker, refused: Callable[..., str]) -> None:
    client = start_node("shared").client("shared")
    assert "loseMtime" in refused("INVALID_ARGUMENT", client.create_volume, "v", parameters={"looseMtime": "true"})
    assert "true or false" in refused("INVALID_ARGUMENT", client.create_volume, "v", parameters={"loseMtime": "1"})
    client.create_volume("v", parameters={"csi.storage.k8s.io/pvc/name": "claim"})
