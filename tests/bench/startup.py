"""How long the frozen executable takes to start: `--help` and a `list` of one object, as ratios to `kubectl get` of it.

Runs on KUBECONFIG's cluster, else on the sandbox, in a namespace of its own that is deleted afterwards. The commands
take turns, so that what else the machine does falls on all alike; medians of the wall clock and of the CPU's time.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
import uuid
from pathlib import Path

ROOT = Path(__file__).parents[2]
FROZEN = ROOT / "dist" / "kubectl-rwx" / "kubectl-rwx"
TURNS = int(os.environ.get("BENCH_TURNS", "15"))


def environment() -> dict[str, str]:
    """KUBECONFIG and PATH of the cluster; the sandbox must be up when there is no KUBECONFIG."""
    if os.environ.get("KUBECONFIG"):
        return dict(os.environ)
    own = {**os.environ, "PYTHONPATH": f"{ROOT / 'tests'}:{ROOT / 'plugins'}"}
    shown = subprocess.run([sys.executable, "-m", "sandbox", "exec", "--", "env", "-0"], env=own, check=True,
                           capture_output=True, text=True).stdout
    pairs = dict(line.partition("=")[::2] for line in shown.split("\0") if line)
    return {**os.environ, "KUBECONFIG": pairs["KUBECONFIG"], "PATH": pairs["PATH"]}


def timed(command: list[str], env: dict[str, str]) -> tuple[float, float]:
    """Seconds of the wall clock and of the CPU for one run, which must succeed."""
    begin = time.monotonic()
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    process.returncode = 0
    return time.monotonic() - begin, used.ru_utime + used.ru_stime


def main() -> int:
    if not FROZEN.exists():
        raise SystemExit(f"{FROZEN} is not there: make freeze")
    env, namespace = environment(), f"bench-{uuid.uuid4().hex[:8]}"
    snapshot = {"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot", "metadata": {"name": "one"},
                "spec": {"source": {"persistentVolumeClaimName": "none"}}}
    scope, kubectl = ["-n", namespace], ["kubectl"]
    commands = {
        "kubectl get": [*kubectl, *scope, "get", "volumesnapshot", "one"],
        "frozen list": [str(FROZEN), *scope, "list"],
        "frozen --help": [str(FROZEN), "--help"],
        "virtualenv list": [str(ROOT / ".venv" / "bin" / "kubectl-rwx"), *scope, "list"],
        "virtualenv --help": [str(ROOT / ".venv" / "bin" / "kubectl-rwx"), "--help"],
    }
    subprocess.run([*kubectl, "create", "namespace", namespace], env=env, check=True, stdout=subprocess.DEVNULL)
    try:
        subprocess.run([*kubectl, *scope, "create", "-f", "-"], env=env, check=True, input=json.dumps(snapshot),
                       text=True, stdout=subprocess.DEVNULL)
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
        for command in commands.values():
            timed(command, env)
        for _ in range(TURNS):
            for name, command in commands.items():
                times[name].append(timed(command, env))
    finally:
        subprocess.run([*kubectl, "delete", "namespace", namespace, "--wait=false"], env=env, stdout=subprocess.DEVNULL)
    medians = {name: [statistics.median(column) for column in zip(*taken)] for name, taken in times.items()}
    base = medians["kubectl get"]
    print(f"medians of {TURNS} turns; ratio to kubectl get of the same object")
    for name, (wall, cpu) in medians.items():
        print(f"{name:18} {wall:6.3f} s  x{wall / base[0]:5.2f}    CPU {cpu:6.3f} s  x{cpu / base[1]:5.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
