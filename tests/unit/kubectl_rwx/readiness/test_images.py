from __future__ import annotations

import re

import pytest

from kubectl_rwx.readiness.images import list_images, mirrored
from plugin_core import errors


def test_no_image_floats() -> None:
    names = [str(item["image"]) for item in list_images().items]
    assert names and all(re.search(r":v?[0-9][^/]*$", name) for name in names)


@pytest.mark.parametrize(("image", "expected"), [
    ("docker.io/library/busybox:1.36.1", "r.example.com/m/library/busybox:1.36.1"),
    ("registry.k8s.io/pause:3.10", "r.example.com/m/pause:3.10"),
    ("localhost:5000/a:1", "r.example.com/m/a:1"),
    ("library/busybox:1", "r.example.com/m/library/busybox:1"),
])
def test_a_mirror_keeps_the_path(image: str, expected: str) -> None:
    assert mirrored(image, registry="r.example.com/m") == expected


def test_a_registry_adds_a_column() -> None:
    report = list_images(registry="r.example.com:5000/m/")
    assert report.columns[-1].title == "MIRROR"
    assert str(report.items[0]["mirror"]).startswith("r.example.com:5000/m/library/busybox:")


def test_what_is_no_registry_is_refused() -> None:
    with pytest.raises(errors.UsageError):
        list_images(registry="https://registry.example.com")
