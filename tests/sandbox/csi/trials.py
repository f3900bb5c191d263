"""The driver outside a cluster: its processes, a client, and stand-in pods, for trying it out and testing it.

Needs root, as the driver does. Nothing here is used by the driver itself.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import grpc

TESTS = Path(__file__).parents[2]
DEADLINE = 30.0


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Return when the condition holds; fail saying what never came."""
    deadline = time.monotonic() + DEADLINE
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not happen within {DEADLINE:g} s")
        time.sleep(0.01)


class TrialNode:
    """One node's driver process in a mount namespace of its own, and a client to each of its drivers.

    Several nodes given the same folder share volumes and snapshots. A context: the process is ended at its end.
    """

    def __init__(self, folder: Path, *, stubs: Path, variants: list[str], name: str = "node-a") -> None:
        self.name = name
        self.variants = variants
        self.folder = folder / name
        self.data = folder / "data"
        self.registry = self.folder / "kubelet" / "plugins_registry"
        self.log = self.folder / "log"
        self._stubs = stubs
        self._children: list[subprocess.Popen[bytes]] = []
        self._channels: list[grpc.Channel] = []
        if str(stubs) not in sys.path:
            sys.path.insert(0, str(stubs))

    def __enter__(self) -> "TrialNode":
        self.folder.mkdir(parents=True, exist_ok=True)
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for channel in self._channels:
            channel.close()
        for child in self._children:
            child.kill()
            child.wait()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def start(self) -> None:
        """Start the process and wait until all it serves answers."""
        command = ["unshare", "--mount", "--propagation", "private", sys.executable, "-m", "sandbox.csi"]
        command += ["--node", self.name, "--kubelet-dir", str(self.folder / "kubelet")]
        command += ["--data-dir", str(self.data), "--socket-dir", str(self.folder)]
        for variant in self.variants:
            command += ["--serve", f"{variant}.test={variant}"]
        environment = {**os.environ, "PYTHONPATH": f"{TESTS}:{self._stubs}"}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        # Registrations are served last.
        last = self.registry / f"{self.variants[-1]}.test-reg.sock"

        def serving() -> bool:
            assert self.process.poll() is None, f"the driver ended:\n{self.log.read_text()}"
            return last.exists()

        wait_until(serving, "the driver serving")

    def stop(self) -> int:
        """End the process as an operator does; its exit code."""
        self.process.terminate()
        return self.process.wait(timeout=DEADLINE)

    def socket(self, variant: str) -> Path:
        return self.folder / f"{variant}.test.sock"

    def connect(self, socket: Path) -> grpc.Channel:
        channel = grpc.insecure_channel(f"unix:{socket}")
        self._channels.append(channel)
        return channel

    def client(self, variant: str) -> "Client":
        return Client(self, variant)

    def locate_volume(self, variant: str, volume_id: str) -> Path:
        """Where a volume's files are, seen from outside any node."""
        home = self.data / f"{variant}.test"
        record = json.loads((home / "records" / "volumes" / f"{volume_id}.json").read_text())
        return home / "volumes" / str(record["folder"])

    def start_pod(self, script: str, *arguments: str) -> "subprocess.Popen[bytes]":
        """Run Python code as a pod would run: in a mount namespace made from this node's, which keeps its mounts."""
        inside = ["nsenter", "--target", str(self.process.pid), "--mount", "--"]
        apart = ["unshare", "--mount", "--propagation", "private", sys.executable, "-c", script]
        pod = subprocess.Popen([*inside, *apart, *arguments], stdout=subprocess.PIPE)
        self._children.append(pod)
        return pod


class Client:
    """Calls one driver as the sidecars and the kubelet do."""

    def __init__(self, node: TrialNode, variant: str) -> None:
        import csi_pb2
        import csi_pb2_grpc

        self.messages = csi_pb2
        self.node = node
        self.variant = variant
        channel = node.connect(node.socket(variant))
        self.controller = csi_pb2_grpc.ControllerStub(channel)
        self.groups = csi_pb2_grpc.GroupControllerStub(channel)
        self.kubelet = csi_pb2_grpc.NodeStub(channel)

    def capability(self, mode: str = "SINGLE_NODE_WRITER") -> Any:
        return self.messages.VolumeCapability(mount={}, access_mode={"mode": mode})

    def create_volume(
        self,
        name: str,
        *,
        mode: str = "SINGLE_NODE_WRITER",
        capacity: int = 0,
        parameters: dict[str, str] | None = None,
        from_snapshot: str = "",
        from_volume: str = "",
    ) -> Path:
        """Create a volume; where its files are."""
        source: dict[str, Any] | None = None
        if from_snapshot:
            source = {"snapshot": {"snapshot_id": from_snapshot}}
        elif from_volume:
            source = {"volume": {"volume_id": from_volume}}
        request = self.messages.CreateVolumeRequest(
            name=name,
            volume_capabilities=[self.capability(mode)],
            capacity_range={"required_bytes": capacity},
            parameters=parameters or {},
            volume_content_source=source,
        )
        volume = self.controller.CreateVolume(request).volume
        return self.node.locate_volume(self.variant, volume.volume_id)

    def delete_volume(self, volume_id: str) -> None:
        self.controller.DeleteVolume(self.messages.DeleteVolumeRequest(volume_id=volume_id))

    def snapshot(self, volume_id: str, name: str, *, parameters: dict[str, str] | None = None) -> Any:
        request = self.messages.CreateSnapshotRequest(
            source_volume_id=volume_id, name=name, parameters=parameters or {}
        )
        return self.controller.CreateSnapshot(request).snapshot

    def publish(self, volume_id: str, *, mode: str = "SINGLE_NODE_WRITER", pod: str = "pod") -> Path:
        """Publish for a pod; the target, seen from inside the node."""
        target = self.node.folder / "pods" / pod / volume_id
        request = self.messages.NodePublishVolumeRequest(
            volume_id=volume_id, target_path=str(target), volume_capability=self.capability(mode)
        )
        self.kubelet.NodePublishVolume(request)
        return target

    def unpublish(self, volume_id: str, *, pod: str = "pod") -> None:
        target = self.node.folder / "pods" / pod / volume_id
        request = self.messages.NodeUnpublishVolumeRequest(volume_id=volume_id, target_path=str(target))
        self.kubelet.NodeUnpublishVolume(request)
