"""The sandbox's cluster as the executor uses it: requests, exec with kubectl, the nodes' folders on this machine."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kubernetes.client.rest import ApiException

from sandbox.kasten.failures import ActionFailed
from sandbox.openshift.api import Api

Manifest = dict[str, Any]
REPOSITORY_VOLUME, REPOSITORY = "kopia-repo-volume", "/tmp/kopia-repository"


class Cluster:
    """One connection and one kubectl."""

    def __init__(self, api: Api, *, kubectl: str, state_dir: Path) -> None:
        self.api = api
        self._kubectl = kubectl
        self._state_dir = state_dir

    def find(self, path: str) -> Manifest | None:
        """The object at a path; None when it (or its namespace or kind) is not there."""
        try:
            return self.api.call("GET", path)
        except ApiException as error:
            if error.status == 404:
                return None
            raise

    def items(self, path: str, **query: Any) -> list[Manifest]:
        """A list, each item with its kind; [] when the kind is not served."""
        try:
            listed = self.api.call("GET", path, **query)
            kind = {"apiVersion": listed["apiVersion"], "kind": listed["kind"].removesuffix("List")}
            return [{**kind, **item} for item in listed["items"]]
        except ApiException as error:
            if error.status == 404:
                return []
            raise

    def delete(self, path: str) -> None:
        """Gone already is fine."""
        try:
            self.api.call("DELETE", path, {"propagationPolicy": "Background"})
        except ApiException as error:
            if error.status != 404:
                raise

    def execute(self, pod: Manifest, container: str, command: list[str]) -> None:
        """Run a command in a container; ActionFailed with its words when it fails."""
        meta = pod["metadata"]
        argv = [self._kubectl, "exec", "-n", meta["namespace"], meta["name"], "-c", container, "--", *command]
        done = subprocess.run(argv, capture_output=True, text=True)
        if done.returncode:
            raise ActionFailed(f"Failed to execute command in container {container} of pod {meta['name']}",
                               done.stderr.strip().replace("\n", "; ") or f"exit code {done.returncode}")

    def repository(self, pod: Manifest) -> Path:
        """The pod's emptyDir for kopia's repository, as this machine sees it."""
        node, uid = str(pod["spec"]["nodeName"]), str(pod["metadata"]["uid"])
        volumes = self._state_dir / node / "kubelet" / "pods" / uid / "volumes" / "kubernetes.io~empty-dir"
        return volumes / REPOSITORY_VOLUME

    def wait(self, condition: Callable[[], Any], *, seconds: float, otherwise: Callable[[], tuple[str, ...]],
             stop: Callable[[], None] = lambda: None) -> Any:
        """The first true value; ActionFailed with `otherwise` when time is over. stop: raises to give up."""
        limit = time.monotonic() + seconds
        while True:
            stop()
            value = condition()
            if value:
                return value
            if time.monotonic() > limit:
                raise ActionFailed(*otherwise())
            time.sleep(0.2)


def write_json(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1))


def folder_size(path: Path) -> int:
    """Bytes of the files below; files that vanish meanwhile count as none."""
    total = 0
    for entry in path.rglob("*"):
        try:
            if entry.is_file() and not entry.is_symlink():
                total += entry.stat().st_size
        except OSError:
            continue
    return total
