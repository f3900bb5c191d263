"""oc gsb status -A over 2,000 workloads: its requests, and its time as a ratio to kubectl's own list of them.

Runs on KUBECONFIG's cluster, else on the sandbox, in a namespace of its own that is deleted afterwards. The workloads
have zero replicas and a quarter of them a container named kanister-sidecar, so that there is something to judge.
Numbers of workloads as arguments, in ascending order, take the place of 200 and 2,000.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SIZES = (200, 2000)
RUNS = 3


def environment() -> dict[str, str]:
    """KUBECONFIG and PATH of the cluster; the sandbox is started when there is no KUBECONFIG."""
    own = {**os.environ, "PYTHONPATH": f"{ROOT / 'tests'}:{ROOT / 'plugins'}", "NO_COLOR": "1"}
    if not os.environ.get("KUBECONFIG"):
        subprocess.run([sys.executable, "-m", "sandbox", "up"], env=own, check=True, capture_output=True)
        shown = subprocess.run([sys.executable, "-m", "sandbox", "exec", "--", "env", "-0"], env=own, check=True,
                               capture_output=True, text=True).stdout
        pairs = dict(line.partition("=")[::2] for line in shown.split("\0") if line)
        own.update(KUBECONFIG=pairs["KUBECONFIG"], PATH=pairs["PATH"])
    own["PATH"] = f"{os.environ.get('PLUGIN_BIN', ROOT / '.venv' / 'bin')}:{own['PATH']}"
    own.pop("PYTHONPATH")
    return own


def workload(number: int) -> dict[str, Any]:
    """Every second a StatefulSet; every fourth with a sidecar."""
    name, labels = f"w-{number}", {"app": f"w-{number}"}
    containers = [{"name": "app", "image": "sandbox.local/tools:1"}]
    if number % 4 == 0:
        containers.append({"name": "kanister-sidecar", "image": "sandbox.local/kanister-tools:1"})
    spec: dict[str, Any] = {"replicas": 0, "selector": {"matchLabels": labels},
                            "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}}}
    if number % 2:
        spec["serviceName"] = name
    return {"apiVersion": "apps/v1", "kind": "StatefulSet" if number % 2 else "Deployment",
            "metadata": {"name": name}, "spec": spec}


def timed(command: list[str], env: dict[str, str], *, codes: tuple[int, ...] = (0,)) -> tuple[float, str, str]:
    """Median seconds of RUNS runs, and both streams of the last."""
    seconds = []
    for _ in range(RUNS):
        begin = time.monotonic()
        done = subprocess.run(command, env=env, capture_output=True, text=True)
        seconds.append(time.monotonic() - begin)
        if done.returncode not in codes:
            sys.exit(f"{' '.join(command)} exited {done.returncode}\n{done.stderr}")
    return statistics.median(seconds), done.stdout, done.stderr


def main() -> None:
    """Prints one line for each size; exits 1 when the number of requests grows faster than pages of 500 do."""
    sizes = tuple(map(int, sys.argv[1:])) or SIZES
    env, namespace = environment(), f"bench-{uuid.uuid4().hex[:8]}"

    def kubectl(*words: str, stdin: str | None = None) -> None:
        subprocess.run(["kubectl", *words], env=env, input=stdin, check=True, capture_output=True, text=True)

    counts: dict[int, int] = {}
    kubectl("create", "namespace", namespace)
    try:
        made = 0
        for size in sizes:
            while made < size:
                batch = [workload(number) for number in range(made, min(made + 200, size))]
                document = json.dumps({"apiVersion": "v1", "kind": "List", "items": batch})
                kubectl("create", "-n", namespace, "-f", "-", stdin=document)
                made += len(batch)
            ours, answer, log = timed(["oc-gsb", "-v", "status", "-A", "-o", "json"], env, codes=(0, 3))
            theirs, listed, _ = timed(["kubectl", "get", "deploy,sts", "-A", "-o", "json"], env)
            requests = re.findall(r"^GET https?://\S+", log, re.MULTILINE)
            lists = [one for one in requests if "limit=500" in one]
            pages = [one for one in lists if "continue=" in one]
            counts[size] = len(requests) - len(pages)
            print(f"status -A, {size} workloads: {len(requests)} requests ({len(lists)} lists, of them {len(pages)} "
                  f"further pages of 500), {ours:.2f} s; kubectl get deploy,sts -A -o json: {theirs:.2f} s of "
                  f"{len(json.loads(listed)['items'])} objects; ratio {ours / theirs:.2f}; "
                  f"{len(json.loads(answer)['items'])} sidecars judged")
    finally:
        kubectl("delete", "namespace", namespace, "--wait=false")
    if len(set(counts.values())) != 1:
        sys.exit(f"the number of requests but for further pages depends on the number of workloads: {counts}")


if __name__ == "__main__":
    main()
