"""volumeMode conversion and access modes that are wider than the source's."""

from __future__ import annotations

import pytest

from fakes.readiness import storage_class
from fakes.storage import content
from kubectl_rwx.protection.restore_rules import judge_widening, require_volume_mode
from plugin_core import errors, names
from plugin_core.storage.verifications import Verification, hash_parameters


def test_the_mode_of_the_source() -> None:
    assert require_volume_mode("", source="Block", content={}) == "Block"
    assert require_volume_mode("Filesystem", source="Filesystem", content={}) == "Filesystem"


def test_a_conversion_is_refused_unless_an_administrator_allowed_it() -> None:
    with pytest.raises(errors.UsageError, match="prevent-volume-mode-conversion") as raised:
        require_volume_mode("Block", source="Filesystem", content=content("c-1"))
    assert f"kubectl annotate volumesnapshotcontent c-1 {names.ALLOW_MODE_CHANGE}=true" in raised.value.hint
    allowed = content("c-1")
    allowed["metadata"]["annotations"] = {names.ALLOW_MODE_CHANGE: "true"}
    assert require_volume_mode("Block", source="Filesystem", content=allowed) == "Block"


@pytest.mark.parametrize(("modes", "source"), [
    (["ReadWriteMany"], ["ReadWriteMany"]), (["ReadWriteOnce"], ["ReadWriteMany"]),
    (["ReadOnlyMany"], ["ReadWriteMany"]), (["ReadWriteMany"], []),
])
def test_nothing_is_said_where_nothing_is_widened(modes: list[str], source: list[str]) -> None:
    assert judge_widening(modes, source=source, storage_class=storage_class(), class_name="one") == ""


def test_an_unknown_class_is_tried_and_said_not_to_be_proven() -> None:
    said = judge_widening(["ReadWriteMany"], source=["ReadWriteOnce"], storage_class=storage_class(), class_name="one")
    assert "can do RWX is not proven" in said and "kubectl rwx verify one" in said
    blind = judge_widening(["ReadWriteMany"], source=["ReadWriteOnce"], storage_class=None, class_name="one")
    assert "is not checked" in blind


@pytest.mark.parametrize("works", [True, False])
def test_a_proof_decides(works: bool) -> None:
    proven = storage_class()
    record = Verification(
        date="2026-11-01T00:00:00Z", access_mode="ReadWriteMany", result="passed" if works else "failed",
        driver="one.csi.test", uid="uid-one", parameters_hash=hash_parameters(proven), reason="second node refused",
        proved={"rwx": works},
    )
    proven["metadata"]["annotations"] = record.annotation()
    if works:
        assert judge_widening(["ReadWriteMany"], source=["ReadWriteOnce"], storage_class=proven, class_name="one") == ""
        return
    with pytest.raises(errors.UsageError, match="cannot do RWX"):
        judge_widening(["ReadWriteMany"], source=["ReadWriteOnce"], storage_class=proven, class_name="one")
