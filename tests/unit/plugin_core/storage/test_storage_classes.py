"""StorageClasses of restored claims."""

from __future__ import annotations

import pytest

from fakes.storage import storage_class
from plugin_core import errors
from plugin_core.storage.storage_classes import binds_on_first_use, require_class_of_driver

CLASSES = [storage_class("one"), storage_class("late", binding="WaitForFirstConsumer"),
           storage_class("other", driver="other.csi.test")]


@pytest.mark.parametrize(("name", "driver"), [("one", "one.csi.test"), ("other", "")])
def test_takes_a_class_of_the_driver(name: str, driver: str) -> None:
    assert require_class_of_driver(CLASSES, name=name, driver=driver, flag_given=True)["metadata"]["name"] == name


@pytest.mark.parametrize(("name", "driver", "flag", "error", "words", "hint"), [
    ("gone", "one.csi.test", False, errors.NotFound, "the source claim's class", "--storage-class: one, late"),
    ("gone", "", True, errors.NotFound, '"gone" (--storage-class)', "kubectl get storageclasses"),
    ("other", "one.csi.test", True, errors.UsageError, "cannot read another's snapshots", "one, late"),
    ("one", "none.csi.test", True, errors.UsageError, "the snapshot is of none.csi.test", "no StorageClass of driver"),
])
def test_refuses(
    name: str, driver: str, flag: bool, error: type[errors.PluginError], words: str, hint: str
) -> None:
    with pytest.raises(error) as raised:
        require_class_of_driver(CLASSES, name=name, driver=driver, flag_given=flag)
    assert words in raised.value.message
    assert hint in raised.value.hint


def test_binding_mode() -> None:
    assert [binds_on_first_use(item) for item in (*CLASSES, None)] == [False, True, False, False]
