from __future__ import annotations

import copy
from typing import Any

import pytest

from fakes.cluster import FakeCluster
from fakes.progress import Recorder
from fakes.workloads import NAMESPACE, claim, container, workload
from oc_gsb.sidecar.inject import inject
from oc_gsb.sidecar.requests import InjectRequest, UninjectRequest
from oc_gsb.sidecar.results import Answer
from oc_gsb.sidecar.selection import Selection
from oc_gsb.sidecar.uninject import uninject
from plugin_core.errors import ExitCode
from plugin_core.kube.cluster import DryRun
from plugin_core.model.kinds import DEPLOYMENT
from plugin_core.model.manifests import Manifest, annotations_of
from plugin_core.model.refs import Target
from plugin_core.names import FORCE_GENERIC_BACKUP, INJECTION_RECORD
from plugin_core.workloads import waits
from unit.oc_gsb.sidecar.world import COPY, GRANT_DELETES, GRANT_WRITES, PATCH, make_world, names_of

EVERYTHING = [PATCH, *GRANT_WRITES, *GRANT_DELETES]
SCC = "securitycontextconstraints.security.openshift.io"
ALL = Selection(everything=True)


@pytest.fixture(autouse=True)
def look_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits, "_LOOK_EVERY", 0.0)


def injected_world(*workloads: Manifest, **options: Any) -> tuple[FakeCluster, Any]:
    cluster, controllers = make_world(*(workloads or (workload(),)), expect=EVERYTHING, **options)
    request = InjectRequest(ALL, timeout=5, try_image=False, parallel=1)
    assert inject(cluster, request, progress=Recorder()).failure is None
    return cluster, controllers


def run(cluster: FakeCluster, selection: Selection = ALL, *, timeout: float = 5.0) -> Answer:
    return uninject(cluster, UninjectRequest(selection, timeout=timeout, parallel=1), progress=Recorder())


def seen(cluster: FakeCluster, name: str = "web") -> Manifest:
    return copy.deepcopy(cluster.objects[DEPLOYMENT.resource, NAMESPACE, name])


@pytest.mark.parametrize("shape", [
    workload(), workload(annotations={"a": "1"}), workload(annotations={FORCE_GENERIC_BACKUP: "false"}),
    workload(pod_annotations={"openshift.io/required-scc": "restricted-v2"}), workload(replicas=0),
])
def test_the_workload_is_what_it_was_and_nothing_is_left(shape: Manifest) -> None:
    cluster, _ = injected_world(shape)
    answer = run(cluster)
    assert answer.failure is None and answer.report.items[0]["result"] == "uninjected"
    assert seen(cluster)["spec"] == shape["spec"]
    assert annotations_of(seen(cluster)) == annotations_of(shape)
    assert COPY not in names_of(cluster, SCC)
    assert names_of(cluster, "rolebindings.rbac.authorization.k8s.io") == []


def test_again_is_unchanged_without_a_write() -> None:
    cluster, controllers = injected_world()
    run(cluster)
    patches = len(controllers.patches)
    answer = run(cluster)
    assert answer.failure is None and answer.report.items[0]["result"] == "unchanged"
    assert len(controllers.patches) == patches


@pytest.mark.parametrize("dry_run", [DryRun.CLIENT, DryRun.SERVER])
def test_dry_run_changes_nothing(dry_run: DryRun) -> None:
    cluster, _ = injected_world()
    cluster._dry_run = dry_run
    before = copy.deepcopy(cluster.objects)
    assert run(cluster).report.items[0]["result"] == "uninjected"
    assert cluster.objects == before


def test_the_grant_stays_until_its_last_workload_is_done() -> None:
    cluster, _ = injected_world(workload(), workload(name="two"))
    answer = run(cluster, Selection((Target(DEPLOYMENT, "web"),)))
    assert "deployment/two needs it" in answer.report.notes[0]
    assert COPY in names_of(cluster, SCC)
    assert run(cluster).report.notes == ()
    assert COPY not in names_of(cluster, SCC)


def test_a_grant_left_by_a_crash_is_removed_by_the_next_run() -> None:
    cluster, _ = injected_world()
    crashed = {key: copy.deepcopy(value) for key, value in cluster.objects.items()
               if "rbac" in key[0] or (key[0] == SCC and key[2] == COPY)}
    run(cluster)
    for manifest in crashed.values():
        cluster.put(manifest)
    assert run(cluster).report.items[0]["result"] == "unchanged"
    assert COPY not in names_of(cluster, SCC)


def test_pods_that_an_interrupted_one_left_are_waited_for_before_the_grant_goes() -> None:
    going: list[tuple[str, str, str]] = []

    def step(fake: FakeCluster) -> None:
        assert not going or COPY in names_of(fake, SCC)
        fake.objects.pop(going.pop(), None) if going else None

    cluster, _ = injected_world(step=step)
    before = copy.deepcopy(cluster.objects)
    run(cluster)
    left = [key for key, manifest in before.items() if manifest["kind"] == "Pod"]
    for key, manifest in before.items():
        if key in left or key not in cluster.objects:
            cluster.put(manifest)
    going += left
    (item,) = run(cluster).report.items
    assert item["result"] == "uninjected" and item["message"] == "an earlier run had taken it out of the template"
    assert not going and COPY not in names_of(cluster, SCC)
    assert run(cluster).report.items[0]["result"] == "unchanged"


def test_the_grant_outlives_the_rollout() -> None:
    """A pod that is still terminating needs its SCC: without it, updates of the pod are refused."""
    order: list[str] = []
    cluster, _ = injected_world()
    pods = cluster._reactions[PATCH]
    cluster._reactions[PATCH] = lambda fake, made: (order.append("rollout"), pods(fake, made))[0] and None
    cluster._reactions[f"delete {SCC}"] = lambda fake, made: order.append("scc")
    run(cluster)
    assert order == ["rollout", "scc"]


def test_changes_of_others_are_kept_and_said() -> None:
    cluster, _ = injected_world()
    changed = cluster.objects[DEPLOYMENT.resource, NAMESPACE, "web"]
    changed["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.local/app:2"
    answer = run(cluster)
    assert answer.failure is None
    assert "their changes were kept" in answer.report.items[0]["message"]
    containers = seen(cluster)["spec"]["template"]["spec"]["containers"]
    assert [one["image"] for one in containers] == ["registry.local/app:2"]


def test_an_exclusive_claim_goes_by_way_of_zero_replicas() -> None:
    cluster, controllers = injected_world(claims=[claim("data", "ReadWriteOnce")])
    controllers.patches.clear()
    assert run(cluster).failure is None
    assert [made["spec"]["replicas"] for made in controllers.patches] == [0, 2]
    assert INJECTION_RECORD in annotations_of(controllers.patches[0]), "a crash here must find the way back"
    assert INJECTION_RECORD not in annotations_of(seen(cluster))


def test_a_crash_while_held_at_zero_is_finished_by_inject_as_well() -> None:
    cluster, _ = injected_world(claims=[claim("data", "ReadWriteOnce")])
    controllers, held = cluster._reactions[PATCH], []

    def watch(fake: FakeCluster, made: Manifest) -> None:
        controllers(fake, made)
        held.append(seen(fake))

    cluster._reactions[PATCH] = watch
    run(cluster)
    assert held[0]["spec"]["replicas"] == 0, "what a kill at this moment leaves"
    cluster, _ = make_world(held[0], claims=[claim("data", "ReadWriteOnce")], expect=EVERYTHING)
    answer = inject(cluster, InjectRequest(ALL, timeout=5, try_image=False, parallel=1), progress=Recorder())
    assert answer.failure is None and answer.report.items[0]["result"] == "injected"
    assert seen(cluster)["spec"]["replicas"] == 2


def foreign(**options: Any) -> Manifest:
    return workload(containers=[container(mounts={"data": "/d"}), container("kanister-sidecar")], **options)


def test_a_sidecar_of_another_tool_is_taken_out_only_when_named() -> None:
    cluster, _ = make_world(foreign(annotations={FORCE_GENERIC_BACKUP: "true"}), expect=[PATCH])
    assert run(cluster).report.items[0]["result"] == "skipped"
    answer = run(cluster, Selection((Target(DEPLOYMENT, "web"),)))
    assert answer.failure is None and answer.report.items[0]["result"] == "uninjected"
    assert [one["name"] for one in seen(cluster)["spec"]["template"]["spec"]["containers"]] == ["app"]
    assert "annotations" not in seen(cluster)["metadata"]


def test_without_a_record_nothing_goes_to_zero_replicas() -> None:
    cluster, _ = make_world(foreign(), claims=[claim("data", "ReadWriteOnce")])
    answer = run(cluster, Selection((Target(DEPLOYMENT, "web"),)))
    assert answer.report.items[0]["result"] == "refused" and answer.failure is not None
    assert answer.failure.hint.startswith("oc gsb inject deployment/web, which takes it over")


def test_what_k10tools_leaves_behind_goes_too() -> None:
    left = workload()
    left["spec"]["template"]["spec"]["volumes"] += [
        {"name": "kopia-cache-volume", "emptyDir": {"sizeLimit": "3000Mi"}},
        {"name": "kopia-log-volume", "emptyDir": {}}]
    cluster, _ = make_world(left, expect=[PATCH])
    answer = run(cluster)
    assert answer.report.items[0]["result"] == "uninjected"
    assert "kopia-cache-volume, kopia-log-volume" in answer.report.items[0]["message"]
    assert seen(cluster)["spec"] == workload()["spec"]
    assert run(cluster).report.items[0]["result"] == "unchanged"


def test_a_rollout_that_does_not_end_keeps_the_grant() -> None:
    cluster, _ = injected_world()
    pods = cluster._reactions[PATCH]

    def stall(fake: FakeCluster, made: Manifest) -> None:
        pods(fake, made)
        fake.objects[DEPLOYMENT.resource, NAMESPACE, "web"]["status"]["availableReplicas"] = 0

    cluster._reactions[PATCH] = stall
    answer = run(cluster, timeout=0.05)
    assert answer.failure is not None and answer.failure.exit_code is ExitCode.TIMEOUT
    assert "(--timeout)" in answer.report.items[0]["message"]
