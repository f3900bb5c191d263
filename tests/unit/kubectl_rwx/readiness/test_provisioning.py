from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from fakes import storage
from fakes.cluster import FakeCluster
from fakes.progress import Recorder
from fakes.readiness import GROUPS, chain, ready_content, shared_volume, storage_class
from kubectl_rwx.readiness.provisioning import ProvisionRequest, provision
from plugin_core import errors
from plugin_core.kube.cluster import DryRun
from plugin_core.model.kinds import PERSISTENT_VOLUME_CLAIM
from plugin_core.model.quantities import parse_quantity
from plugin_core.render.reports import render

SCHEMA = Path(__file__).parents[4] / "docs" / "schemas" / "kubectl-rwx-provisioning.v1.json"
CREATE = "create persistentvolumeclaims"


def bind(cluster: FakeCluster, claim: dict[str, Any]) -> None:
    claim["spec"]["volumeName"] = "pv-new"
    claim["status"] = {"phase": "Bound", "capacity": {"storage": "1Gi"}}
    cluster.put(claim)


def usable(*objects: dict[str, Any], **options: Any) -> FakeCluster:
    """A cluster whose class `one` is observed to be shared and snapshotted."""
    world = [*chain(), storage_class(), shared_volume(), ready_content(), storage.snapshot_class(default=True)]
    return FakeCluster([*world, *objects], groups=GROUPS, reactions={CREATE: bind}, **options)


def request(**fields: Any) -> ProvisionRequest:
    return ProvisionRequest(name="backup", size=parse_quantity("1Gi"), **fields)


def test_a_claim_on_the_best_class_with_how_to_use_it() -> None:
    cluster = usable(expect=[CREATE])
    answer = provision(cluster, request(), Recorder())
    [item] = answer.report.items
    assert answer.failure is None
    assert (item["change"], item["phase"], item["class"], item["level"]) == ("created", "Bound", "one", "observed")
    made = cluster.get(PERSISTENT_VOLUME_CLAIM, "backup", namespace="app")
    assert made["spec"]["accessModes"] == ["ReadWriteMany"]
    document = json.loads(render(answer.report, output="json", api_version="kubectl-rwx/v1"))
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(document)
    notes = "\n".join(answer.report.notes)
    assert "claimName: backup" in notes and "VolumeSnapshotClass one" in notes
    assert "kubectl rwx verify one" in notes


def test_a_second_run_changes_nothing() -> None:
    cluster = usable(storage.claim("backup"))
    answer = provision(cluster, request(), Recorder())
    assert answer.report.items[0]["change"] == "unchanged"


@pytest.mark.parametrize(("there", "words"), [
    (storage.claim("backup", modes=("ReadWriteOnce",)), "it is not ReadWriteMany"),
    (storage.claim("backup", size="1Mi"), "it asks for 1Mi, not 1Gi"),
])
def test_another_claim_of_that_name_is_left_alone(there: dict[str, Any], words: str) -> None:
    with pytest.raises(errors.AlreadyExists, match=words):
        provision(usable(there), request(), Recorder())


def test_a_class_nobody_knows_anything_of_is_not_taken() -> None:
    cluster = FakeCluster([*chain(), storage_class(), storage.snapshot_class()], groups=GROUPS)
    with pytest.raises(errors.NotReady, match="no StorageClass is known") as caught:
        provision(cluster, request(), Recorder())
    assert caught.value.hint == "prove it first: kubectl rwx verify one"


def test_a_dry_run_creates_nothing() -> None:
    cluster = usable(expect=[CREATE], dry_run=DryRun.SERVER)
    answer = provision(cluster, request(), Recorder())
    assert answer.report.notes == ("persistentvolumeclaim/backup would be created (server dry run)",)
    with pytest.raises(errors.NotFound):
        cluster.get(PERSISTENT_VOLUME_CLAIM, "backup", namespace="app")


@pytest.mark.parametrize("fields", [{"name": "Not a name"}, {"timeout": 0.0}])
def test_requests_that_make_no_sense(fields: dict[str, Any]) -> None:
    with pytest.raises(errors.UsageError):
        ProvisionRequest(**{"name": "backup", "size": 1, **fields})
