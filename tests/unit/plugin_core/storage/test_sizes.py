"""The size of a restored claim."""

from __future__ import annotations

import pytest

from plugin_core import errors
from plugin_core.model.quantities import format_quantity, parse_quantity
from plugin_core.storage.claims import Source
from plugin_core.storage.sizes import restore_size


@pytest.mark.parametrize(("snapshot", "capacity", "request_", "wanted", "size"), [
    ("1Gi", "1Gi", "1Gi", "0", "1Gi"),
    ("2042", "10Gi", "10Gi", "0", "10Gi"),  # csi-driver-nfs: the packed archive
    ("0", "1Gi", "10Mi", "0", "1Gi"),  # rounded up by the driver; restoreSize unspecified
    ("20Gi", "10Gi", "10Gi", "0", "20Gi"),  # the source was smaller when it was written down
    ("1Gi", "1Gi", "1Gi", "5Gi", "5Gi"),
    ("1Gi", "1Gi", "1Gi", "1Gi", "1Gi"),
    ("0", "0", "0", "3Gi", "3Gi"),
    ("1000000001", "1000000000", "0", "0", "954Mi"),
    ("7", "0", "0", "0", "1Mi"),
])
def test_takes_the_largest(snapshot: str, capacity: str, request_: str, wanted: str, size: str) -> None:
    source = Source(capacity=parse_quantity(capacity), request=parse_quantity(request_))
    found = restore_size(snapshot_size=parse_quantity(snapshot), source=source, wanted=parse_quantity(wanted))
    assert format_quantity(found) == size


@pytest.mark.parametrize(("snapshot", "capacity", "wanted", "words", "hint"), [
    ("2Gi", "1Gi", "1Gi", "--size 1Gi is too small: the restoreSize of the snapshot is 2Gi", "at least 2Gi"),
    ("0", "1Gi", "1Mi", "--size 1Mi is too small: the capacity of the source claim is 1Gi", "at least 1Gi"),
    ("0", "0", "0", "nothing tells how large", "--size"),
])
def test_refuses(snapshot: str, capacity: str, wanted: str, words: str, hint: str) -> None:
    source = Source(capacity=parse_quantity(capacity))
    with pytest.raises(errors.UsageError) as raised:
        restore_size(snapshot_size=parse_quantity(snapshot), source=source, wanted=parse_quantity(wanted))
    assert words in raised.value.message
    assert hint in raised.value.hint
