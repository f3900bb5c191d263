from __future__ import annotations

import pytest

from fakes.workloads import claim, claim_volume, container, workload
from plugin_core.workloads.claims import ClaimVolume, Source, access_modes_of, claim_volumes, is_exclusive
from plugin_core.workloads.mounts import Mount, device_users, mounts_of


def template(name: str, *modes: str, block: bool = False) -> dict[str, object]:
    mode = {"volumeMode": "Block"} if block else {}
    return {"metadata": {"name": name}, "spec": {"accessModes": list(modes), **mode}}


def test_every_source_of_claims_is_found() -> None:
    db = workload("StatefulSet", volumes=[
        claim_volume("named", "other-name"), {"name": "tmp", "emptyDir": {}},
        {"name": "scratch", "ephemeral": {"volumeClaimTemplate": template("x", "ReadWriteOnce")}},
        {"name": "own", "emptyDir": {}},
    ], volumeClaimTemplates=[template("own", "ReadWriteOnce", block=True)])
    assert claim_volumes(db) == (
        ClaimVolume("named", Source.CLAIM, claim="other-name"),
        ClaimVolume("scratch", Source.EPHEMERAL, access_modes=("ReadWriteOnce",)),
        ClaimVolume("own", Source.TEMPLATE, access_modes=("ReadWriteOnce",), block=True),
    )


@pytest.mark.parametrize("volumes", [None, []])
def test_no_volumes(volumes: list[object] | None) -> None:
    web = workload()
    web["spec"]["template"]["spec"]["volumes"] = volumes
    assert claim_volumes(web) == ()


@pytest.mark.parametrize("modes, exclusive", [
    (("ReadWriteOnce",), True), (("ReadWriteOncePod",), True), (("ReadWriteMany",), False),
    (("ReadWriteOnce", "ReadWriteMany"), False), (("ReadOnlyMany",), False), ((), False),
])
def test_exclusive(modes: tuple[str, ...], exclusive: bool) -> None:
    volume = ClaimVolume("v", Source.CLAIM, claim="data")
    claims = {"data": {**claim("data"), "spec": {"accessModes": list(modes)}}}
    assert access_modes_of(volume, claims) == modes
    assert is_exclusive(volume, claims) is exclusive


def test_claims_of_each_pod_are_not_exclusive_and_absent_ones_are_unknown() -> None:
    assert not is_exclusive(ClaimVolume("v", Source.TEMPLATE, access_modes=("ReadWriteOnce",)), {})
    assert not is_exclusive(ClaimVolume("v", Source.CLAIM, claim="gone"), {})


def test_mounts_of_main_containers_come_first() -> None:
    spec = {
        "initContainers": [container("prepare", mounts={"data": "/init"})],
        "containers": [container("side", mounts={"other": "/x"}), container("app", volumeMounts=[
            {"name": "data", "mountPath": "/data", "subPath": "a", "readOnly": True},
            {"name": "data", "mountPath": "/more", "subPathExpr": "$(POD)"}])],
    }
    assert mounts_of(spec, volume="data") == (
        Mount("data", "app", "/data", sub_path="a", read_only=True), Mount("data", "app", "/more", sub_path="$(POD)"),
        Mount("data", "prepare", "/init", init=True),
    )
    assert mounts_of(spec, volume="none") == ()


def test_device_users() -> None:
    spec = {"containers": [container("app", volumeDevices=[{"name": "raw", "devicePath": "/dev/x"}]), container("b")]}
    assert device_users(spec, volume="raw") == ("app",)
    assert device_users(spec, volume="data") == ()
