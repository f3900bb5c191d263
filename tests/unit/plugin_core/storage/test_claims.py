"""Claims: what a restore must know of them, and where they stand."""

from __future__ import annotations

import pytest

from fakes.storage import claim, timestamp
from plugin_core import errors, names
from plugin_core.kube.waiting import Phase
from plugin_core.model.manifests import Manifest
from plugin_core.storage.claims import (
    Source,
    judge_binding,
    parse_access_modes,
    provisioner_of,
    source_annotations,
    source_from_annotations,
    source_of_claim,
)

GIBIBYTE = 1024**3


def test_access_modes_in_any_spelling() -> None:
    assert parse_access_modes(["rwx", "ReadWriteOnce", "RWX"]) == ("ReadWriteMany", "ReadWriteOnce")
    with pytest.raises(errors.UsageError, match='"all" is not an access mode'):
        parse_access_modes(["RWX", "all"])


def test_source_survives_the_annotations() -> None:
    source = source_of_claim(claim(size="10Gi", modes=("ReadWriteOnce", "ReadWriteMany")))
    assert source == Source(10 * GIBIBYTE, 10 * GIBIBYTE, ("ReadWriteOnce", "ReadWriteMany"), "Filesystem", "one")
    assert source.complete
    assert source_from_annotations(source_annotations(source)) == source


def test_what_is_not_known_is_not_written() -> None:
    assert source_annotations(Source(request=GIBIBYTE)) == {names.SOURCE_REQUEST: "1Gi"}
    assert source_from_annotations({}) == Source()
    assert not Source().complete


def test_garbled_annotations_count_as_not_known() -> None:
    garbled = {names.SOURCE_SIZE: "big", names.SOURCE_ACCESS_MODES: "all,ReadWriteMany"}
    assert source_from_annotations(garbled) == Source(access_modes=("ReadWriteMany",))


def test_a_source_is_filled_from_another() -> None:
    filled = Source(request=1, volume_mode="Block").filled_from(Source(capacity=2, request=3, volume_mode="Filesystem"))
    assert filled == Source(capacity=2, request=1, volume_mode="Block")


@pytest.mark.parametrize(("manifest", "phase", "reason"), [
    (claim(), Phase.READY, ""),
    (claim(phase="Pending"), Phase.WAITING, "Pending"),
    ({"metadata": {"name": "new"}}, Phase.WAITING, "Pending"),
    (claim(phase="Lost"), Phase.FAILED, "lost"),
    (claim(deletionTimestamp=timestamp()), Phase.FAILED, "being deleted"),
    (None, Phase.FAILED, "was deleted"),
])
def test_judges_binding(manifest: Manifest | None, phase: Phase, reason: str) -> None:
    readiness = judge_binding(manifest)
    assert readiness.phase is phase
    assert reason in readiness.reason


@pytest.mark.parametrize(("annotations", "driver"), [
    ({names.STORAGE_PROVISIONER: "new.csi"}, "new.csi"),
    ({names.STORAGE_PROVISIONER_BETA: "old.csi"}, "old.csi"),
    ({}, ""),
])
def test_provisioner(annotations: dict[str, str], driver: str) -> None:
    assert provisioner_of({"metadata": {"annotations": annotations}}) == driver
