"""Which volumes have a CSI driver, and what is said of the others."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.storage import volume
from plugin_core import errors
from plugin_core.storage.volumes import csi_driver_of, require_csi_driver


def test_csi_volume() -> None:
    assert require_csi_driver(volume()) == csi_driver_of(volume()) == "one.csi.test"


@pytest.mark.parametrize(("source", "words"), [
    ({"hostPath": {"path": "/data"}}, "a directory of one node (hostPath)"),
    ({"local": {"path": "/disk"}, "nodeAffinity": {}}, "a local disk of one node (local)"),
    ({"nfs": {"server": "s", "path": "/"}}, "a plain NFS mount (nfs)"),
    ({"awsElasticBlockStore": {"volumeID": "v"}}, "an in-tree volume (awsElasticBlockStore)"),
    ({"mountOptions": []}, "a volume without a source"),
])
def test_others_are_refused_by_what_they_are(source: dict[str, Any], words: str) -> None:
    with pytest.raises(errors.NotReady) as raised:
        require_csi_driver(volume("old", source=source))
    assert f'its volume "old" is {words}, not a CSI volume' in raised.value.message
