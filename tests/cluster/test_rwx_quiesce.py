"""kubectl rwx snapshot --quiesce on a real cluster, with an application whose data shows whether it stood still."""

from __future__ import annotations

import json

import pytest

from cluster.kubectl import Kubectl, Plugin
from cluster.manifests import claim, deployment, pod
from cluster.rwx_objects import bind_claims, snapshot_names, start_pods
from cluster.rwx_writers import (
    FREEZE,
    HOOK,
    THAW,
    is_writing,
    pods_of,
    records_on,
    restored_pairs,
    start_writers,
    timers_in,
)


def consistency(namespace: Kubectl, name: str) -> str:
    return namespace.jsonpath("get", f"vs/{name}", path=r"{.metadata.annotations.kubectl-rwx\.io/consistency}")


def test_without_quiescing_a_live_copy_is_torn_and_says_so(rwx: Plugin, namespace: Kubectl) -> None:
    """A file that is caught while it is empty shows nothing, so it may take more than one copy."""
    start_writers(namespace)
    for number in range(5):
        name = f"live-{number}"
        taken = rwx("snapshot", "deploy/web", "--name", name)
        assert taken.returncode == 0, taken.stderr
        assert "fuzzy, not of one moment" in taken.stderr
        assert consistency(namespace, name) == "fuzzy"
        if any(pair.torn for pair in restored_pairs(rwx, namespace, name)):
            return
    raise AssertionError("five live copies, and none of them is torn")


def test_frozen_writers_on_two_nodes_are_copied_whole(rwx: Plugin, namespace: Kubectl) -> None:
    pods = start_writers(namespace)
    nodes = {namespace.jsonpath("get", f"pod/{name}", path="{.spec.nodeName}") for name in pods}
    assert len(nodes) == min(2, len(namespace.json("get", "nodes")["items"]))
    taken = rwx("snapshot", "deploy/web", *HOOK, "--name", "still", "-o", "json")
    assert taken.returncode == 0, taken.stderr
    report = json.loads(taken.stdout)
    assert report["quiesce"]["mode"] == "hook" and sorted(report["quiesce"]["writers"]) == sorted(pods)
    assert 0 < report["quiesce"]["seconds"] < 60 and "writers were frozen for" in taken.stderr
    assert [item["consistency"] for item in report["items"]] == ["quiesced"]
    assert all(is_writing(namespace, name) and timers_in(namespace, name) == 0 for name in pods)
    assert records_on(namespace) == set()
    pairs = restored_pairs(rwx, namespace, "still")
    assert len(pairs) == 2 and all(pair.whole for pair in pairs), pairs
    assert rwx.json("list")["items"][0]["consistency"] == "quiesced"


def test_velero_annotations_are_honoured(rwx: Plugin, namespace: Kubectl) -> None:
    pods = start_writers(namespace, annotations={
        "pre.hook.backup.velero.io/command": json.dumps(["sh", "-c", FREEZE]),
        "pre.hook.backup.velero.io/container": "app", "pre.hook.backup.velero.io/timeout": "20s",
        "post.hook.backup.velero.io/command": json.dumps(["sh", "-c", THAW]),
    })
    rwx.ok("snapshot", "pvc/data", "--quiesce", "hook", "--name", "still")
    by = namespace.jsonpath("get", "vs/still", path=r"{.metadata.annotations.kubectl-rwx\.io/quiesced-by}")
    assert by.startswith("frozen by Velero annotations: pod/web-")
    assert all(is_writing(namespace, name) for name in pods)
    assert all(pair.whole for pair in restored_pairs(rwx, namespace, "still"))


def test_a_freeze_that_fails_in_one_pod_fails_the_command_and_thaws_the_other(rwx: Plugin, namespace: Kubectl) -> None:
    pods = start_writers(namespace)
    namespace.sh(pods[1], "touch /tmp/broken")
    freeze = f"[ ! -e /tmp/broken ] || {{ echo no lock >&2; exit 7; }}; {FREEZE}"
    failed = rwx("snapshot", "deploy/web", "--freeze", freeze, "--thaw", THAW, "--name", "never")
    assert failed.returncode == 3, failed.stderr
    assert f"pod/{pods[1]} container app: exit code 7: no lock" in failed.stderr
    assert "--on-freeze-error=continue" in failed.stderr
    assert snapshot_names(namespace) == [] and records_on(namespace) == set()
    assert all(is_writing(namespace, name) and timers_in(namespace, name) == 0 for name in pods)

    went_on = rwx("snapshot", "deploy/web", "--freeze", freeze, "--thaw", THAW, "--on-freeze-error", "continue",
                  "--name", "anyway")
    assert went_on.returncode == 0, went_on.stderr
    assert consistency(namespace, "anyway") == "fuzzy"
    why = namespace.jsonpath("get", "vs/anyway", path=r"{.metadata.annotations.kubectl-rwx\.io/quiesce-failed}")
    assert "exit code 7: no lock" in why
    assert all(is_writing(namespace, name) for name in pods)


def test_a_freeze_that_hangs_is_killed_and_never_freezes_later(rwx: Plugin, namespace: Kubectl) -> None:
    [web] = start_writers(namespace, replicas=1)
    hangs = rwx("snapshot", "deploy/web", "--freeze", "sleep 7; touch /tmp/frozen", "--thaw", THAW,
                "--freeze-timeout", "5s")
    assert hangs.returncode == 3 and "container app: killed after 4s" in hangs.stderr, hangs.stderr
    assert namespace.sh(web, "sleep 4; ls /tmp/frozen; pgrep -f 'sleep 7'", check=False) == ""
    assert is_writing(namespace, web) and timers_in(namespace, web) == 0 and snapshot_names(namespace) == []


def test_unmanaged_writers_stop_the_command(rwx: Plugin, namespace: Kubectl) -> None:
    [web] = start_writers(namespace, replicas=1)
    start_pods(namespace, pod("stray", {"data": "/data"}))
    refused = rwx("snapshot", "deploy/web", "--quiesce", "scale")
    assert refused.returncode == 3
    assert "pod/stray (no owner): nobody we know manages it" in refused.stderr
    assert is_writing(namespace, web) and snapshot_names(namespace) == []
    forced = rwx("snapshot", "deploy/web", "--quiesce", "scale", "--force", "--name", "forced")
    assert forced.returncode == 0, forced.stderr
    assert consistency(namespace, "forced") == "fuzzy"


def test_scaling_down_with_an_autoscaler_brings_exactly_the_same_replicas_back(
    rwx: Plugin, namespace: Kubectl
) -> None:
    start_writers(namespace, replicas=3)
    namespace("autoscale", "deploy/web", "--min=2", "--max=9", "--cpu-percent=80")
    before = set(pods_of(namespace))
    taken = rwx("snapshot", "deploy/web", "--quiesce", "scale", "--name", "down")
    assert taken.returncode == 0, taken.stderr
    assert "horizontalpodautoscaler/web scales it" in taken.stderr
    assert "scaled down from 3 to 0, recorded" in taken.stderr and "scaled back to 3" in taken.stderr
    assert namespace.jsonpath("get", "deploy/web", path="{.spec.replicas}") == "3"
    assert records_on(namespace) == set() and consistency(namespace, "down") == "quiesced"
    namespace("rollout", "status", "deploy/web", "--timeout=90s")
    assert not before & set(pods_of(namespace))
    # the kill may have caught a writer anywhere, but the copy is of one moment
    pairs = restored_pairs(rwx, namespace, "down")
    assert len(pairs) == 3 and not any(pair.torn for pair in pairs), pairs


def test_pods_that_vanish_before_they_end_cannot_be_proven_to_stand_still(rwx: Plugin, namespace: Kubectl) -> None:
    start_writers(namespace, replicas=1, grace=0)
    refused = rwx("snapshot", "deploy/web", "--quiesce", "scale")
    assert refused.returncode == 3 and "has terminationGracePeriodSeconds 0" in refused.stderr
    assert namespace.jsonpath("get", "deploy/web", path="{.spec.replicas}") == "1"
    forced = rwx("snapshot", "deploy/web", "--quiesce", "scale", "--force", "--name", "forced")
    assert forced.returncode == 0, forced.stderr
    assert consistency(namespace, "forced") == "fuzzy"
    assert not any(pair.torn for pair in restored_pairs(rwx, namespace, "forced"))


def test_an_operators_workload_is_not_scaled(rwx: Plugin, namespace: Kubectl) -> None:
    start_writers(namespace, replicas=1)
    owner = namespace.json("get", "serviceaccount/default")["metadata"]
    reference = {"apiVersion": "v1", "kind": "ServiceAccount", "name": owner["name"], "uid": owner["uid"],
                 "controller": True}
    namespace("patch", "deploy/web", "--type=merge", "-p",
              json.dumps({"metadata": {"ownerReferences": [reference]}}))
    refused = rwx("snapshot", "deploy/web", "--quiesce", "scale")
    assert refused.returncode == 3 and "its operator may undo changes" in refused.stderr
    assert namespace.jsonpath("get", "deploy/web", path="{.spec.replicas}") == "1"


@pytest.mark.parametrize("mode", ["client", "server"])
def test_a_dry_run_tells_the_writers_and_changes_nothing(rwx: Plugin, namespace: Kubectl, mode: str) -> None:
    [web] = start_writers(namespace, replicas=1)
    before = namespace.jsonpath("get", "deploy/web", path="{.metadata.generation}")
    for flags in (HOOK, ("--quiesce", "scale")):
        told = rwx("snapshot", "deploy/web", *flags, f"--dry-run={mode}")
        assert told.returncode == 0, told.stderr
        assert f"pod/{web} (deployment/web) writes to data" in told.stderr
    assert namespace.jsonpath("get", "deploy/web", path="{.metadata.generation}") == before
    assert records_on(namespace) == set() and snapshot_names(namespace) == []


def test_a_set_that_exists_freezes_nothing(rwx: Plugin, namespace: Kubectl) -> None:
    [web] = start_writers(namespace, replicas=1)
    rwx.ok("snapshot", "deploy/web", "--name", "once")
    namespace.sh(web, "rm -f /tmp/was-frozen")
    again = rwx("snapshot", "deploy/web", "--freeze", "touch /tmp/was-frozen", "--thaw", THAW, "--name", "once")
    assert again.returncode == 1 and "exists already" in again.stderr
    assert namespace.sh(web, "ls /tmp/was-frozen", check=False) == ""


def test_writers_go_on_in_time_when_the_hold_takes_too_long(rwx: Plugin, namespace: Kubectl) -> None:
    [web] = start_writers(namespace, replicas=1, storage_class="slow")
    late = rwx("snapshot", "deploy/web", *HOOK, "--hold-until", "ready", "--freeze-timeout", "8s", "--name", "late")
    assert late.returncode == 6, late.stderr
    assert "were not ready within 8s (--freeze-timeout)" in late.stderr
    assert consistency(namespace, "late") == "crash"
    assert is_writing(namespace, web) and timers_in(namespace, web) == 0


def test_every_claim_a_workloads_pods_mount(rwx: Plugin, namespace: Kubectl) -> None:
    bind_claims(namespace, claim("shared"), claim("logs"))
    stateful = deployment("db", {"shared": "/shared"}, replicas=2, kind="StatefulSet")
    stateful["spec"]["volumeClaimTemplates"] = [claim("own", size="10Mi")]
    stateful["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 1
    stateful["spec"]["template"]["spec"]["containers"][0]["volumeMounts"].append({"name": "own", "mountPath": "/own"})
    job = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "nightly"}, "spec": {
        "schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": {"spec": {
            **pod("x", {"logs": "/logs"})["spec"], "restartPolicy": "Never"}}}}}}
    namespace.apply(stateful, job)
    namespace("rollout", "status", "statefulset/db", "--timeout=90s")
    items = rwx.json("snapshot", "sts/db", "cronjob/nightly", "--quiesce", "scale")["items"]
    assert sorted(item["source"] for item in items) == ["logs", "own-db-0", "own-db-1", "shared"]
    assert {item["consistency"] for item in items} == {"quiesced"}
    users = namespace.json("get", "vs")["items"]
    assert {one["spec"]["source"]["persistentVolumeClaimName"]:
            one["metadata"]["annotations"]["kubectl-rwx.io/workload"] for one in users}["logs"] == "cronjob/nightly"


def test_a_job_that_runs_and_a_cronjob_that_does_not(rwx: Plugin, namespace: Kubectl) -> None:
    bind_claims(namespace, claim("in", size="16Mi"), claim("out", size="16Mi"))
    batch = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "batch"}, "spec": {"template": {
        "metadata": {"labels": {"app": "batch"}},
        "spec": {**pod("x", {"in": "/in"})["spec"], "restartPolicy": "Never"}}}}
    nightly = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "nightly"}, "spec": {
        "schedule": "0 3 1 1 *", "jobTemplate": {"spec": {"template": {"spec": {
            **pod("x", {"out": "/out"})["spec"], "restartPolicy": "Never"}}}}}}
    namespace.apply(batch, nightly)
    namespace("wait", "--for=condition=Ready", "pod", "-l", "app=batch", "--timeout=90s")
    hook = ("--freeze", "touch /tmp/was-frozen", "--thaw", "touch /tmp/was-thawed")
    [item] = rwx.json("snapshot", "job/batch", *hook)["items"]
    assert (item["source"], item["consistency"]) == ("in", "quiesced")
    assert namespace.sh("job/batch", "ls /tmp").split() == ["was-frozen", "was-thawed"]
    assert records_on(namespace, "job/batch") == set()
    refused = rwx("snapshot", "job/batch", "--quiesce", "scale")
    assert refused.returncode == 3 and "a Job has no replica count" in refused.stderr
    [item] = rwx.json("snapshot", "cronjob/nightly")["items"]
    assert (item["source"], item["consistency"]) == ("out", "crash")
