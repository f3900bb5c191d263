"""Where a VolumeSnapshot stands. status.error is a reason to wait with, never the end."""

from __future__ import annotations

import pytest

from fakes.storage import snapshot, snapshot_class, timestamp
from plugin_core.kube.waiting import Phase
from plugin_core.model.manifests import Manifest
from plugin_core.names import CONSISTENCY
from plugin_core.storage.snapshots import consistency_of_driver, error_of, judge_snapshot

CUT = snapshot(ready=False)
CUT["status"]["creationTime"] = timestamp()
FRESH = snapshot(ready=False)
del FRESH["status"]


@pytest.mark.parametrize(("manifest", "phase", "reason"), [
    (snapshot(), Phase.READY, ""),
    (snapshot(ready=True, error="earlier trouble"), Phase.READY, ""),
    (snapshot(ready=False, error="array is\nfull"), Phase.WAITING, "array is full"),
    (snapshot(ready=False, content=""), Phase.WAITING, "no content is bound yet"),
    (FRESH, Phase.WAITING, "no content is bound yet"),
    (snapshot(ready=False), Phase.WAITING, "the driver has not made it yet"),
    (CUT, Phase.WAITING, "cut, not ready to use yet"),
    (snapshot(deletionTimestamp=timestamp()), Phase.FAILED, "it is being deleted"),
    (None, Phase.FAILED, "it was deleted"),
])
def test_judges(manifest: Manifest | None, phase: Phase, reason: str) -> None:
    readiness = judge_snapshot(manifest)
    assert (readiness.phase, readiness.reason) == (phase, reason)


def test_an_error_is_over_once_the_snapshot_is_ready() -> None:
    assert error_of(snapshot(error="earlier trouble")) == ""


@pytest.mark.parametrize(("driver", "marked", "consistency"), [
    ("one.csi.test", "", "crash"),
    ("nfs.csi.k8s.io", "", "fuzzy"),
    ("one.csi.test", "fuzzy", "fuzzy"),
    ("nfs.csi.k8s.io", "crash", "crash"),
    ("one.csi.test", "perfect", "crash"),
])
def test_consistency(driver: str, marked: str, consistency: str) -> None:
    annotations = {CONSISTENCY: marked} if marked else {}
    assert consistency_of_driver(driver, snapshot_class=snapshot_class(**annotations)) == consistency
