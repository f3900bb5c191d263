"""Which VolumeSnapshotClass is chosen, and how each refusal reads."""

from __future__ import annotations

import pytest

from fakes.storage import snapshot_class
from plugin_core import errors
from plugin_core.model.manifests import Manifest
from plugin_core.names import MISSPELT_DEFAULT_SNAPSHOT_CLASS
from plugin_core.storage.snapshot_classes import choose_snapshot_class

OTHER = snapshot_class("other", driver="other.csi.test", default=True)


@pytest.mark.parametrize(("classes", "wanted", "name", "reason"), [
    ([snapshot_class("one"), OTHER], "", "one", "the only one of one.csi.test"),
    ([snapshot_class("a"), snapshot_class("b", default=True), OTHER], "", "b", "the default of one.csi.test"),
    ([snapshot_class("a"), snapshot_class("b", default=True)], "a", "a", "--class"),
])
def test_chooses_by_driver(classes: list[Manifest], wanted: str, name: str, reason: str) -> None:
    choice = choose_snapshot_class(classes, driver="one.csi.test", wanted=wanted)
    assert (choice.name, choice.reason) == (name, reason)
    assert choice.manifest in classes


@pytest.mark.parametrize(("classes", "wanted", "error", "words"), [
    ([], "", errors.NotReady, ["the cluster has none at all"]),
    ([OTHER], "", errors.NotReady, ["one.csi.test has no VolumeSnapshotClass", "other (other.csi.test)"]),
    ([snapshot_class("a"), snapshot_class("b")], "", errors.UsageError, ["none of them is marked as default: a, b"]),
    ([snapshot_class("a", default=True), snapshot_class("b", default=True), snapshot_class("c")], "", errors.UsageError,
     ["2 of them are marked as default: a, b"]),
    ([snapshot_class("a"), OTHER], "nope", errors.NotFound, ['no VolumeSnapshotClass "nope"', "a (one.csi.test)"]),
    ([snapshot_class("a"), OTHER], "other", errors.UsageError, ["of other.csi.test, the volume is of one.csi.test"]),
])
def test_refuses(classes: list[Manifest], wanted: str, error: type[errors.PluginError], words: list[str]) -> None:
    with pytest.raises(error) as raised:
        choose_snapshot_class(classes, driver="one.csi.test", wanted=wanted)
    assert all(word in raised.value.message for word in words)
    assert raised.value.hint


def test_tells_of_the_misspelt_default() -> None:
    misspelt = snapshot_class("b", **{MISSPELT_DEFAULT_SNAPSHOT_CLASS: "true"})
    with pytest.raises(errors.UsageError, match=r"b: snapshot.storage.k8s.io/is-default-class is read by nobody"):
        choose_snapshot_class([snapshot_class("a"), misspelt], driver="one.csi.test")
