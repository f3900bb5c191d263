"""Proof outweighs observation outweighs knowledge; "yes" never stands alone."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.readiness import ready_content, shared_volume, storage_class
from plugin_core.storage.drivers import find_driver
from plugin_core.storage.verdicts import (
    Ability,
    Level,
    judge_clone,
    judge_rwx,
    judge_snapshot,
    ready_contents_of,
    shared_volumes_of,
    weakest,
)
from plugin_core.storage.verifications import Verification, hash_parameters, verification_of, why_stale

CEPHFS = find_driver(storage_class(driver="cephfs.csi.ceph.com"))
RBD = find_driver(storage_class(driver="rbd.csi.ceph.com"))
VSPHERE = find_driver(storage_class(driver="csi.vsphere.vmware.com"))


def record(storage_class_manifest: Any, **changes: Any) -> Verification:
    given: dict[str, Any] = {
        "date": "2026-11-21T10:00:00Z", "access_mode": "ReadWriteMany", "result": "passed", "driver": "one.csi.test",
        "uid": storage_class_manifest["metadata"]["uid"], "parameters_hash": hash_parameters(storage_class_manifest),
        "proved": {"rwx": True, "snapshot": True, "clone": False},
    }
    return Verification(**{**given, **changes})


@pytest.mark.parametrize(("driver", "volumes", "level"), [
    (None, [], Level.UNKNOWN),
    (CEPHFS, [], Level.KNOWN),
    (RBD, [], Level.NO),
    (VSPHERE, [], Level.UNKNOWN),
    (None, [shared_volume()], Level.OBSERVED),
    (RBD, [shared_volume()], Level.OBSERVED),
])
def test_rwx_without_proof(driver: Any, volumes: Any, level: Level) -> None:
    assert judge_rwx(driver=driver, verification=None, shared_volumes=volumes).level is level


def test_proof_outweighs_all() -> None:
    proof = record(storage_class())
    ability = judge_rwx(driver=RBD, verification=proof, shared_volumes=[])
    assert (ability.level, ability.cell) == (Level.PROVEN, "yes (proven 2026-11-21)")
    failed = record(storage_class(), result="failed", proved={"snapshot": False}, reason="mtime lost")
    refused = judge_snapshot(driver=CEPHFS, verification=failed, ready_contents=[ready_content()])
    assert refused.level is Level.NO
    assert refused.reason == "kubectl rwx verify failed on 2026-11-21: mtime lost"


def test_what_a_proof_did_not_try_is_still_only_known() -> None:
    proof = record(storage_class(), proved={"rwx": True})
    assert judge_clone(driver=CEPHFS, verification=proof).level is Level.KNOWN


def test_no_yes_stands_alone() -> None:
    cells = {level: Ability(level, "", date="2026-01-01").cell for level in Level}
    assert all("(" in cell for cell in cells.values() if cell.startswith("yes"))
    assert cells[Level.KNOWN] == "yes (not proven)"


def test_a_chain_is_as_sure_as_its_weakest_link() -> None:
    proven, known = Ability(Level.PROVEN, ""), Ability(Level.KNOWN, "")
    assert weakest((proven, known)) is Level.KNOWN
    assert weakest((known, Ability(Level.UNKNOWN, ""))) is Level.UNKNOWN


@pytest.mark.parametrize(("changes", "counts"), [
    ({}, True),
    ({"volume_mode": None}, True),
    ({"volume_mode": "Block"}, False),
    ({"modes": ("ReadWriteOnce",)}, False),
    ({"phase": "Released"}, False),
    ({"made_by": ""}, False),
    ({"made_by": "other.csi.test"}, False),
    ({"storage_class": "two"}, False),
])
def test_which_volumes_show_that_a_class_shares(changes: dict[str, Any], counts: bool) -> None:
    assert bool(shared_volumes_of(storage_class(), [shared_volume(**changes)])) is counts


def test_volumes_made_by_hand_speak_for_a_class_without_provisioner() -> None:
    by_hand = storage_class(driver="kubernetes.io/no-provisioner")
    assert shared_volumes_of(by_hand, [shared_volume(made_by="")])


@pytest.mark.parametrize(("content", "counts"), [
    (ready_content(), True),
    (ready_content(ready=False), False),
    (ready_content(volume="gone"), False),
    (ready_content(driver="other.csi.test"), False),
])
def test_which_contents_show_that_a_class_has_snapshots(content: Any, counts: bool) -> None:
    assert bool(ready_contents_of(storage_class(), [shared_volume()], [content])) is counts


def test_a_record_is_read_back_as_it_was_written() -> None:
    written = record(storage_class(), reason="")
    read = verification_of(storage_class(annotations=written.annotation()))
    assert read == written and read is not None and read.day == "2026-11-21"
    assert why_stale(read, storage_class()) == ""


@pytest.mark.parametrize(("changed", "words"), [
    (storage_class(uid="another"), "made anew"),
    (storage_class(parameters={"fsName": "other"}), "were changed"),
    (storage_class(mountOptions=["hard"]), "were changed"),
    (storage_class(driver="two.csi.test"), "were changed"),
])
def test_a_record_grows_stale(changed: Any, words: str) -> None:
    assert words in why_stale(record(storage_class()), changed)


@pytest.mark.parametrize("text", ["", "not json", "[]", '{"result": "maybe"}'])
def test_a_garbled_record_is_none(text: str) -> None:
    assert verification_of(storage_class(annotations={"kubectl-rwx.io/verified": text})) is None
