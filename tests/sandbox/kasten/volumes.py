"""Volume data through a pod: kopia's stand-in copies it under the pod's own limits, the store is a folder here.

The way of a backup: volume → (kopia copy, in the sidecar) → the pod's repository folder → the store. kopia reads files
of any owner, and gives its copies the owner, only by its file capabilities: without them the kernel refuses, as with
the real one. A restore goes the other way round.
"""

import shutil
import subprocess
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sandbox.kasten.cluster import REPOSITORY, REPOSITORY_VOLUME, Cluster, folder_size
from sandbox.kasten.failures import ActionFailed

Manifest = dict[str, Any]
SIDECAR = "kanister-sidecar"
Told = Callable[[int], None]
"""Told again and again how many bytes have been copied; raises to give up."""


def sidecar_mount(pod: Manifest, volume: str) -> str:
    """Where the sidecar sees a volume. ActionFailed when the pod has no sidecar, or not that mount."""
    containers = {container["name"]: container for container in pod["spec"]["containers"]}
    name = pod["metadata"]["name"]
    if SIDECAR not in containers:
        raise ActionFailed("Failed to back up volume data", f"Container {SIDECAR} not found in pod {name}")
    mounts = containers[SIDECAR].get("volumeMounts") or []
    if not any(mount["name"] == REPOSITORY_VOLUME for mount in mounts):
        raise ActionFailed("Failed to back up volume data",
                           f"{SIDECAR} of pod {name} has no volume {REPOSITORY_VOLUME} (the stand-in needs it)")
    for mount in mounts:
        if mount["name"] == volume:
            return str(mount["mountPath"])
    raise ActionFailed("Failed to back up volume data", f"Volume {volume} is not mounted in {SIDECAR} of pod {name}")


def save(cluster: Cluster, pod: Manifest, source: str, target: Path, *, told: Told, at_least: float) -> int:
    """Copy what the sidecar sees at `source` into `target` on this machine; the bytes."""
    name = uuid.uuid4().hex
    passing = cluster.repository(pod) / name
    try:
        _watched(lambda: cluster.execute(pod, SIDECAR, ["kopia", "copy", source, f"{REPOSITORY}/{name}"]),
                 size=lambda: folder_size(passing), told=told, at_least=at_least)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        copy_folder(passing, target)
    finally:
        shutil.rmtree(passing, ignore_errors=True)
    return folder_size(target)


def load(cluster: Cluster, pod: Manifest, container: str, source: Path, target: str, *, told: Told) -> None:
    """Put a saved volume into an empty one, through a pod that mounts it at `target`."""
    name = uuid.uuid4().hex
    passing = cluster.repository(pod) / name
    try:
        copy_folder(source, passing)
        _watched(lambda: cluster.execute(pod, container, ["kopia", "copy", f"{REPOSITORY}/{name}", target]),
                 size=lambda: 0, told=told, at_least=0.0)
    finally:
        shutil.rmtree(passing, ignore_errors=True)


def copy_folder(source: Path, target: Path) -> None:
    done = subprocess.run(["cp", "-a", str(source), str(target)], capture_output=True, text=True)
    if done.returncode:
        raise ActionFailed("Failed to copy volume data to the store", done.stderr.strip())


def _watched(work: Callable[[], None], *, size: Callable[[], int], told: Told, at_least: float) -> None:
    """Do the work in a thread and tell its progress; at_least: seconds it takes even when it is quicker."""
    failed: list[ActionFailed] = []

    def run() -> None:
        try:
            work()
        except ActionFailed as error:
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    began = time.monotonic()
    thread.start()
    while thread.is_alive() or (not failed and time.monotonic() - began < at_least):
        thread.join(0.2)
        told(size())
        if not thread.is_alive():
            time.sleep(0.1)
    if failed:
        raise failed[0]
