"""Cloning: what is refused before anything is made, what is made, and who else may have made it."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.cluster import FakeCluster
from fakes.progress import Recorder
from fakes.storage import claim, storage_class
from kubectl_rwx.protection.answers import Answer
from kubectl_rwx.protection.clones import CloneRequest, clone
from kubectl_rwx.protection.consumers import consumer_pod
from plugin_core import errors, names
from plugin_core.model.kinds import PERSISTENT_VOLUME_CLAIM, POD
from plugin_core.model.manifests import Manifest, annotations_of, part_of

CREATE = f"create {PERSISTENT_VOLUME_CLAIM.resource}"


def bind(cluster: FakeCluster, stored: Manifest) -> None:
    cluster.put({**stored, "status": {"phase": "Bound", "capacity": stored["spec"]["resources"]["requests"]}})


def make_cluster(*objects: Manifest, **options: Any) -> FakeCluster:
    settings = {"expect": [CREATE], "reactions": {CREATE: bind}, **options}
    return FakeCluster(objects or (claim(), storage_class()), **settings)


def run(cluster: FakeCluster, progress: Recorder | None = None, **options: Any) -> Answer:
    return clone(cluster, CloneRequest(**{"source": "data", "name": "copy", **options}), progress or Recorder())


def test_everything_is_as_the_source() -> None:
    cluster = make_cluster()
    assert run(cluster).failure is None
    made = cluster.objects[PERSISTENT_VOLUME_CLAIM.resource, "app", "copy"]
    assert made["spec"]["dataSource"] == {"kind": "PersistentVolumeClaim", "name": "data"}
    assert (made["spec"]["storageClassName"], made["spec"]["accessModes"]) == ("one", ["ReadWriteMany"])
    assert part_of(made, "spec", "resources", "requests", "storage") == "1Gi"
    assert annotations_of(made)[names.CLONED_FROM] == "data"


def test_a_second_run_is_unchanged() -> None:
    cluster = make_cluster()
    run(cluster)
    cluster.requests.clear()
    assert run(cluster).report.items[0]["change"] == "unchanged"
    assert CREATE not in cluster.requests


@pytest.mark.parametrize(("options", "error", "words"), [
    ({"storage_class": "other"}, errors.UsageError, "a clone has the class of its source"),
    ({"to_namespace": "other"}, errors.UsageError, "cannot leave its namespace"),
    ({"size": 1024**2}, errors.UsageError, "too small"),
    ({"source": "absent"}, errors.NotFound, 'no claim "absent"'),
    ({"name": "data"}, errors.UsageError, "own name"),
    ({"name": "A_b"}, errors.UsageError, "cannot be the name"),
    ({"timeout": 0}, errors.UsageError, "--timeout"),
])
def test_what_cannot_be_is_refused_before_anything_is_made(
    options: dict[str, Any], error: type[errors.PluginError], words: str
) -> None:
    cluster = make_cluster()
    with pytest.raises(error, match=words) as raised:
        run(cluster, **options)
    assert CREATE not in cluster.requests
    if "class" in words or "namespace" in words:
        assert "kubectl rwx snapshot pvc/data" in raised.value.hint and "kubectl rwx restore" in raised.value.hint


@pytest.mark.parametrize(("source", "words"), [
    (claim(phase="Pending"), "clones Bound claims only"),
    (claim(phase="Lost"), "is lost"),
    (claim(storage_class=""), "no StorageClass"),
    (claim(driver="other.csi.test"), "the source's volume is of other.csi.test"),
])
def test_sources_the_provisioner_would_refuse(source: Manifest, words: str) -> None:
    with pytest.raises(errors.NotReady, match=words):
        run(make_cluster(source, storage_class()))


def test_a_class_that_is_gone() -> None:
    with pytest.raises(errors.NotFound, match='StorageClass "one" is gone'):
        run(make_cluster(claim()))


def test_a_claim_in_the_way_is_left_alone() -> None:
    with pytest.raises(errors.AlreadyExists, match="no clone of this source"):
        run(make_cluster(claim(), claim("copy"), storage_class()))


def test_a_late_class_is_told_at_once() -> None:
    cluster = make_cluster(claim(), storage_class(binding="WaitForFirstConsumer"), reactions={})
    answer = run(cluster)
    assert answer.failure is None and answer.report.items[0]["waitsForConsumer"]
    assert "--bind" in answer.report.notes[0]


def test_bind_runs_a_pod_that_is_gone_afterwards() -> None:
    pods: list[Manifest] = []

    def place(cluster: FakeCluster, pod: Manifest) -> None:
        pods.append(pod)
        bind(cluster, cluster.objects[PERSISTENT_VOLUME_CLAIM.resource, "app", "copy"])

    cluster = make_cluster(
        claim(), storage_class(binding="WaitForFirstConsumer"),
        expect=[CREATE, f"create {POD.resource}", f"delete {POD.resource}"],
        reactions={f"create {POD.resource}": place},
    )
    answer = run(cluster, bind=True)
    assert answer.failure is None and not answer.report.items[0]["waitsForConsumer"]
    spec, container = pods[0]["spec"], pods[0]["spec"]["containers"][0]
    assert spec["securityContext"]["runAsNonRoot"] and spec["securityContext"]["runAsUser"]
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["resources"]["requests"] and container["resources"]["limits"]
    assert not [key for key in cluster.objects if key[0] == POD.resource]


def test_no_fixed_user_on_openshift() -> None:
    pod = consumer_pod(claim(), run="r", image="", openshift=True)
    assert "runAsUser" not in pod["spec"]["securityContext"] and ":latest" not in pod["spec"]["containers"][0]["image"]
