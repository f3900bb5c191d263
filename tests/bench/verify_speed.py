"""kubectl rwx verify (ReadWriteMany unless told) against kubestr's csicheck, which does one ReadWriteOnce check.

A stand-in takes csicheck's place (standins/csicheck.py). It is favoured: it runs in this process, so its start costs
nothing, and it ends when its deletions are asked for, as kubestr does; verify is timed as a process, and ends when all
is gone. When all is gone is measured of both.

Runs on KUBECONFIG's cluster, else on the sandbox; arguments: the class, the image, the number of alternations,
further options of verify.
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
from typing import Any, NamedTuple

from gsb_status import environment
from standins.csicheck import FIRST_PAUSE, StandIn

from plugin_core.kube.cluster import Cluster
from plugin_core.kube.connection import ConnectionOptions, connect
from plugin_core.model.kinds import PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM, POD
from plugin_core.model.manifests import part_of


class Run(NamedTuple):
    """Seconds until its last comparison, until its end, until nothing of it was left; and the requests it sent."""

    proven: float
    ended: float
    gone: float
    requests: float


def verify(env: dict[str, str], namespace: str, storage_class: str, image: str, options: list[str]) -> Run:
    """One run of the executable; until its last comparison: all but the cleanup, its start and end included."""
    command = ["kubectl-rwx", "-n", namespace, "verify", storage_class, "--image", image, "--no-record", "-v",
               "-o", "json", *options]
    began = time.monotonic()
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    seconds = time.monotonic() - began
    if done.returncode not in (0, 3):
        sys.exit(f"{' '.join(command)} exited {done.returncode}\n{done.stderr[-2000:]}")
    document: Any = json.loads(done.stdout)
    sent = re.findall(r"^(?:(?:GET|POST|PATCH|DELETE) http|exec )", done.stderr, re.MULTILINE)
    cleanup = next(row["seconds"] for row in document["items"] if row["step"] == "cleanup")
    return Run(seconds - cleanup, seconds, seconds, len(sent))


def main() -> None:
    """Prints medians and ratios; exits 1 when verify was slower than the stand-in to its last comparison."""
    words, options = sys.argv[1:4], sys.argv[4:]
    storage_class, image, rounds = (*words, *("shared", "sandbox.local/tools:1", "5")[len(words):])
    env, namespace = environment(), f"bench-{uuid.uuid4().hex[:8]}"
    os.environ["KUBECONFIG"] = env["KUBECONFIG"]
    cluster = connect(ConnectionOptions(namespace=namespace))
    kubectl = ["kubectl", "--kubeconfig", env["KUBECONFIG"]]
    subprocess.run([*kubectl, "create", "namespace", namespace], env=env, check=True, capture_output=True)
    ours: list[Run] = []
    theirs: list[Run] = []
    try:
        for _ in range(int(rounds)):
            check = StandIn(cluster, storage_class, image)
            ended = check.run()
            check.forget()
            theirs.append(Run(check.proven, ended, ended + _wait_until_gone(cluster), check.requests))
            ours.append(verify(env, namespace, storage_class, image, options))
    finally:
        subprocess.run([*kubectl, "delete", "namespace", namespace, "--wait=false"], env=env, capture_output=True)
    mine, other = _medians(ours), _medians(theirs)
    print(f"verify {' '.join([storage_class, *options])}, medians of {rounds} alternations")
    print(f"{'':32}{'to the last comparison':>24}{'to its end':>12}{'all gone':>10}{'pods':>6}{'requests':>10}")
    for name, run, pods in (("kubectl rwx verify", mine, 3 if "--no-clone" in options else 4),
                            ("csicheck stand-in (RWO)", other, 2)):
        print(f"{name:32}{run.proven:>23.2f}s{run.ended:>11.2f}s{run.gone:>9.2f}s{pods:>6}{run.requests:>10.0f}")
    print(f"{'ratio':32}{mine.proven / other.proven:>24.2f}{mine.ended / other.ended:>12.2f}"
          f"{mine.gone / other.gone:>10.2f}")
    pairs = sorted(one.proven / two.proven for one, two in zip(ours, theirs))
    print(f"ratios of the pairs: {' '.join(f'{pair:.2f}' for pair in pairs)}")
    if mine.proven > other.proven:
        sys.exit("verify was slower to its last comparison than the stand-in")


def _wait_until_gone(cluster: Cluster) -> float:
    """Seconds until nothing is left of what the stand-in asked to be deleted."""
    began = time.monotonic()
    while any(cluster.list_all(kind, namespace=cluster.namespace).items for kind in (POD, PERSISTENT_VOLUME_CLAIM)) or (
        any(part_of(volume, "spec", "claimRef", "namespace") == cluster.namespace
            for volume in cluster.list_all(PERSISTENT_VOLUME).items)
    ):
        time.sleep(FIRST_PAUSE)
    return time.monotonic() - began


def _medians(runs: list[Run]) -> Run:
    return Run(*map(statistics.median, zip(*runs)))


if __name__ == "__main__":
    main()
