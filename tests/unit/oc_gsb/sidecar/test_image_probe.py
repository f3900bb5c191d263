from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from fakes.cluster import FakeCluster
from fakes.progress import Recorder
from oc_gsb.sidecar import image_probe
from oc_gsb.sidecar.image_probe import Trial, Tried, forget_trials, forgotten_trials, try_image
from oc_gsb.sidecar.side_by_side import Stop
from plugin_core.model.kinds import POD
from plugin_core.model.manifests import Manifest, labels_of, name_of

WRITES = ["create pods", "delete pods"]
TRIAL = Trial("tools:1", "builder", ("pull",))


def tried(status: Manifest, **options: Any) -> tuple[Tried, FakeCluster, list[Manifest]]:
    made: list[Manifest] = []

    def start(cluster: FakeCluster, pod: Manifest) -> None:
        made.append(pod)
        cluster.put({**pod, "status": status})

    cluster = FakeCluster([], expect=WRITES, script=iter([lambda cluster: None] * 50),
                          reactions={"create pods": start}, **options)
    return try_image(cluster, TRIAL, stop=Stop(), progress=Recorder()), cluster, made


def ended(**state: Any) -> Manifest:
    return {"containerStatuses": [{"name": "tools", "state": {"terminated": state}}]}


def test_it_is_pulled_as_the_workload_will_and_leaves_nothing() -> None:
    found, cluster, made = tried(ended(exitCode=0))
    assert found == Tried() and [key for key in cluster.objects if key[0] == POD.resource] == []
    spec = made[0]["spec"]
    assert (spec["serviceAccountName"], spec["imagePullSecrets"]) == ("builder", [{"name": "pull"}])
    assert spec["containers"][0]["image"] == "tools:1" and "volumes" not in spec
    assert labels_of(made[0])["app.kubernetes.io/managed-by"] == "oc-gsb"


@pytest.mark.parametrize("status, problem", [
    ({"containerStatuses": [{"name": "tools", "state": {"waiting": {"reason": "ErrImagePull", "message": "denied"}}}]},
     "its image does not start: ErrImagePull: denied"),
    (ended(exitCode=127, reason="ContainerCannotRun", message="bash: not found"),
     "its image does not start: bash in it: ContainerCannotRun: bash: not found"),
    (ended(exitCode=1, reason="Error"), "its image does not start: bash in it: Error: exit code 1"),
])
def test_an_image_that_does_not_start(status: Manifest, problem: str) -> None:
    found, cluster, _ = tried(status)
    assert found.problem == problem and not cluster.objects


def test_what_is_not_the_images_fault_leaves_it_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_probe, "SECONDS", 0.05)
    full = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "full"}
    found, cluster, _ = tried({"conditions": [full]})
    assert found.problem == "" and "Unschedulable: full" in found.open and not cluster.objects


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_pod_that_does_not_go_is_told(monkeypatch: pytest.MonkeyPatch, interrupted: bool) -> None:
    monkeypatch.setattr(image_probe, "GONE_SECONDS", 0.05)
    stop, progress = Stop(), Recorder()

    def stays(cluster: FakeCluster, pod: Manifest) -> None:
        cluster.put({**pod, "spec": {**pod["spec"], "nodeName": "away"}})
        if interrupted:
            stop.ask()

    def start(cluster: FakeCluster, pod: Manifest) -> None:
        cluster.put({**pod, "status": ended(exitCode=0)})

    cluster = FakeCluster([], expect=WRITES, script=iter([lambda cluster: None] * 50),
                          reactions={"create pods": start, "delete pods": stays})
    assert try_image(cluster, TRIAL, stop=stop, progress=progress) == Tried()
    (warning,) = progress.warnings
    assert "was deleted but not seen to be gone" in warning and "oc gsb cleanup -n" in warning
    assert ("(node away)" in warning) is not interrupted


def left(name: str, *, ended_ago: float | None, begun_ago: float, **labels: str) -> Manifest:
    def before(seconds: float) -> str:
        return (datetime.now(timezone.utc) - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")

    status = ended(exitCode=0, finishedAt=before(ended_ago)) if ended_ago is not None else {}
    own = {"app.kubernetes.io/managed-by": "oc-gsb", "kubectl-rwx.io/temporary": "image-check", **labels}
    return {"apiVersion": "v1", "kind": "Pod", "status": status, "metadata": {
        "name": name, "namespace": "app", "uid": name, "labels": own, "creationTimestamp": before(begun_ago)}}


def test_pods_of_runs_that_died_are_forgotten_and_nobody_elses() -> None:
    pods = [left("ended", ended_ago=6000, begun_ago=90), left("hangs", ended_ago=None, begun_ago=7000),
            left("just-ended", ended_ago=2, begun_ago=20), left("runs", ended_ago=None, begun_ago=20),
            left("other", ended_ago=6000, begun_ago=7000, **{"app.kubernetes.io/managed-by": "kubectl-rwx"})]
    assert [name_of(pod) for pod in forgotten_trials(pods)] == ["ended", "hangs"]
    cluster = FakeCluster(pods, expect=["delete pods"])
    forget_trials(cluster, pods, progress=Recorder())
    assert sorted(name for _, _, name in cluster.objects) == ["just-ended", "other", "runs"]


def test_a_pod_that_may_not_be_made_leaves_it_open() -> None:
    found, _, made = tried({}, denied=["create pods"])
    assert found.problem == "" and found.open.startswith("no pod could be made to try it") and made == []
