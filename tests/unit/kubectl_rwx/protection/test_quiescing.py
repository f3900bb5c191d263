from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from fakes.cluster import FakeCluster
from fakes.progress import Recorder
from kubectl_rwx.protection import dead_man
from kubectl_rwx.protection.quiesce_requests import HOOK, SCALE, QuiesceRequest
from kubectl_rwx.protection.quiescing import check_hold, hold_still
from kubectl_rwx.protection.stillness import Hold
from kubectl_rwx.protection.thawing import ThawRequest, thaw
from plugin_core import errors
from plugin_core.kube.cluster import DryRun, ExecResult
from plugin_core.model.durations import Deadline
from plugin_core.model.kinds import DEPLOYMENT
from plugin_core.model.manifests import Manifest, annotations_of
from plugin_core.model.refs import Target
from plugin_core.names import FREEZE_RECORD, SCALE_RECORD
from unit.kubectl_rwx.protection.quiesce_objects import HOOKS, stray, web

KEY = (DEPLOYMENT.resource, "app", "web")
PATCHES = ["patch deployments.apps", "patch pods", "patch statefulsets.apps", "patch persistentvolumeclaims"]
GOOD, BAD = ExecResult(0, "17", ""), ExecResult(7, "", "no lock\n")


class Pods(FakeCluster):
    """Its pods do what they are told, but for one of them. done: pod and what was run, scripts by what they do."""

    failing = ("", "")

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.done: list[tuple[str, str]] = []

    def execute(
        self, pod: str, command: Sequence[str], *, namespace: str, container: str = "", seconds: float = 60
    ) -> ExecResult:
        scripts = {dead_man._START: "timer", dead_man._LIMIT: command[-1], dead_man._THAW: command[-1]}
        word = command[0] if command[0] != "sh" else scripts[command[2]]
        self.done.append((pod, word))
        return BAD if (pod, word) == self.failing else GOOD


def cluster_with(
    objects: list[Manifest], *, failing: str = "", word: str = "/freeze", dry_run: DryRun = DryRun.NONE
) -> Pods:
    cluster = Pods(objects, expect=PATCHES, dry_run=dry_run)
    cluster.failing = (failing, word)
    return cluster


def hold(cluster: Pods, progress: Recorder | None = None, **flags: object) -> Hold:
    request = QuiesceRequest(**{"mode": HOOK, **flags})  # type: ignore[arg-type]
    with hold_still(cluster, request, ["data"], run="r1", why="snapshot s", deadline=Deadline.after(5),
                    progress=progress or Recorder()) as held:
        check_hold(cluster, held, ["data"])
        return held


def test_each_writer_gets_its_timer_before_its_freeze_and_is_thawed() -> None:
    cluster = cluster_with(web(pods=1, annotations=HOOKS))
    held = hold(cluster)
    assert [word for _, word in cluster.done] == ["timer", "/freeze", "/thaw"]
    assert not held.broken and held.until and held.seconds is not None
    assert FREEZE_RECORD not in annotations_of(cluster.objects[KEY])


def test_the_record_is_there_before_the_freeze() -> None:
    cluster = cluster_with(web(pods=2, annotations=HOOKS))
    request = QuiesceRequest(mode=HOOK)
    with hold_still(cluster, request, ["data"], run="r1", why="snapshot s", deadline=Deadline.after(5),
                    progress=Recorder()):
        record = json.loads(annotations_of(cluster.objects[KEY])[FREEZE_RECORD])
    assert (record["run"], record["why"]) == ("r1", "snapshot s")
    assert [(pod["pod"], pod["thaw"]) for pod in record["pods"]] == [("web-0", ["/thaw"]), ("web-1", ["/thaw"])]


def test_a_failed_freeze_fails_and_thaws_all() -> None:
    cluster = cluster_with(web(pods=2, annotations=HOOKS), failing="web-1")
    with pytest.raises(errors.NotReady, match="1 of 2 freezes failed(.|\n)*pod/web-1 container app: exit code 7: no"):
        hold(cluster)
    assert sorted(pod for pod, word in cluster.done if word == "/thaw") == ["web-0", "web-1"]
    assert FREEZE_RECORD not in annotations_of(cluster.objects[KEY])


@pytest.mark.parametrize("flags, annotations", [
    ({"on_freeze_error": "continue"}, HOOKS), ({}, {**HOOKS, "pre.hook.backup.velero.io/on-error": "Continue"}),
])
def test_a_failed_freeze_that_may_fail_breaks_the_promise(
    flags: dict[str, object], annotations: dict[str, str]
) -> None:
    held = hold(cluster_with(web(pods=2, annotations=annotations), failing="web-1"), **flags)
    assert held.broken == ["freeze failed in pod/web-1 container app: exit code 7: no lock"]
    assert not held.unforgiven


def test_a_thaw_that_fails_is_shouted_and_keeps_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubectl_rwx.protection.freezes.pause", lambda seconds: None)
    progress = Recorder()
    cluster = cluster_with(web(pods=1, annotations=HOOKS), failing="web-0", word="/thaw")
    held = hold(cluster, progress)
    assert held.unforgiven == ["pod/web-0 container app could not be let go: exit code 7: no lock"]
    assert FREEZE_RECORD in annotations_of(cluster.objects[KEY])
    assert any("kubectl rwx thaw --all" in line for line in progress.warnings)


def test_ctrl_c_thaws() -> None:
    cluster = cluster_with(web(pods=1, annotations=HOOKS))
    with pytest.raises(KeyboardInterrupt):
        with hold_still(cluster, QuiesceRequest(mode=HOOK), ["data"], run="r1", why="s", deadline=Deadline.after(5),
                        progress=Recorder()):
            raise KeyboardInterrupt
    assert ("web-0", "/thaw") in cluster.done


@pytest.mark.parametrize("flags, objects, words", [
    ({}, [*web(annotations=HOOKS), stray()], r"pod/stray \(no owner\): no --freeze is given"),
    ({"freeze": "x", "thaw": "y"}, [*web(), stray()], "pod/stray .*: nobody we know manages it"),
    ({"mode": SCALE}, [*web(), stray()], "pod/stray .*: nobody we know manages it"),
    ({}, web(), "pod/web-0 .*: no --freeze is given"),
])
def test_writers_that_would_go_on_stop_the_command(
    flags: dict[str, object], objects: list[Manifest], words: str
) -> None:
    cluster = cluster_with(objects)
    with pytest.raises(errors.NotReady, match=words):
        hold(cluster, **flags)
    assert cluster.done == [] and not [one for one in cluster.requests if one.startswith("patch")]


def test_a_pod_with_hooks_of_its_own_needs_no_owner() -> None:
    cluster = cluster_with([stray(annotations=HOOKS)])
    assert not hold(cluster).broken
    assert ("stray", "/freeze") in cluster.done


def test_force_goes_on_and_says_that_it_is_not_quiesced() -> None:
    held = hold(cluster_with([*web(annotations=HOOKS), stray()]), force=True)
    assert held.broken == [
        "pod/stray (no owner): no --freeze is given and it has no annotation pre.hook.backup.velero.io/command"
    ]


def test_another_run_that_has_it_frozen_is_not_disturbed() -> None:
    objects = web(pods=1, annotations=HOOKS)
    record = {"run": "r0", "since": "2026-01-01T00:00:00Z", "until": "2999-01-01T00:00:00Z", "why": "snapshot a",
              "pods": []}
    objects[0]["metadata"]["annotations"] = {FREEZE_RECORD: json.dumps(record)}
    cluster = cluster_with(objects)
    with pytest.raises(errors.NotReady, match="is frozen by another run"):
        hold(cluster)
    assert cluster.done == []
    assert json.loads(annotations_of(cluster.objects[KEY])[FREEZE_RECORD])["run"] == "r0"


def test_a_writer_that_came_or_restarted_during_the_cut_breaks_the_promise() -> None:
    cluster = cluster_with(web(pods=1, annotations=HOOKS))
    with hold_still(cluster, QuiesceRequest(mode=HOOK), ["data"], run="r1", why="s", deadline=Deadline.after(5),
                    progress=Recorder()) as held:
        cluster.objects["pods", "app", "web-0"]["status"]["containerStatuses"][0]["containerID"] = "containerd://other"
        cluster.put(stray())
        check_hold(cluster, held, ["data"])
    assert held.unforgiven == ["pod/stray (no owner) began to use the claims during the cut",
                               "pod/web-0 (deployment/web) was started anew during the cut"]


def test_scaled_down_and_back() -> None:
    objects = web(pods=2)

    def stop(cluster: FakeCluster) -> None:
        for name in ("web-0", "web-1"):
            cluster.objects.pop(("pods", "app", name), None)

    cluster = FakeCluster(objects, expect=PATCHES, script=[stop, stop])
    request = QuiesceRequest(mode=SCALE)
    with hold_still(cluster, request, ["data"], run="r1", why="s", deadline=Deadline.after(5),
                    progress=Recorder()) as held:
        assert cluster.objects[KEY]["spec"]["replicas"] == 0
        assert json.loads(annotations_of(cluster.objects[KEY])[SCALE_RECORD])["replicas"] == 2
        check_hold(cluster, held, ["data"])
    assert cluster.objects[KEY]["spec"]["replicas"] == 2
    assert (held.broken, held.by) == ([], "scaled to 0: deployment/web")


@pytest.mark.parametrize("mode", [HOOK, SCALE])
def test_a_dry_run_only_looks(mode: str) -> None:
    progress = Recorder()
    cluster = cluster_with(web(pods=1, annotations=HOOKS), dry_run=DryRun.SERVER)
    held = hold(cluster, progress, mode=mode)
    assert held.seconds is None and cluster.done == []
    assert not [one for one in cluster.requests if one.startswith("patch")]


def test_thaw_goes_by_the_records() -> None:
    objects = web(pods=1, annotations=HOOKS)
    pods = [{"pod": "web-0", "uid": "uid-pod-web-0", "container": "app", "thaw": ["/thaw"]}]
    frozen = {"run": "r0", "since": "2026-01-01T00:00:00Z", "until": "2999-01-01T00:00:00Z", "why": "snapshot a",
              "pods": pods}
    scaled = {"replicas": 5, "run": "r0", "since": "2026-01-01T00:00:00Z", "why": "snapshot a"}
    objects[0]["metadata"]["annotations"] = {FREEZE_RECORD: json.dumps(frozen), SCALE_RECORD: json.dumps(scaled)}
    objects[0]["spec"]["replicas"] = 0
    cluster = cluster_with(objects)
    request = ThawRequest(targets=(Target(DEPLOYMENT, "web"),))
    answer = thaw(cluster, request, Recorder())
    assert [item["done"] for item in answer.report.items] == ["thawed", "scaled back to 5"]
    assert cluster.done == [("web-0", "/thaw")]
    assert cluster.objects[KEY]["spec"]["replicas"] == 5 and not annotations_of(cluster.objects[KEY])
    assert thaw(cluster, request, Recorder()).report.items == ()


def test_thaw_of_nothing() -> None:
    with pytest.raises(errors.UsageError):
        ThawRequest()
