"""The client dies, or is told to stop, while an application stands still for it. RWX_KILLS: how many random moments."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest

from cluster.kubectl import Kubectl, Plugin
from cluster.manifests import claim
from cluster.rwx_objects import snapshot_names
from cluster.rwx_writers import (
    FREEZE,
    HOOK,
    THAW,
    is_frozen,
    is_writing,
    kill,
    pods_of,
    records_on,
    start_snapshot,
    start_writers,
    timers_in,
)

KILLS = int(os.environ.get("RWX_KILLS", "4"))
LIMIT = 8
"""Seconds of --freeze-timeout."""


def replicas(namespace: Kubectl) -> str:
    return namespace.jsonpath("get", "deploy/web", path="{.spec.replicas}")


def test_a_killed_client_leaves_the_application_thawed_in_time(rwx: Plugin, namespace: Kubectl) -> None:
    pods = start_writers(namespace)
    # the freeze itself takes longer than we live
    hook = ("--freeze", f"{FREEZE}; sleep 30", "--thaw", THAW, "--freeze-timeout", f"{LIMIT}s")
    process = start_snapshot(rwx, *hook)
    namespace.wait_until(lambda: all(is_frozen(namespace, name) for name in pods), "both pods to stand still")
    frozen = time.monotonic()
    kill(process)
    assert [timers_in(namespace, name) for name in pods] == [1, 1]
    assert records_on(namespace) == {"frozen"}
    namespace.wait_until(lambda: all(is_writing(namespace, name) for name in pods), "both pods to write again",
                         seconds=LIMIT + 15)
    assert time.monotonic() - frozen < LIMIT + 10
    assert [timers_in(namespace, name) for name in pods] == [0, 0]
    found = rwx("thaw", "deploy/web")
    assert found.returncode == 0 and "deployment/web   thawed" in found.stdout, found.stdout + found.stderr
    assert records_on(namespace) == set()
    assert "has no record" in rwx("thaw", "deploy/web").stderr


def test_thaw_ends_a_freeze_before_its_timer_does(rwx: Plugin, namespace: Kubectl) -> None:
    [web] = start_writers(namespace, replicas=1, storage_class="slow")
    process = start_snapshot(rwx, *HOOK, "--hold-until", "ready", "--name", "held", "--freeze-timeout", "2m")
    namespace.wait_until(lambda: is_frozen(namespace, web) and snapshot_names(namespace), "the pod to stand still")
    kill(process)
    assert is_frozen(namespace, web) and timers_in(namespace, web) == 1
    rwx.ok("thaw", "--all")
    assert is_writing(namespace, web) and timers_in(namespace, web) == 0 and records_on(namespace) == set()
    assert snapshot_names(namespace) == ["held"]
    assert "Nothing is frozen" in rwx("thaw", "--all").stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_thaws_at_once_and_withdraws_the_promise(rwx: Plugin, namespace: Kubectl, number: int) -> None:
    [web] = start_writers(namespace, replicas=1, storage_class="slow")
    process = start_snapshot(rwx, *HOOK, "--hold-until", "ready", "--name", "stopped")
    namespace.wait_until(lambda: is_frozen(namespace, web) and snapshot_names(namespace), "the pod to stand still")
    told = kill(process, number=number)
    assert process.returncode == 130, told
    assert f"pod/{web} container app thawed" in told and "writers were frozen for" in told
    assert is_writing(namespace, web) and timers_in(namespace, web) == 0 and records_on(namespace) == set()
    shown = namespace.jsonpath("get", "vs/stopped", path=r"{.metadata.annotations.kubectl-rwx\.io/consistency}")
    assert shown == "crash"


def test_a_signal_while_scaled_down_scales_back(rwx: Plugin, namespace: Kubectl) -> None:
    start_writers(namespace, replicas=3)
    process = start_snapshot(rwx, "--quiesce", "scale")
    namespace.wait_until(lambda: replicas(namespace) == "0", "0 replicas")
    told = kill(process, number=signal.SIGINT)
    assert process.returncode == 130 and "deployment/web scaled back to 3" in told, told
    assert replicas(namespace) == "3" and records_on(namespace) == set()


def test_a_client_killed_while_scaled_down_leaves_the_record_that_brings_it_back(
    rwx: Plugin, namespace: Kubectl
) -> None:
    start_writers(namespace, replicas=3)
    process = start_snapshot(rwx, "--quiesce", "scale")
    namespace.wait_until(lambda: replicas(namespace) == "0", "0 replicas")
    kill(process)
    assert records_on(namespace) == {"scaled-down"}
    planned = rwx.ok("thaw", "--all", "--dry-run=client")
    assert "scaled back to 3 (dry run)" in planned and replicas(namespace) == "0"
    assert "scaled back to 3" in rwx.ok("thaw", "--all")
    assert replicas(namespace) == "3" and records_on(namespace) == set()
    assert "Nothing is frozen" in rwx("thaw", "--all").stderr
    namespace("rollout", "status", "deploy/web", "--timeout=90s")


def test_killed_at_random_moments_of_a_freeze(rwx: Plugin, namespace: Kubectl) -> None:
    [web] = start_writers(namespace, replicas=1, storage_class="shared")
    for number in range(KILLS):
        process = start_snapshot(rwx, *HOOK, "--freeze-timeout", "5s", "--name", f"n{number}", "--group", "never")
        time.sleep(random.uniform(0.1, 2.5))
        kill(process)
        namespace.wait_until(lambda: is_writing(namespace, web), "the pod to write again", seconds=20)
    rwx.ok("thaw", "--all")
    assert records_on(namespace) == set() and is_writing(namespace, web)
    _nothing_is_lost(namespace)


def test_killed_at_random_moments_of_a_scale_down(rwx: Plugin, namespace: Kubectl) -> None:
    start_writers(namespace, replicas=2, storage_class="shared")
    for number in range(KILLS):
        process = start_snapshot(rwx, "--quiesce", "scale", "--name", f"n{number}")
        time.sleep(random.uniform(0.1, 3.5))
        kill(process)
        rwx.ok("thaw", "--all")
        assert replicas(namespace) == "2" and records_on(namespace) == set()
        namespace("rollout", "status", "deploy/web", "--timeout=90s")
    assert all(is_writing(namespace, name) for name in pods_of(namespace))
    _nothing_is_lost(namespace)


def _nothing_is_lost(namespace: Kubectl) -> None:
    """The claim is as it was, and each snapshot that was made becomes ready."""
    assert namespace.jsonpath("get", f"pvc/{claim('data')['metadata']['name']}", path="{.status.phase}") == "Bound"
    for name in snapshot_names(namespace):
        namespace("wait", "--for=jsonpath={.status.readyToUse}=true", f"vs/{name}", "--timeout=60s")
