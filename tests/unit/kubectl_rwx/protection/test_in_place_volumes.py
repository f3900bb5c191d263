"""The volumes of a restore in place: old claims that do not go."""

from __future__ import annotations

import pytest

from fakes.cluster import FakeCluster
from fakes.progress import Recorder
from fakes.storage import claim, timestamp
from kubectl_rwx.protection.in_place.volumes import delete_claims
from plugin_core import errors
from plugin_core.model.durations import Deadline
from plugin_core.model.kinds import PERSISTENT_VOLUME_CLAIM
from plugin_core.model.manifests import Manifest, uid_of

WRITE = f"delete {PERSISTENT_VOLUME_CLAIM.resource}"


def expire(deadline: Deadline) -> None:
    object.__setattr__(deadline, "at", 0.0)


def test_a_claim_that_does_not_go_is_named_with_what_holds_it_and_how_to_see_why() -> None:
    def hold(cluster: FakeCluster, gone: Manifest) -> None:
        cluster.put({**gone, "metadata": {**gone["metadata"], "deletionTimestamp": timestamp()}})

    deadline = Deadline.after(600)
    cluster = FakeCluster(expect=[WRITE], reactions={WRITE: hold}, script=[lambda _: expire(deadline)])
    held = cluster.put(claim(finalizers=["example.com/held"]))
    words = r"data \(finalizers: example.com/held\); why: kubectl rwx diagnose pvc/data -n app"
    with pytest.raises(errors.TimedOut, match=words):
        delete_claims(cluster, {"data": uid_of(held)}, deadline=deadline, progress=Recorder())
