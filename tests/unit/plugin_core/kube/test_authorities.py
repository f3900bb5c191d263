"""The trusted authorities of machines that keep them elsewhere than the machine we were built on."""

from __future__ import annotations

import certifi
import pytest

from plugin_core.kube.authorities import authorities_to_name


@pytest.fixture
def empty_machine(monkeypatch, tmp_path):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))


def test_what_openssl_finds_by_itself_is_left_to_it(monkeypatch, tmp_path):
    bundle = tmp_path / "mine.pem"
    bundle.write_text("pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    assert authorities_to_name(bundles=[]) is None


def test_the_first_bundle_there_is(empty_machine, tmp_path):
    second, third = tmp_path / "b.pem", tmp_path / "c.pem"
    second.write_text("pem")
    third.write_text("pem")
    assert authorities_to_name(bundles=[str(tmp_path / "a.pem"), str(second), str(third)]) == str(second)


def test_an_empty_folder_counts_as_none(empty_machine, monkeypatch, tmp_path):
    (tmp_path / "certs").mkdir()
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "certs"))
    assert authorities_to_name(bundles=[]) == certifi.where()
