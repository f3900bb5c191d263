"""kill -9 at random moments of inject --all: what is left is whole, and a second run finishes or undoes it.

GSB_KILLS and GSB_KILL_WORKLOADS set how many moments are tried on how many workloads; the suite takes few of both.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
from typing import Any

import pytest

from cluster.gsb_objects import KINDS, pods_of, shown
from cluster.kubectl import Kubectl, Plugin
from cluster.manifests import claim, deployment

KILLS = int(os.environ.get("GSB_KILLS", "3"))
WORKLOADS = int(os.environ.get("GSB_KILL_WORKLOADS", "6"))
RECORD = "oc-gsb.io/injection"
OURS = "app.kubernetes.io/managed-by=oc-gsb"
MIX = ("deploy", "rwo", "sts", "dc")
"""rwo: a Deployment that rolls and whose claim one node holds, so that it goes by way of zero replicas."""


def make(namespace: Kubectl, count: int) -> list[tuple[str, str]]:
    """(kind, name) of workloads that are all ready."""
    objects: list[dict[str, Any]] = []
    made = []
    for number in range(count):
        sort = MIX[number % len(MIX)]
        kind, name = "deploy" if sort == "rwo" else sort, f"{sort}-{number}"
        app = deployment(name, {name: "/data"}, kind=KINDS[kind])
        if sort == "sts":
            app["spec"]["template"]["spec"]["volumes"] = []
            app["spec"]["volumeClaimTemplates"] = [claim(name)]
        elif sort == "rwo":
            objects.append(claim(name, storage_class="block", access_mode="ReadWriteOnce"))
        else:
            objects.append(claim(name))
        objects.append(app)
        made.append((kind, name))
    namespace.apply(*objects)
    return made


def wait_all_ready(namespace: Kubectl, made: list[tuple[str, str]], containers: int) -> None:
    def ready() -> bool:
        for _, name in made:
            pods = [pod for pod in pods_of(namespace, name) if len(pod["spec"]["containers"]) == containers]
            if len(pods) != 1 or len(pods_of(namespace, name)) != 1 or not all(
                    one["ready"] for one in pods[0]["status"].get("containerStatuses") or [{"ready": False}]):
                return False
        return True

    namespace.wait_until(ready, f"{len(made)} workloads with {containers} containers", seconds=300)


def all_shown(namespace: Kubectl, made: list[tuple[str, str]]) -> dict[str, Any]:
    return {name: shown(namespace, kind, name) for kind, name in made}


def assert_whole(now: dict[str, Any], before: dict[str, Any]) -> tuple[int, int]:
    """Each is as it was, or changed with the record of the way back. Returns how many are changed, and held at zero."""
    changed = held = 0
    for name, one in now.items():
        spec, text = json.loads(one["spec"]), one["annotations"].get(RECORD)
        if text is None:
            assert one == before[name], f"{name} is changed without a record"
            continue
        record, containers = json.loads(text), [each["name"] for each in spec["template"]["spec"]["containers"]]
        assert record["template"] == json.loads(before[name]["spec"])["template"], f"{name} has a wrong record"
        assert record["removing"] or "kanister-sidecar" in containers, f"{name} has a record without a sidecar"
        if spec["replicas"] == 0:
            assert record["replicas"] == 1, f"{name} is at 0 replicas and does not say how many it had"
            held += 1
        changed += 1
    return changed, held


def killed_after(gsb: Plugin, seconds: float, *words: str) -> bool:
    """Whether the command was still running when it was killed."""
    process = subprocess.Popen([gsb.executable, "-n", gsb.namespace, *words], env=gsb.environment,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(timeout=seconds)
        return False
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True


def cleaned(gsb: Plugin, namespace: Kubectl) -> bool:
    """A pod whose run may still be alive is not taken for a leftover, so it may need more than one try."""
    gsb.ok("cleanup", "--yes")
    return namespace("get", "pods", "-l", OURS, "-o", "name").stdout == ""


def test_a_run_killed_at_any_moment_is_finished_or_undone(gsb: Plugin, namespace: Kubectl) -> None:
    made = make(namespace, WORKLOADS)
    wait_all_ready(namespace, made, 1)
    before = all_shown(namespace, made)
    began = time.monotonic()
    gsb.ok("inject", "--all", "--parallel", "8", timeout=900)
    length = time.monotonic() - began
    gsb.ok("uninject", "--all", "--parallel", "8", timeout=900)
    assert all_shown(namespace, made) == before
    seed = os.environ.get("GSB_KILL_SEED") or str(random.randrange(10**6))
    moments = random.Random(seed)
    for number in range(KILLS):
        verb = "uninject" if number % 4 == 3 else "inject"
        if verb == "uninject":
            gsb.ok("inject", "--all", "--parallel", "8", timeout=900)
        moment = moments.uniform(0.5, length)
        checks = ["--no-image-check"] if verb == "inject" and number % 2 else []
        running = killed_after(gsb, moment, verb, "--all", "--parallel", "8", *checks)
        changed, held = assert_whole(all_shown(namespace, made), before)
        print(f"seed {seed} kill {number}: {verb} after {moment:.1f} of {length:.1f} s, running: {running}; "
              f"{changed} changed, {held} at 0 replicas", flush=True)
        if number % 2 == 0:
            again = gsb("inject", "--all", "--parallel", "8", "-o", "json", timeout=900)
            assert again.returncode == 0, again.stderr
            assert {item["result"] for item in json.loads(again.stdout)["items"]} <= {"injected", "unchanged"}
            wait_all_ready(namespace, made, 2)
            changed, held = assert_whole(all_shown(namespace, made), before)
            assert (changed, held) == (len(made), 0)
        undone = gsb("uninject", "--all", "--parallel", "8", timeout=900)
        assert undone.returncode == 0, undone.stderr
        assert all_shown(namespace, made) == before
        wait_all_ready(namespace, made, 1)
        assert namespace("get", "rolebindings", "-l", OURS, "-o", "name").stdout == ""
        namespace.wait_until(lambda: cleaned(gsb, namespace), "the pod that tried an image to be cleaned up")


@pytest.mark.parametrize("claimed", ["shared", "block"])
def test_an_upgrade_to_a_bad_image_that_was_killed_returns_to_the_old_one(
    gsb: Plugin, namespace: Kubectl, claimed: str
) -> None:
    mode = "ReadWriteOnce" if claimed == "block" else "ReadWriteMany"
    namespace.apply(claim("data", storage_class=claimed, access_mode=mode), deployment("web", {"data": "/data"}))
    wait_all_ready(namespace, [("deploy", "web")], 1)
    gsb.ok("inject", "deploy/web")
    good = shown(namespace, "deploy", "web")
    command = [gsb.executable, "-n", gsb.namespace, "upgrade", "deploy/web", "--image", "sandbox.local/absent:1",
               "--no-image-check"]
    process = subprocess.Popen(command, env=gsb.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    images = "{.spec.template.spec.containers[*].image}"
    namespace.wait_until(lambda: "absent" in namespace.jsonpath("get", "deploy", "web", path=images), "the patch")
    process.kill()
    process.wait()
    again = gsb("upgrade", "deploy/web", "--image", "sandbox.local/absent:1", "--timeout", "5s", "-o", "json")
    assert again.returncode == 4, again.stderr
    assert json.loads(again.stdout)["items"][0]["result"] == "rolled back"
    wait_all_ready(namespace, [("deploy", "web")], 2)
    assert shown(namespace, "deploy", "web") == good
