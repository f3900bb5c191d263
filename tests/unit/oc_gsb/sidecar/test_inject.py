from __future__ import annotations

import copy
import signal
import time
from typing import Any

import pytest

from fakes.cluster import FakeCluster
from fakes.progress import Recorder
from fakes.workloads import NAMESPACE, claim, claim_volume, container, workload
from oc_gsb.sidecar.containers import sidecar_of
from oc_gsb.sidecar.inject import inject
from oc_gsb.sidecar.record import read_record
from oc_gsb.sidecar.requests import InjectRequest
from oc_gsb.sidecar.results import Answer
from oc_gsb.sidecar.selection import Selection
from oc_gsb.sidecar.template import hold_removal
from plugin_core import errors
from plugin_core.errors import ExitCode
from plugin_core.kube.cluster import DryRun
from plugin_core.model.kinds import DEPLOYMENT
from plugin_core.model.manifests import Manifest, annotations_of
from plugin_core.model.refs import Target
from plugin_core.names import FORCE_GENERIC_BACKUP, INJECTION_RECORD, REQUIRED_SCC
from plugin_core.workloads import waits
from plugin_core.workloads.templates import pod_spec_of
from unit.oc_gsb.sidecar.world import COPY, GRANT_DELETES, GRANT_WRITES, PATCH, make_world, names_of

WRITES = [PATCH, *GRANT_WRITES]
SCC = "securitycontextconstraints.security.openshift.io"


@pytest.fixture(autouse=True)
def look_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits, "_LOOK_EVERY", 0.0)


def run(
    cluster: FakeCluster, *names: str, timeout: float = 5.0, progress: Recorder | None = None, **fields: Any
) -> Answer:
    targets = tuple(Target(DEPLOYMENT, name) for name in names or ("web",))
    request = InjectRequest(Selection(targets), timeout=timeout, **{"try_image": False, "parallel": 1, **fields})
    return inject(cluster, request, progress=progress or Recorder())


def run_all(cluster: FakeCluster, **fields: Any) -> Answer:
    request = InjectRequest(Selection(everything=True), timeout=5.0, try_image=False, parallel=1, **fields)
    return inject(cluster, request, progress=Recorder())


def seen(cluster: FakeCluster, name: str = "web") -> Manifest:
    return copy.deepcopy(cluster.objects[DEPLOYMENT.resource, NAMESPACE, name])


def bare(made: Manifest) -> tuple[Manifest, dict[str, str]]:
    """What must be the same before and after: the spec and the annotations."""
    return made["spec"], annotations_of(made)


def writes(cluster: FakeCluster) -> list[str]:
    return [words for words in cluster.requests if words.split(" ")[0] not in ("get", "list", "watch")]


def code_of(answer: Answer) -> ExitCode:
    return answer.failure.exit_code if answer.failure else ExitCode.DONE


def test_grant_first_then_one_patch() -> None:
    cluster, controllers = make_world(workload(), expect=WRITES)
    answer = run(cluster)
    assert answer.failure is None
    assert writes(cluster) == ["create clusterroles.rbac.authorization.k8s.io", f"create {SCC}",
                               "create rolebindings.rbac.authorization.k8s.io", PATCH]
    assert len(controllers.patches) == 1
    assert answer.report.items[0] == {
        "target": "deployment/web", "kind": "Deployment", "namespace": NAMESPACE, "name": "web", "result": "injected",
        "scc": COPY, "ready": 2, "pods": 2, "image": "tools:1", "message": "", "problems": [], "exitCode": 0,
        "hint": ""}
    after = seen(cluster)
    assert annotations_of(after)[FORCE_GENERIC_BACKUP] == "true"
    record = read_record(after)
    assert record is not None and (record.scc, record.replicas, record.removing) == (COPY, None, False)


def test_again_is_unchanged_without_a_write() -> None:
    cluster, _ = make_world(workload(), expect=WRITES)
    run(cluster)
    before, written = seen(cluster), len(writes(cluster))
    answer = run(cluster, image="other:1")
    assert answer.failure is None and answer.report.items[0]["result"] == "unchanged"
    assert answer.report.items[0]["message"] == (
        "its sidecar has image tools:1; to change that: oc gsb upgrade --image other:1")
    assert seen(cluster) == before and len(writes(cluster)) == written


@pytest.mark.parametrize("dry_run", [DryRun.CLIENT, DryRun.SERVER])
def test_dry_run_changes_nothing(dry_run: DryRun) -> None:
    cluster, _ = make_world(workload(), expect=WRITES, dry_run=dry_run)
    before = copy.deepcopy(cluster.objects)
    answer = run(cluster)
    assert answer.failure is None
    assert answer.report.columns[2].cell(answer.report.items[0]).startswith("injected (")
    assert cluster.objects == before


def test_without_sccs_only_the_workload_changes() -> None:
    cluster, _ = make_world(workload(), openshift=False, expect=[PATCH])
    progress = Recorder()
    assert run(cluster, progress=progress).failure is None
    assert writes(cluster) == [PATCH]
    assert "no SecurityContextConstraints" in " ".join(progress.notes)


def test_a_second_workload_of_the_account_shares_the_grant() -> None:
    cluster, _ = make_world(workload(), workload(name="two"), expect=WRITES)
    assert run(cluster, "web", "two").failure is None
    assert len(names_of(cluster, "rolebindings.rbac.authorization.k8s.io")) == 1


@pytest.mark.parametrize("shape", [
    workload(), workload(annotations={"a": "1", FORCE_GENERIC_BACKUP: "false"}),
    workload(pod_annotations={REQUIRED_SCC: "restricted-v2"}), workload(replicas=1),
])
def test_a_failed_rollout_is_rolled_back_exactly(shape: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits.wait_for_rollout, "__kwdefaults__", {"patience": 0.01})
    cluster, _ = make_world(shape, expect=[*WRITES, *GRANT_DELETES])
    before, others = bare(seen(cluster)), set(cluster.objects)
    answer = run(cluster, image="broken:1")
    assert code_of(answer) is ExitCode.FAILED
    item = answer.report.items[0]
    assert (item["result"], item["ready"], item["scc"]) == ("rolled back", before[0]["replicas"], "restricted-v2")
    assert "ErrImagePull message" in " ".join(item["problems"])
    assert bare(seen(cluster)) == before
    left = {key for key in cluster.objects if key[0] not in ("replicasets.apps", "pods")}
    assert left == {key for key in others if key[0] not in ("replicasets.apps", "pods")}, "SCC or grant is left"


def test_a_timeout_is_rolled_back_and_says_the_flag() -> None:
    cluster, _ = make_world(workload(), expect=[*WRITES, *GRANT_DELETES])
    answer = run(cluster, image="broken:1", timeout=0.05)
    assert code_of(answer) is ExitCode.TIMEOUT
    assert "(--timeout)" in answer.report.items[0]["message"]
    assert sidecar_of(pod_spec_of(seen(cluster))) is None


def test_what_was_there_before_stays_after_a_rollback() -> None:
    cluster, _ = make_world(workload(), workload(name="two"), expect=[*WRITES, *GRANT_DELETES])
    run(cluster, "two")
    run(cluster, "web", image="broken:1", timeout=0.05)
    assert names_of(cluster, SCC).count(COPY) == 1
    assert len(names_of(cluster, "rolebindings.rbac.authorization.k8s.io")) == 1


def test_ctrl_c_rolls_back_and_starts_no_other() -> None:
    calls = []

    def interrupt(cluster: FakeCluster) -> None:
        calls.append(time.monotonic())
        if len(calls) == 2:
            signal.raise_signal(signal.SIGINT)

    cluster, _ = make_world(workload(), workload(name="two"), expect=[*WRITES, *GRANT_DELETES], step=interrupt)
    before = bare(seen(cluster))
    answer = run(cluster, "web", "two", image="broken:1")
    assert code_of(answer) is ExitCode.INTERRUPTED
    assert [item["result"] for item in answer.report.items] == ["rolled back", "not started"]
    assert bare(seen(cluster)) == before and COPY not in names_of(cluster, SCC)


def test_a_patch_the_server_refuses_leaves_nothing() -> None:
    def refuse(cluster: FakeCluster, manifest: Manifest) -> None:
        raise errors.Invalid("cannot patch: spec.template is wrong", status=422)

    cluster, _ = make_world(workload(), expect=[*WRITES, *GRANT_DELETES])
    cluster._reactions[PATCH] = refuse
    # the fake stores before it reacts; a server that refuses does not
    stored = seen(cluster)
    cluster._reactions[PATCH] = lambda fake, made: (fake.put(stored), refuse(fake, made))[0] and None
    answer = run(cluster)
    assert (code_of(answer), answer.report.items[0]["result"]) == (ExitCode.FAILED, "failed")
    assert COPY not in names_of(cluster, SCC)


def test_all_skips_what_has_nothing_to_back_up_and_goes_on_after_a_refusal() -> None:
    cluster, _ = make_world(workload(), workload(name="plain", volumes=[], containers=[container()]),
                            workload(name="paused", paused=True), expect=WRITES)
    answer = run_all(cluster)
    assert {item["name"]: item["result"] for item in answer.report.items} == {
        "web": "injected", "plain": "skipped", "paused": "refused"}
    assert code_of(answer) is ExitCode.PARTLY_DONE
    assert "deployment/paused refused: its rollouts are paused" in str(answer.failure)


def test_all_of_nothing() -> None:
    cluster, _ = make_world()
    answer = run_all(cluster)
    assert answer.failure is None and answer.report.items == ()


def test_a_refusal_names_every_problem() -> None:
    cluster, _ = make_world(workload(volumes=[], paused=True))
    answer = run(cluster)
    assert code_of(answer) is ExitCode.NOT_READY
    assert len(answer.report.items[0]["problems"]) == 2 and writes(cluster) == []


def test_a_volume_by_the_name_of_the_private_cas_is_a_problem_only_with_one() -> None:
    own = workload(volumes=[claim_volume("data"), {"name": "kanister-sidecar-ca", "emptyDir": {}}])
    bundle = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ca", "namespace": NAMESPACE},
              "data": {"custom-ca-bundle.pem": "x"}}
    cluster, _ = make_world(own, objects=[bundle], expect=WRITES)
    answer = run(cluster, ca_configmap="ca")
    assert writes(cluster) == [] and answer.report.items[0]["problems"] == [
        "it already has a volume named kanister-sidecar-ca, which the sidecar needs for itself"]
    assert run(cluster).failure is None


def test_what_an_ephemeral_claim_holds_is_said_to_go() -> None:
    brief = workload(containers=[container(mounts={"data": "/data", "brief": "/brief"})], volumes=[
        claim_volume("data"), {"name": "brief", "ephemeral": {"volumeClaimTemplate": {"spec": {}}}}])
    cluster, _ = make_world(brief, expect=WRITES)
    progress = Recorder()
    assert run(cluster, progress=progress).failure is None
    assert any(": the claims of volume brief are ephemeral" in words for words in progress.warnings)


def test_missing_rights_are_named_before_anything_is_changed() -> None:
    cluster, _ = make_world(workload(), denied=[f"create {SCC}", "create clusterroles.rbac.authorization.k8s.io"])
    answer = run(cluster)
    assert code_of(answer) is ExitCode.FORBIDDEN and writes(cluster) == []
    assert answer.report.items[0]["problems"] == [
        "you may not create clusterroles.rbac.authorization.k8s.io", f"you may not create {SCC}"]
    assert answer.failure is not None and "oc adm policy add-scc-to-user" in answer.failure.hint


def test_no_right_to_grant_is_needed_where_it_is_granted() -> None:
    cluster, _ = make_world(workload(), workload(name="two"), expect=WRITES)
    run(cluster, "two")
    cluster._denied = {f"create {SCC}", "create rolebindings.rbac.authorization.k8s.io"}
    assert run(cluster, "web").failure is None


def test_an_unknown_image_stops_the_run() -> None:
    cluster, _ = make_world(workload())
    with pytest.raises(errors.NotReady, match="the sidecar image is not known") as raised:
        run(cluster, k10_namespace="nowhere")
    assert "--image" in raised.value.hint


def test_absent_workloads_stop_the_run() -> None:
    cluster, _ = make_world(workload())
    with pytest.raises(errors.NotFound, match="there is no deployment/none, deployment/nil"):
        run(cluster, "web", "none", "nil")


def exclusive(expect: list[str], **fields: Any) -> Any:
    return make_world(workload(), claims=[claim("data", "ReadWriteOnce")], expect=expect, **fields)


def test_an_exclusive_claim_goes_by_way_of_zero_replicas() -> None:
    cluster, controllers = exclusive(WRITES)
    progress = Recorder()
    answer = run(cluster, progress=progress)
    assert answer.failure is None
    assert [made["spec"]["replicas"] for made in controllers.patches] == [0, 2]
    held = read_record(controllers.patches[0])
    assert held is not None and held.replicas == 2, "the way back is recorded with the change"
    assert sidecar_of(pod_spec_of(controllers.patches[0])) is not None
    assert "claim data is ReadWriteOnce" in progress.warnings[0]


def test_a_crash_while_held_at_zero_is_finished_by_the_next_run() -> None:
    cluster, controllers = exclusive(WRITES)
    run(cluster)
    held = controllers.patches[0]
    assert held["spec"]["replicas"] == 0, "what a kill after the first patch leaves"
    cluster, controllers = make_world(held, claims=[claim("data", "ReadWriteOnce")], expect=[PATCH])
    answer = run(cluster)
    assert answer.failure is None and "it has them back" in answer.report.items[0]["message"]
    assert seen(cluster)["spec"]["replicas"] == 2 and read_record(seen(cluster)) is not None


def test_a_failure_of_an_exclusive_one_is_rolled_back_by_way_of_zero() -> None:
    cluster, controllers = exclusive([*WRITES, *GRANT_DELETES])
    before = bare(seen(cluster))
    answer = run(cluster, image="broken:1", timeout=0.05)
    assert answer.report.items[0]["result"] == "rolled back"
    assert [made["spec"]["replicas"] for made in controllers.patches] == [0, 2, 0, 2]
    assert bare(seen(cluster)) == before


def test_a_damaged_record_is_refused() -> None:
    cluster, _ = make_world(workload(annotations={INJECTION_RECORD: "{}"}))
    answer = run(cluster)
    assert answer.report.items[0]["result"] == "refused" and code_of(answer) is ExitCode.NOT_READY


def test_pods_that_fail_later_are_not_rolled_back_by_another_run() -> None:
    cluster, _ = make_world(workload(), expect=WRITES)
    run(cluster)
    made = cluster.objects[DEPLOYMENT.resource, NAMESPACE, "web"]
    made["status"]["availableReplicas"] = 0
    answer = run(cluster, timeout=0.05)
    assert (answer.report.items[0]["result"], code_of(answer)) == ("failed", ExitCode.TIMEOUT)
    assert answer.failure is not None and "oc gsb uninject deployment/web" in answer.failure.hint
    assert sidecar_of(pod_spec_of(seen(cluster))) is not None


def test_a_sidecar_that_others_took_out_is_not_called_injected() -> None:
    cluster, _ = make_world(workload(), expect=WRITES)
    run(cluster)
    made = cluster.objects[DEPLOYMENT.resource, NAMESPACE, "web"]
    made["spec"]["template"]["spec"]["containers"].pop()
    answer = run(cluster)
    assert (answer.report.items[0]["result"], code_of(answer)) == ("refused", ExitCode.NOT_READY)
    assert answer.failure is not None and "oc gsb uninject deployment/web" in answer.failure.hint


def test_a_workload_that_is_broken_already_is_refused() -> None:
    cluster, _ = make_world(workload(containers=[container(image="broken:1", mounts={"data": "/data"})]))
    answer = run(cluster)
    assert answer.report.items[0]["result"] == "refused" and writes(cluster) == []
    assert "its pods do not come up as they are: pod/web-1-0 container app: ErrImagePull" in str(answer.failure)


def test_a_dry_run_of_one_that_is_being_uninjected_changes_nothing() -> None:
    cluster, _ = make_world(workload(), expect=WRITES)
    run(cluster)
    made = seen(cluster)
    record = read_record(made)
    assert record is not None
    cluster, _ = make_world(hold_removal(made, record), dry_run=DryRun.CLIENT, expect=WRITES)
    before = seen(cluster)
    assert run(cluster).report.items[0]["result"] == "injected" and seen(cluster) == before


def test_an_image_that_does_not_start_is_refused_before_anything_is_changed() -> None:
    def refuse(cluster: FakeCluster, pod: Manifest) -> None:
        waiting = {"reason": "ErrImagePull", "message": "denied"}
        cluster.put({**pod, "status": {"containerStatuses": [{"name": "tools", "state": {"waiting": waiting}}]}})

    cluster, _ = make_world(workload(), workload(name="two"), expect=["create pods", "delete pods"],
                            reactions={"create pods": refuse})
    answer = run(cluster, "web", "two", try_image=True)
    assert code_of(answer) is ExitCode.NOT_READY
    assert [item["problems"] for item in answer.report.items] == [
        ["its image does not start: ErrImagePull: denied"]] * 2
    # one dry run to see what admission takes, one pod, for both
    assert writes(cluster) == ["create pods", "create pods", "delete pods"]


def test_an_image_that_runs_already_is_not_tried() -> None:
    cluster, _ = make_world(workload(), workload(name="two"), expect=WRITES)
    for one in list(cluster.objects.values()):
        if one["kind"] == "Pod":
            one["status"]["containerStatuses"][0]["image"] = "tools:1"
    assert run(cluster, try_image=True).failure is None


def test_kept_by_others_is_refused_and_forced() -> None:
    cluster, _ = make_world(workload(annotations={"argocd.argoproj.io/tracking-id": "shop:x"}), expect=WRITES)
    answer = run(cluster)
    assert code_of(answer) is ExitCode.NOT_READY and writes(cluster) == []
    assert answer.failure is not None and "oc gsb render deployment/web -n app; or go on with --force" in (
        answer.failure.hint)
    progress = Recorder()
    assert run(cluster, force=True, progress=progress).failure is None
    assert "Argo CD application shop" in progress.warnings[0]


def test_many_workloads_need_no_more_lists_than_one() -> None:
    def lists(count: int) -> int:
        made = [workload(name=f"web-{number}") for number in range(count)]
        cluster, _ = make_world(*made, expect=WRITES, dry_run=DryRun.CLIENT)
        run(cluster, *(f"web-{number}" for number in range(count)))
        return sum(words.startswith("list ") for words in cluster.requests)

    assert lists(1) == lists(9)


def test_missing_objects_of_flags_and_what_may_not_be_read() -> None:
    cluster, _ = make_world(workload(), denied=["list resourcequotas", "get secrets"])
    progress = Recorder()
    answer = run(cluster, pull_secrets=("pull",), ca_configmap="ca", progress=progress)
    assert answer.report.items[0]["problems"] == ["there is no ConfigMap ca in namespace app (--ca-configmap)"]
    assert any("whether the quotas have room is not known" in one for one in progress.warnings)
    assert any("whether Secret pull is there is not known" in one for one in progress.warnings)
