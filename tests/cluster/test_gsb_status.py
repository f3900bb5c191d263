"""oc gsb status and upgrade on a real rollout: drift shows, is mended, and the way back stays exact."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator

import pytest

from cluster.kubectl import Kubectl, Plugin
from cluster.scc_objects import application, own_base, rolled_out, scc_of

OLD, NEW = "sandbox.local/kanister-tools:1", "sandbox.local/kanister-tools:2"


@pytest.fixture
def base(kubectl: Kubectl, namespace: Kubectl) -> Iterator[str]:
    with own_base(kubectl, namespace) as name:
        yield name


def found(gsb: Plugin, *flags: str) -> tuple[int, list[str]]:
    done = gsb("status", "-o", "json", *flags)
    (item,) = json.loads(done.stdout)["items"]
    return done.returncode, [each["check"] for each in item["findings"]]


def sidecar_image(namespace: Kubectl, target: str) -> str:
    path = "{.spec.template.spec.containers[?(@.name=='kanister-sidecar')].image}"
    return namespace.jsonpath("get", target, path=path)


@pytest.mark.parametrize("access_mode, replicas", [("ReadWriteMany", 2), ("ReadWriteOnce", 1)])
def test_drift_upgrade_and_an_exact_way_back(
    namespace: Kubectl, gsb: Plugin, base: str, access_mode: str, replicas: int
) -> None:
    namespace.apply(*application(replicas=replicas, access_mode=access_mode))
    rolled_out(namespace, "deploy/web")
    before = namespace.json("get", "deploy", "web")
    gsb.ok("inject", "deploy/web")
    assert found(gsb) == (0, [])
    assert found(gsb, "--image", NEW) == (3, ["image"])
    dry = gsb.ok("upgrade", "--all", "--image", NEW, "--dry-run=server")
    assert "upgraded (server dry run)" in dry and sidecar_image(namespace, "deploy/web") == OLD
    gsb.ok("upgrade", "--all", "--image", NEW)
    assert found(gsb, "--image", NEW) == (0, []) and scc_of(namespace, "app=web") == {f"{base}-gsb"}
    generation = namespace.json("get", "deploy", "web")["metadata"]["generation"]
    assert "unchanged" in gsb.ok("upgrade", "deploy/web", "--image", NEW)
    after = namespace.json("get", "deploy", "web")
    assert after["metadata"]["generation"] == generation and after["spec"]["replicas"] == replicas
    gsb.ok("uninject", "deploy/web")
    assert namespace.json("get", "deploy", "web")["spec"] == before["spec"]


def test_an_image_that_does_not_start_is_taken_back(namespace: Kubectl, gsb: Plugin, base: str) -> None:
    claim, made = application(kind="StatefulSet")
    namespace.apply(claim, made)
    rolled_out(namespace, "statefulset/web")
    gsb.ok("inject", "sts/web")
    bad = ("upgrade", "sts/web", "--image", "sandbox.local/kanister-tools:none", "--timeout", "25s")
    generation = namespace.json("get", "sts", "web")["metadata"]["generation"]
    refused = gsb(*bad)
    assert refused.returncode == 3 and "its image does not start" in refused.stderr, refused.stderr
    assert namespace.json("get", "sts", "web")["metadata"]["generation"] == generation
    failed = gsb(*bad, "--no-image-check")
    assert failed.returncode in (1, 4) and "rolled back" in failed.stdout, failed.stderr
    assert sidecar_image(namespace, "statefulset/web") == OLD
    rolled_out(namespace, "statefulset/web")
    assert found(gsb) == (0, [])
    gsb.ok("uninject", "sts/web")


def test_killed_at_any_moment_the_next_run_finishes_it(namespace: Kubectl, gsb: Plugin, base: str) -> None:
    """By way of zero replicas, the longest way there is."""
    namespace.apply(*application(access_mode="ReadWriteOnce"))
    rolled_out(namespace, "deploy/web")
    before = namespace.json("get", "deploy", "web")["spec"]
    gsb.ok("inject", "deploy/web")
    for number, seconds in enumerate((0.4, 0.7, 1.1, 1.8)):
        image = (NEW, OLD)[number % 2]
        argv = ["oc-gsb", "-n", namespace.name, "upgrade", "deploy/web", "--image", image]
        running = subprocess.Popen(argv, env=gsb.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(seconds)
        running.kill()
        running.wait()
        gsb.ok("upgrade", "deploy/web", "--image", image)
        after = namespace.json("get", "deploy", "web")
        assert after["spec"]["replicas"] == 1 and sidecar_image(namespace, "deploy/web") == image
        assert found(gsb, "--image", image) == (0, [])
    gsb.ok("uninject", "deploy/web")
    assert namespace.json("get", "deploy", "web")["spec"] == before


def test_what_is_taken_by_hand_shows(namespace: Kubectl, gsb: Plugin, base: str) -> None:
    namespace.apply(*application())
    rolled_out(namespace, "deploy/web")
    gsb.ok("inject", "deploy/web")
    namespace("annotate", "deploy/web", "k10.kasten.io/forcegenericbackup-")
    assert found(gsb) == (3, ["annotation"])
    shown = gsb("status")
    assert f"drifted: {namespace.name}/deployment/web (1 of 1 workloads)" in shown.stderr
    gsb.ok("uninject", "deploy/web")
    assert gsb("status").returncode == 0
