"""CDI's opinion is read as what it is: no more than known, never above the catalogue, raw block devices aside."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.readiness import shared_volume, storage_class, storage_profile
from plugin_core.storage.drivers import find_driver
from plugin_core.storage.storage_profiles import StorageProfile, profile_of_class
from plugin_core.storage.verdicts import Ability, Level, contradictions, judge_clone, judge_rwx
from plugin_core.storage.verifications import Verification

RWX, RWX_BLOCK, RWO = "ReadWriteMany Filesystem", "ReadWriteMany Block", "ReadWriteOnce Filesystem"
CEPHFS = find_driver(storage_class(driver="cephfs.csi.ceph.com"))
RBD = find_driver(storage_class(driver="rbd.csi.ceph.com"))
VSPHERE = find_driver(storage_class(driver="csi.vsphere.vmware.com"))
UNKNOWN, NO = Ability(Level.UNKNOWN, "unheard of"), Ability(Level.NO, "it cannot")


def profile(*modes: str, **fields: Any) -> StorageProfile:
    return StorageProfile("one", modes, **fields)


def proof(**proved: bool) -> Verification:
    return Verification(date="2026-11-21T10:00:00Z", access_mode="ReadWriteMany", result="failed", uid="uid-one",
                        driver="one.csi.test", parameters_hash="", proved=proved)


@pytest.mark.parametrize(("modes", "shared"), [
    ([RWX], True), ([RWX_BLOCK, RWO, RWX], True), (["ReadWriteMany"], True), ([RWX_BLOCK], False), ([RWO], False),
    ([], False),
])
def test_only_shared_filesystems_count_as_shared(modes: list[str], shared: bool) -> None:
    found = profile_of_class(storage_class(), [storage_profile(*modes)])
    assert found and found.shared is shared


def test_what_is_read_of_a_profile() -> None:
    item = storage_profile(RWX_BLOCK, RWX, by_spec=True, clone_strategy="csi-clone")
    item["status"]["claimPropertySets"].append({"accessModes": ["ReadWriteMany", "ReadWriteOnce"]})
    assert profile_of_class(storage_class(), [storage_profile(RWO, name="two"), item]) == StorageProfile(
        "one", (RWX_BLOCK, RWX, RWO), clone_strategy="csi-clone", by_spec=True)


@pytest.mark.parametrize("sets", [
    None, "x", {}, ["x", None, {}, {"accessModes": "ReadWriteMany"}, {"accessModes": None}],
])
def test_what_cannot_be_read_is_no_opinion(sets: Any) -> None:
    item = storage_profile(RWX)
    item["status"]["claimPropertySets"] = sets
    assert profile_of_class(storage_class(), [item]) == StorageProfile("one")


@pytest.mark.parametrize(("driver", "item"), [
    ("one.csi.test", storage_profile(RWX, name="two")),
    ("one.csi.test", storage_profile(RWX, driver="former.csi.test")),
    ("one.csi.test", {"metadata": {"name": "one"}, "spec": storage_profile(RWX, by_spec=True)["spec"]}),
    ("kubernetes.io/no-provisioner", storage_profile(RWX, driver="kubernetes.io/no-provisioner")),
], ids=["another class", "class made anew", "without status", "volumes made by hand"])
def test_what_is_no_profile_of_the_class(driver: str, item: Any) -> None:
    assert profile_of_class(storage_class(driver=driver), [item]) is None


@pytest.mark.parametrize(("driver", "modes", "level"), [
    (None, [RWX], Level.KNOWN), (VSPHERE, [RWX], Level.KNOWN), (CEPHFS, [RWX], Level.KNOWN), (RBD, [RWX], Level.NO),
    (None, [RWX_BLOCK, RWO], Level.UNKNOWN), (VSPHERE, [RWX_BLOCK], Level.UNKNOWN), (CEPHFS, [RWO], Level.KNOWN),
    (None, [], Level.UNKNOWN),
])
def test_an_opinion_is_never_more_than_known(driver: Any, modes: list[str], level: Level) -> None:
    ability = judge_rwx(driver=driver, verification=None, shared_volumes=[], profile=profile(*modes))
    assert ability.level is level
    told = "CDI StorageProfile one lists ReadWriteMany Filesystem (from CDI's own table)"
    assert (told in ability.reason) is (RWX in modes and level is Level.KNOWN)


def test_volumes_and_proofs_stand_without_it() -> None:
    seen = judge_rwx(driver=None, verification=None, shared_volumes=[shared_volume()], profile=profile(RWX))
    assert seen.level is Level.OBSERVED and "CDI" not in seen.reason
    refuted = judge_rwx(driver=None, verification=proof(rwx=False), shared_volumes=[], profile=profile(RWX))
    assert refuted.level is Level.NO and "CDI" not in refuted.reason


@pytest.mark.parametrize(("strategy", "level"), [
    ("csi-clone", Level.KNOWN), ("snapshot", Level.UNKNOWN), ("copy", Level.UNKNOWN), ("", Level.UNKNOWN),
])
def test_only_one_way_of_cloning_speaks_of_clones(strategy: str, level: Level) -> None:
    found = profile(RWX, clone_strategy=strategy)
    assert judge_clone(driver=None, verification=None, profile=found).level is level


def test_contradictions_are_told_with_their_source_and_what_settles_them() -> None:
    def told(found: StorageProfile, sharing: Ability, cloning: Ability = UNKNOWN, **proved: bool) -> list[str]:
        return contradictions(found, rwx=sharing, clone=cloning, verification=proof(**proved) if proved else None)

    assert told(profile(RWX, by_spec=True), NO) == [
        "CDI StorageProfile one lists ReadWriteMany Filesystem (set in its spec), which contradicts the catalogue; "
        "kubectl rwx verify one settles it"]
    for level in (Level.UNKNOWN, Level.KNOWN, Level.OBSERVED):
        assert told(profile(RWX_BLOCK, RWO), Ability(level, "")) == [
            "CDI StorageProfile one lists only ReadWriteMany Block, ReadWriteOnce Filesystem (from CDI's own table), "
            "no shared filesystem; kubectl rwx verify one settles it"]
    assert told(profile(clone_strategy="csi-clone"), UNKNOWN, NO) == [
        "CDI StorageProfile one clones by csi-clone, but it cannot"]
    assert told(profile(RWX), UNKNOWN) == told(profile(RWO), NO) == told(profile(), UNKNOWN) == []
    assert told(profile(RWX, clone_strategy="csi-clone"), NO, NO, rwx=False, clone=False) == []
    assert told(profile(RWO), Ability(Level.PROVEN, ""), rwx=True) == []
