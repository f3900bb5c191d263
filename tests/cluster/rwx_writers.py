"""An application whose data shows whether it was copied at one moment: each pod writes a sequence to two files.

It writes N to a, then to z, for N = 1, 2, 3…, so at any moment z ≤ a ≤ z + 1. A copy in which z is ahead of a was not
made at one moment. It stands still while /tmp/frozen is there, with a and z alike, and says so with /tmp/still.
"""

from __future__ import annotations

import signal
import subprocess
from dataclasses import dataclass
from typing import Any

from cluster.kubectl import Kubectl, Plugin
from cluster.manifests import claim, deployment, pod
from cluster.rwx_objects import bind_claims, start_pods

WRITE = """
d=/data/$HOSTNAME; mkdir -p $d; n=0
while :; do
  while [ -e /tmp/frozen ]; do touch /tmp/still; sleep 0.05; done
  rm -f /tmp/still; n=$((n+1)); echo $n > $d/a; echo $n > $d/z
done
"""
GENTLE = WRITE.replace("n=$((n+1))", "sleep 0.1; n=$((n+1))")
"""The same, leaving the processors to what is tested."""
FREEZE = "touch /tmp/frozen; until [ -e /tmp/still ]; do sleep 0.05; done"
THAW = "rm -f /tmp/frozen"
HOOK = ("--freeze", FREEZE, "--thaw", THAW)
TIMERS = "grep -l 'kubectl-rwx-thaw-time[r]-' /proc/[0-9]*/cmdline 2>/dev/null | wc -l"
"""The brackets keep grep and this shell from finding themselves."""


@dataclass(frozen=True)
class Pair:
    """What one pod wrote, as found in a copy; -1 for a file that was cut off and not written yet."""

    a: int
    z: int

    @property
    def torn(self) -> bool:
        return min(self.a, self.z) > 0 and not self.z <= self.a <= self.z + 1

    @property
    def whole(self) -> bool:
        return self.a == self.z > 0


def start_writers(namespace: Kubectl, *, storage_class: str = "fuzzy", replicas: int = 2, kind: str = "Deployment",
                  annotations: dict[str, str] | None = None, grace: int = 1) -> list[str]:
    """Workload web writing to claim data; the names of its pods, once all run. They are spread over nodes."""
    bind_claims(namespace, claim("data", storage_class=storage_class))
    manifest: dict[str, Any] = deployment("web", {"data": "/data"}, replicas=replicas, kind=kind, command=WRITE)
    template = manifest["spec"]["template"]
    template["metadata"]["annotations"] = annotations or {}
    template["spec"]["terminationGracePeriodSeconds"] = grace
    template["spec"]["topologySpreadConstraints"] = [{
        "maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {"app": "web"}},
    }]
    namespace.apply(manifest)
    namespace("rollout", "status", f"{kind.lower()}/web", "--timeout=90s")
    return pods_of(namespace)


def pods_of(namespace: Kubectl) -> list[str]:
    """The live pods of web."""
    found = namespace.json("get", "pods", "-l", "app=web")["items"]
    return [item["metadata"]["name"] for item in found if not item["metadata"].get("deletionTimestamp")]


def is_writing(namespace: Kubectl, name: str) -> bool:
    """Whether its sequence goes on."""
    # a file may be caught empty, between being cut off and being written
    look = 'n=; until [ -n "$n" ]; do n=$(cat /data/$HOSTNAME/z); done; echo $n'
    shown = namespace.sh(name, f"{look}; sleep 0.3; {look}", check=False).split()
    return len(shown) == 2 and shown[0] != shown[1]


def is_frozen(namespace: Kubectl, name: str) -> bool:
    """Whether it stands still."""
    return namespace.sh(name, "[ -e /tmp/still ] && echo yes", check=False) == "yes\n"


def timers_in(namespace: Kubectl, name: str) -> int:
    """Processes of our timer in the pod, by /proc."""
    return int(namespace.sh(name, TIMERS))


def restored_pairs(rwx: Plugin, namespace: Kubectl, snapshot: str) -> list[Pair]:
    """What each pod had written, in a claim restored from the snapshot."""
    rwx.ok("restore", f"vs/{snapshot}", "--to", f"{snapshot}-copy")
    reader = f"reader-{snapshot}"
    start_pods(namespace, pod(reader, {f"{snapshot}-copy": "/data"}))
    shown = namespace.sh(reader, 'for d in /data/*/; do echo "$(cat $d/a || true):$(cat $d/z || true)"; done')
    return [Pair(*(int(number or -1) for number in line.split(":"))) for line in shown.split()]


def records_on(namespace: Kubectl, target: str = "deploy/web") -> set[str]:
    """The names of our record annotations on the workload."""
    annotations = namespace.json("get", target)["metadata"].get("annotations", {})
    return {key.removeprefix("kubectl-rwx.io/") for key in annotations if key.startswith("kubectl-rwx.io/")}


def start_snapshot(rwx: Plugin, *arguments: str) -> subprocess.Popen[str]:
    """`kubectl rwx snapshot deploy/web` in the background."""
    argv = [rwx.executable, "-n", rwx.namespace, "snapshot", "deploy/web", *arguments]
    return subprocess.Popen(argv, env=rwx.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def kill(process: subprocess.Popen[str], *, number: int = signal.SIGKILL) -> str:
    """Its stderr after the signal."""
    process.send_signal(number)
    return process.communicate(timeout=90)[1]
