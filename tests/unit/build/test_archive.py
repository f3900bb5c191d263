"""Release archives: the same bytes each time, no links, LICENSE; and sizes told against the last release."""

from __future__ import annotations

import io
import json
import os
import tarfile
import zipfile

import pytest
from unit.build.scripts import load

archive = load("archive")


@pytest.fixture
def dist(tmp_path):
    """A frozen folder with a link, an executable, and a file that stays home."""
    folder = tmp_path / "kubectl-rwx"
    (folder / "_internal").mkdir(parents=True)
    (folder / "kubectl-rwx").write_bytes(b"program")
    (folder / "kubectl-rwx").chmod(0o755)
    (folder / "_internal" / "lib.so.1").write_bytes(b"library" * 100)
    (folder / "_internal" / "lib.so").symlink_to("lib.so.1")
    (folder / ".ready").touch()
    return tmp_path


NAMES = ["LICENSE", "kubectl-rwx/_internal/lib.so", "kubectl-rwx/_internal/lib.so.1", "kubectl-rwx/kubectl-rwx"]


@pytest.mark.parametrize("as_zip", [False, True])
def test_the_same_content_gives_the_same_bytes(dist, as_zip):
    first = archive.packed(list(archive.contents(dist)), as_zip=as_zip)
    for path in dist.rglob("*"):
        os.utime(path, (1, 1))
    assert archive.packed(list(archive.contents(dist)), as_zip=as_zip) == first


def test_tar_has_no_links_and_keeps_what_may_be_executed(dist):
    with tarfile.open(fileobj=io.BytesIO(archive.packed(list(archive.contents(dist)), as_zip=False))) as tar:
        assert tar.getnames() == NAMES
        assert all(member.isfile() and not member.uid for member in tar)
        assert {member.name: member.mode for member in tar}["kubectl-rwx/kubectl-rwx"] == 0o755


def test_zip_holds_the_same(dist):
    with zipfile.ZipFile(io.BytesIO(archive.packed(list(archive.contents(dist)), as_zip=True))) as packed:
        assert packed.namelist() == NAMES
        assert packed.read("kubectl-rwx/_internal/lib.so") == b"library" * 100
        assert packed.getinfo("kubectl-rwx/kubectl-rwx").external_attr >> 16 == 0o100755


def test_names_are_stable():
    assert archive.archive_name("v1.2.3", "linux-arm64") == "kubectl-rwx-v1.2.3-linux-arm64.tar.gz"
    assert archive.archive_name("v1.2.3", "windows-amd64") == "kubectl-rwx-v1.2.3-windows-amd64.zip"


def test_sizes_against_the_last_release():
    sizes = {"archive": 11_000_000, "unpacked": 27_000_000}
    last = {"version": "v1.0.0", "platforms": {"linux-amd64": {"archive": 10_000_000, "unpacked": 30_000_000}}}
    assert archive.compared("linux-amd64", sizes, last) == (
        "archive 11.0 MB, unpacked 27.0 MB; against v1.0.0: archive +10.0 %, unpacked -10.0 %")
    assert archive.compared("darwin-arm64", sizes, last).endswith("no earlier release of darwin-arm64 is recorded")
    assert "no earlier release" in archive.compared("linux-amd64", sizes, {})


def test_the_record_can_be_read():
    assert set(json.loads(archive.SIZES.read_text())) <= {"version", "platforms"}
