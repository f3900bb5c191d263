from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from fakes.cluster import FakeCluster
from fakes.progress import Recorder
from fakes.readiness import lease
from fakes.storage import timestamp
from kubectl_rwx.installation.releases import Source
from kubectl_rwx.installation.removals import RemovalRequest, remove_snapshots_setup
from kubectl_rwx.installation.snapshots import Installation, SnapshotsRequest, set_up_snapshots
from plugin_core import errors
from plugin_core.kube.cluster import DryRun
from plugin_core.model.kinds import CUSTOM_RESOURCE_DEFINITION, DEPLOYMENT
from unit.kubectl_rwx.installation.objects import IMAGE, controller, definition, release, upstream

APPLIES = ["apply " + resource for resource in (
    "customresourcedefinitions.apiextensions.k8s.io", "serviceaccounts", "rolebindings.rbac.authorization.k8s.io",
    "deployments.apps")]
DELETES = [words.replace("apply", "delete") for words in APPLIES]
SNAPSHOT = "customresourcedefinition/volumesnapshots.snapshot.storage.k8s.io"
CONTROLLER = "deployment/snapshot-controller"


@pytest.fixture
def folder(tmp_path: Path) -> str:
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all(upstream()))
    return str(tmp_path)


def run(cluster: FakeCluster, folder: str, *, image: str = "", **options: Any) -> Installation:
    request = SnapshotsRequest(Source(manifests=folder, image=image), wait=False, **options)
    return set_up_snapshots(cluster, request, Recorder())


def changes(installation: Installation) -> dict[str, str]:
    return {step.name: step.change.value for step in installation.steps}


def reason(installation: Installation, name: str) -> str:
    return next(step.reason for step in installation.steps if step.name == name)


def test_all_is_created_and_a_second_run_writes_nothing(folder: str) -> None:
    cluster = FakeCluster(expect=APPLIES)
    assert set(changes(run(cluster, folder)).values()) == {"created"}
    versions = {key: item["metadata"]["resourceVersion"] for key, item in cluster.objects.items()}
    assert len(versions) == 7
    cluster.objects["deployments.apps", "kube-system", "snapshot-controller"]["status"] = {"readyReplicas": 2}
    assert set(changes(run(cluster, folder)).values()) == {"unchanged"}
    assert {key: item["metadata"]["resourceVersion"] for key, item in cluster.objects.items()} == versions


def test_what_was_edited_or_lost_is_put_back(folder: str) -> None:
    cluster = FakeCluster(expect=APPLIES)
    run(cluster, folder)
    deployment = cluster.objects["deployments.apps", "kube-system", "snapshot-controller"]
    deployment["spec"]["template"]["spec"]["containers"][0]["image"] = "elsewhere/snapshot-controller:v8.6.0"
    del cluster.objects["serviceaccounts", "kube-system", "snapshot-controller"]
    made = changes(run(cluster, folder))
    assert made[CONTROLLER] == "configured" and made["serviceaccount/snapshot-controller"] == "created"
    assert made[SNAPSHOT] == "unchanged"


@pytest.mark.parametrize("dry_run", [DryRun.CLIENT, DryRun.SERVER])
def test_a_dry_run_stores_nothing(folder: str, dry_run: DryRun) -> None:
    cluster = FakeCluster(expect=APPLIES, dry_run=dry_run)
    assert set(changes(run(cluster, folder)).values()) == {"created"}
    assert not cluster.objects


@pytest.mark.parametrize(("metadata", "who"), [
    ({"annotations": {"meta.helm.sh/release-name": "sc", "meta.helm.sh/release-namespace": "x"}}, "helm release x/sc"),
    ({"labels": {"olm.owner": "odf"}}, "Operator Lifecycle Manager"),
    ({"labels": {"addonmanager.kubernetes.io/mode": "Reconcile"}}, "addon manager"),
    ({"managedFields": [{"manager": "cluster-version-operator"}]}, "OpenShift's cluster-version-operator"),
    ({"managedFields": [{"manager": "eks"}]}, "an EKS add-on"),
    ({"ownerReferences": [{"kind": "CSISnapshotController", "name": "cluster"}]}, "csisnapshotcontroller/cluster"),
    ({"annotations": {"argocd.argoproj.io/tracking-id": "a"}}, "Argo CD"),
    ({"labels": {"app.kubernetes.io/managed-by": "someone"}}, "someone"),
])
def test_what_a_platform_manages_is_left_alone_whole(folder: str, metadata: dict[str, Any], who: str) -> None:
    managed = definition("VolumeSnapshot")
    managed["metadata"] |= metadata
    cluster = FakeCluster([managed], expect=APPLIES)
    installation = run(cluster, folder, upgrade=True)
    assert changes(installation)[SNAPSHOT] == changes(installation)[CONTROLLER] == "left alone"
    assert who in reason(installation, SNAPSHOT) and who in reason(installation, CONTROLLER)
    assert ("deployments.apps", "kube-system", "snapshot-controller") not in cluster.objects


def test_no_second_controller_beside_one_out_of_sight(folder: str) -> None:
    installation = run(FakeCluster([lease()], expect=APPLIES), folder)
    assert changes(installation)[CONTROLLER] == "left alone" and "out of sight" in reason(installation, CONTROLLER)
    stale = run(FakeCluster([lease(seconds_ago=4000)], expect=APPLIES), folder)
    assert changes(stale)[CONTROLLER] == "created"
    unseen = FakeCluster(expect=APPLIES, denied=["list leases.coordination.k8s.io"])
    assert changes(run(unseen, folder))[CONTROLLER] == "left alone"


def test_an_older_controller_of_somebodys_is_upgraded_only_when_asked_and_stays_theirs(folder: str) -> None:
    old = controller(image=f"{IMAGE}:v6.3.0", status={"readyReplicas": 1})
    cluster = FakeCluster([old], expect=APPLIES)
    installation = run(cluster, folder)
    assert changes(installation)[CONTROLLER] == "older" and "--upgrade" in installation.notes[0]
    assert changes(run(cluster, folder, upgrade=True))[CONTROLLER] == "configured"
    stored = cluster.get(DEPLOYMENT, "snapshot-controller", namespace="kube-system")
    assert "kubectl-rwx.io/setup" not in stored["metadata"].get("labels", {})
    assert stored["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":v8.6.0")
    newer = controller(image=f"{IMAGE}:v9.0.0", status={"readyReplicas": 1}, namespace="elsewhere")
    assert changes(run(FakeCluster([newer], expect=APPLIES), folder, upgrade=True))[CONTROLLER] == "left alone"


def test_a_foreign_controller_that_does_not_run_is_no_success(folder: str) -> None:
    dead = controller(status={})
    with pytest.raises(errors.NotReady, match="is there and not ready"):
        run(FakeCluster([dead], expect=APPLIES), folder)


def test_definitions_that_stay_must_serve_v1(folder: str) -> None:
    old = definition("VolumeSnapshot")
    old["spec"]["versions"] = [{"name": "v1beta1", "served": True}]
    cluster = FakeCluster([old], expect=APPLIES)
    with pytest.raises(errors.NotReady, match="serves v1beta1, not v1") as refused:
        run(cluster, folder)
    assert "--upgrade" in refused.value.hint and len(cluster.objects) == 1
    assert changes(run(cluster, folder, upgrade=True))[SNAPSHOT] == "configured"


def test_missing_rights_are_named_before_anything_is_written(folder: str) -> None:
    cluster = FakeCluster(expect=APPLIES, denied=["create deployments.apps"])
    with pytest.raises(errors.Forbidden, match="create deployments.apps"):
        run(cluster, folder)
    assert not cluster.objects


def snapshots(count: int) -> list[dict[str, Any]]:
    return [{"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot",
             "metadata": {"name": f"s{number}", "namespace": "app", "creationTimestamp": timestamp()}}
            for number in range(count)]


def installed(*objects: dict[str, Any]) -> FakeCluster:
    made = release()
    return FakeCluster([*made.definitions, *made.controller, *objects], expect=DELETES,
                       groups={"snapshot.storage.k8s.io": ["v1"]})


def remove(cluster: FakeCluster, *, losing: int = 0, asked: list[str] | None = None) -> Installation:
    return remove_snapshots_setup(
        cluster, RemovalRequest(losing=losing, timeout=5), Recorder(),
        consent=(asked if asked is not None else []).append,
    )


@pytest.mark.parametrize("losing", [0, 1, 3])
def test_definitions_stay_while_there_are_snapshots_but_for_their_exact_number(losing: int) -> None:
    cluster = installed(*snapshots(2))
    before = len(cluster.objects)
    with pytest.raises(errors.NotReady, match="2 volumesnapshots") as refused:
        remove(cluster, losing=losing)
    assert "--lose-snapshots 2" in refused.value.hint and len(cluster.objects) == before


def test_what_is_lost_is_in_the_question_and_definitions_go_first() -> None:
    cluster, asked = installed(*snapshots(2)), list[str]()
    assert set(changes(remove(cluster, losing=2, asked=asked)).values()) == {"deleted"}
    assert "2 snapshots are lost for ever" in asked[0]
    deleted = [words for words in cluster.requests if words.startswith("delete")]
    assert deleted.index("delete deployments.apps") == 4  # after the four definitions
    assert {key[0] for key in cluster.objects} == {"volumesnapshots.snapshot.storage.k8s.io"}
    assert not remove(cluster).steps


def test_only_ours_goes() -> None:
    foreign, taken = definition("Widget", group="example.com"), copy.deepcopy(release().definitions[0])
    taken["metadata"]["name"] = "taken.example.com"
    taken["metadata"]["annotations"]["meta.helm.sh/release-name"] = "x"
    cluster = installed(foreign, taken)
    remove(cluster)
    assert [item["metadata"]["name"] for item in cluster.list_all(CUSTOM_RESOURCE_DEFINITION).items] == [
        "taken.example.com", "widgets.example.com"]


def test_nothing_is_lost_that_is_not_there() -> None:
    with pytest.raises(errors.UsageError, match="nothing to lose"):
        remove(installed(), losing=1)
    refusing = installed()

    def refuse(question: str) -> None:
        raise errors.UsageError(question)

    with pytest.raises(errors.UsageError):
        remove_snapshots_setup(refusing, RemovalRequest(timeout=5), Recorder(), consent=refuse)
    assert len(refusing.objects) == 7
