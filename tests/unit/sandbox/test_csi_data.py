"""The parts of the sandbox's CSI driver that need neither root nor gRPC stubs."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest

from sandbox.csi.faults import ALWAYS, Faults
from sandbox.csi.locks import Locks
from sandbox.csi.mounts import Mount, Origin, find_origin, read_mounts
from sandbox.csi.paging import cut_page
from sandbox.csi.records import Table, Tries, identify, is_id
from sandbox.csi.refusals import Refusal
from sandbox.csi.variants import VARIANTS


@pytest.mark.parametrize(
    ("parameters", "faults"),
    [
        ({}, Faults()),
        ({"csi.storage.k8s.io/pvc/name": "claim"}, Faults()),
        ({"loseMtime": "true", "shareRestore": "TRUE"}, Faults(lose_mtime=True, share_restore=True)),
        ({"delay": "1.5", "failures": "3"}, Faults(delay=1.5, failures=3)),
        ({"failures": "always"}, Faults(failures=ALWAYS)),
    ],
)
def test_parameters_become_faults(parameters: dict[str, str], faults: Faults) -> None:
    assert Faults().overlaid(parameters) == faults


@pytest.mark.parametrize("parameters", [{"delai": "1"}, {"delay": "soon"}, {"delay": "-1"}, {"clonesLive": "yes"}])
def test_wrong_parameters_are_refused(parameters: dict[str, str]) -> None:
    with pytest.raises(Refusal) as caught:
        Faults().overlaid(parameters)
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert next(iter(parameters)) in caught.value.message


def test_a_class_can_switch_a_built_in_fault_off() -> None:
    assert VARIANTS["failing"].faults.failures == ALWAYS
    assert VARIANTS["failing"].faults.overlaid({"failures": "0"}).failures == 0


@pytest.mark.parametrize("name", ["", "../x", "a/b", "UPPER", "x" * 200, ".hidden"])
def test_any_name_becomes_an_id_that_is_a_file_name(name: str) -> None:
    assert not is_id(name)
    assert is_id(identify(name))
    assert identify(name) == identify(name) != identify(name + "y")


def test_ids_from_outside_never_reach_the_file_system(tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text('{"id": "secret", "count": 1}')
    table = Table(tmp_path / "tries", Tries)
    assert table.find("../secret") is None
    table.write(Tries("b", 1))
    table.write(Tries("a", 2))
    assert table.list_all() == [Tries("a", 2), Tries("b", 1)]
    table.remove("a")
    table.remove("a")
    assert table.find("a") is None


def test_pages_neither_repeat_nor_lose_when_entries_go_in_between() -> None:
    def page(entries: str, token: str) -> tuple[list[str], str]:
        return cut_page(list(entries), token=token, limit=2, identify=str)

    first, token = page("abcde", "")
    assert first == ["a", "b"]
    second, token = page("cde", token)
    assert second == ["c", "d"]
    assert page("cde", token) == (["e"], "")
    with pytest.raises(Refusal) as caught:
        page("abcde", "17")
    assert caught.value.code is grpc.StatusCode.ABORTED


def test_a_lock_is_for_one_or_for_several_who_share_it(tmp_path: Path) -> None:
    locks = Locks(tmp_path)
    with locks.holding("v", shared=True), locks.holding("v", shared=True):
        with pytest.raises(Refusal) as caught, locks.holding("v"):
            pass
    assert caught.value.code is grpc.StatusCode.ABORTED
    with locks.holding("v"):
        pass


def test_a_folder_is_recognised_in_any_mount_that_shows_it(tmp_path: Path) -> None:
    origin = find_origin(tmp_path)
    assert any(mount.device == origin.device for mount in read_mounts())
    for root, shows in ((origin.root, True), (f"{origin.root}/sub", True), (f"{origin.root}2", False), ("/", False)):
        assert origin.is_of(Mount(origin.device, root, "/anywhere", frozenset())) is shows
    assert not Origin("0:999", origin.root).is_of(Mount(origin.device, origin.root, "/anywhere", frozenset()))
