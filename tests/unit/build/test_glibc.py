"""Which glibc a folder of files needs."""

from __future__ import annotations

import sys

from unit.build.scripts import load

glibc = load("glibc")


def test_a_program_asks_for_some_and_text_for_none(tmp_path):
    (tmp_path / "text").write_text("GLIBC_9.9")
    assert glibc.needed(tmp_path / "text") == ()
    assert glibc.needed(type(tmp_path)(sys.executable).resolve()) >= (2, 2)


def test_the_newest_version_counts_and_is_named(tmp_path, monkeypatch, capsys):
    for name in ("old.so", "new.so", "none.txt"):
        (tmp_path / name).touch()
    versions = {"old.so": (2, 9), "new.so": (2, 34), "none.txt": ()}
    monkeypatch.setattr(glibc, "FROZEN", tmp_path)
    monkeypatch.setattr(glibc, "needed", lambda path: versions[path.name])
    assert glibc.main() == 0
    assert capsys.readouterr().out == "needs glibc 2.34 (new.so)\n"
