from __future__ import annotations

from typing import Any

import pytest

from fakes.cluster import FakeCluster
from fakes.progress import Recorder
from oc_gsb.sidecar.image_probe import Trial, Tried, try_image
from plugin_core.model.durations import Deadline
from plugin_core.model.kinds import POD
from plugin_core.model.manifests import Manifest, labels_of

WRITES = ["create pods", "delete pods"]
TRIAL = Trial("tools:1", "builder", ("pull",))


def tried(status: Manifest, *, seconds: float = 5.0, **options: Any) -> tuple[Tried, FakeCluster, list[Manifest]]:
    made: list[Manifest] = []

    def start(cluster: FakeCluster, pod: Manifest) -> None:
        made.append(pod)
        cluster.put({**pod, "status": status})

    cluster = FakeCluster([], expect=WRITES, script=iter([lambda cluster: None] * 50),
                          reactions={"create pods": start}, **options)
    return try_image(cluster, TRIAL, deadline=Deadline.after(seconds), progress=Recorder()), cluster, made


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


def test_what_is_not_the_images_fault_leaves_it_open() -> None:
    full = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "full"}
    found, cluster, _ = tried({"conditions": [full]}, seconds=0.05)
    assert found.problem == "" and "Unschedulable: full" in found.open and not cluster.objects


def test_a_pod_that_may_not_be_made_leaves_it_open() -> None:
    found, _, made = tried({}, denied=["create pods"])
    assert found.problem == "" and found.open.startswith("no pod could be made to try it") and made == []
