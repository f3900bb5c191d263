from __future__ import annotations

import pytest

from fakes.workloads import claim_volume, container, workload
from oc_gsb.sidecar.mounting import has_nothing_to_back_up, plan_mounts
from plugin_core.model.manifests import Manifest


def paths(made: Manifest) -> dict[str, str]:
    return {mount.volume: mount.path for mount in plan_mounts(made).mounts}


@pytest.mark.parametrize("mount_path, expected", [
    ("/data", "/data/data"), ("/var/lib/db/", "/data/var/lib/db"), ("relative", "/data/relative"),
    ("//x//y", "/data/x/y"),
])
def test_a_volume_is_mounted_below_its_own_name(mount_path: str, expected: str) -> None:
    assert paths(workload(containers=[container(mounts={"data": mount_path})])) == {"data": expected}


def test_one_mount_a_volume_whatever_the_app_does() -> None:
    made = workload(containers=[
        container(volumeMounts=[{"name": "data", "mountPath": "/a", "subPath": "a"}]),
        container("two", mounts={"data": "/whole", "more": "/a"}),
    ], volumes=[claim_volume("data"), claim_volume("more")])
    assert paths(made) == {"data": "/data/a", "more": "/more/a"}


@pytest.mark.parametrize("volume, path", [
    ("tmp", "/kopia-cache"), ("etc", "/ssl/certs"), ("proc", "/x"), ("usr", "/"), ("var", "/run/secrets"),
])
def test_a_volume_that_would_hide_what_the_sidecar_needs_goes_aside(volume: str, path: str) -> None:
    made = workload(containers=[container(mounts={volume: path, "gsb": f"/{volume}{path}"})],
                    volumes=[claim_volume(volume), claim_volume("gsb")])
    assert paths(made) == {volume: f"/gsb.d/{volume}{path}".rstrip("/"), "gsb": f"/gsb/{volume}{path}".rstrip("/")}


def test_unmounted_volumes_are_left_alone() -> None:
    plan = plan_mounts(workload(volumes=[claim_volume("data"), claim_volume("spare")]))
    assert [mount.volume for mount in plan.mounts] == ["data"]
    assert plan.unmounted == ("spare",) and plan.problems == ()


@pytest.mark.parametrize("made, words", [
    (workload(volumes=[]), "it mounts no PersistentVolumeClaim"),
    (workload(containers=[container()]), "its volumes data are mounted by no container"),
    (workload(volumes=[claim_volume("data"), {"name": "kopia-log-volume", "emptyDir": {}}]),
     "already has a volume named kopia-log-volume"),
    (workload("StatefulSet", containers=[container(mounts={"kopia-cache-volume": "/x"})], volumes=[],
              volumeClaimTemplates=[{"metadata": {"name": "kopia-cache-volume"}, "spec": {}}]),
     "already has a volume named kopia-cache-volume"),
    (workload(containers=[container(volumeDevices=[{"name": "data", "devicePath": "/dev/x"}])]),
     "volume data is a block device (used by container app)"),
    (workload("StatefulSet", containers=[container()], volumes=[],
              volumeClaimTemplates=[{"metadata": {"name": "raw"}, "spec": {"volumeMode": "Block"}}]),
     "volume raw is a block device"),
])
def test_problems(made: Manifest, words: str) -> None:
    assert words in "; ".join(plan_mounts(made).problems)


def test_the_volumes_that_the_flags_bring_along_may_clash_too() -> None:
    made = workload(volumes=[claim_volume("data"), {"name": "kanister-sidecar-ca", "emptyDir": {}}])
    assert plan_mounts(made).problems == ()
    said = plan_mounts(made, ours=("kopia-log-volume", "kanister-sidecar-ca")).problems
    assert said == ("it already has a volume named kanister-sidecar-ca, which the sidecar needs for itself",)


def test_nothing_to_back_up() -> None:
    assert has_nothing_to_back_up(workload(volumes=[]))
    assert has_nothing_to_back_up(workload(containers=[container()]))
    assert not has_nothing_to_back_up(workload())
    raw = workload(containers=[container(volumeDevices=[{"name": "data", "devicePath": "/dev/x"}])])
    assert not has_nothing_to_back_up(raw), "a block device is a reason to refuse, not to skip"
