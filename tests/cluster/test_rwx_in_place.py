"""kubectl rwx restore --in-place on a real cluster: the data, the way back, and a client killed at every step."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import Any

import pytest

from cluster.kubectl import Kubectl, Plugin
from cluster.manifests import claim, deployment, pod
from cluster.rwx_objects import bind_claims, let_go_of, start_pods

STEPS = ("stop", "safety", "hold", "replace", "start", "finish")


def start_workload(namespace: Kubectl, *, kind: str = "Deployment", storage_class: str = "shared",
                   claims: tuple[str, ...] = ("data",)) -> None:
    """Claims with content "one" in a snapshot set "good", and "two" now; two pods of workload web use them."""
    metadata = {"labels": {"team": "a"}, "annotations": {"example.org/owner": "b"}}
    namespace.apply(*(claim(name, storage_class=storage_class, size="32Mi", **metadata) for name in claims))
    namespace.apply(deployment("web", {name: f"/{name}" for name in claims}, replicas=2, kind=kind))
    namespace("rollout", "status", f"{kind.lower()}/web", "--timeout=90s")
    write(namespace, "one", claims, kind)


def write(namespace: Kubectl, text: str, claims: tuple[str, ...] = ("data",), kind: str = "Deployment") -> None:
    for name in claims:
        namespace.sh(f"{kind.lower()}/web", f"echo {text} > /{name}/file && sync /{name}/file")


def read(namespace: Kubectl, name: str = "data", kind: str = "Deployment") -> str:
    return namespace.sh(f"{kind.lower()}/web", f"cat /{name}/file").strip()


def replicas(namespace: Kubectl, kind: str = "Deployment") -> tuple[str, str]:
    """Asked for, and the record of a scale-down ("" when there is none)."""
    found = namespace.json("get", f"{kind.lower()}/web")
    marks = found["metadata"].get("annotations") or {}
    return str(found["spec"]["replicas"]), "".join(key for key in marks if key.startswith("kubectl-rwx.io/scale"))


def volume_of(namespace: Kubectl, name: str = "data") -> str:
    return namespace.jsonpath("get", f"pvc/{name}", path="{.spec.volumeName}")


def assert_tidy(namespace: Kubectl, kind: str = "Deployment") -> None:
    """No journal, no scale record, two replicas, and every volume of the namespace back at its policy."""
    assert namespace("get", "configmap", "-l", "kubectl-rwx.io/in-place", "-o", "name").stdout == ""
    assert replicas(namespace, kind) == ("2", "")
    volumes = namespace.json("get", "pv")["items"]
    own = [one for one in volumes if (one["spec"].get("claimRef") or {}).get("namespace") == namespace.name]
    assert {one["spec"]["persistentVolumeReclaimPolicy"] for one in own} == {"Delete"}


def start_client(rwx: Plugin, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [rwx.executable, "-n", rwx.namespace, "restore", "vs/good", "--in-place", "--yes", *arguments],
        env=rwx.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )


def stop_at(step: str, client: subprocess.Popen[str], namespace: Kubectl, number: int) -> bool:
    """Sends a signal as soon as the journal says this step; False when the client was over first."""
    watch = subprocess.Popen(
        ["kubectl", "-n", namespace.name, "get", "configmap", "-l", "kubectl-rwx.io/in-place", "--watch", "-o",
         r'jsonpath={.data.step}{"\n"}'],
        env=namespace.environment, stdout=subprocess.PIPE, text=True,
    )
    assert watch.stdout
    try:
        while client.poll() is None:
            if watch.stdout.readline().startswith(step):
                os.kill(client.pid, number)
                return True
        return False
    finally:
        watch.kill()
        watch.wait()


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_the_data_under_the_old_name(rwx: Plugin, namespace: Kubectl, kind: str) -> None:
    start_workload(namespace, kind=kind)
    rwx.ok("snapshot", "pvc/data", "--name", "good")
    write(namespace, "two", kind=kind)
    old = volume_of(namespace)
    done = rwx("restore", "vs/good", "--in-place", "--yes")
    assert done.returncode == 0, done.stderr
    assert read(namespace, kind=kind) == "one"
    metadata = namespace.json("get", "pvc/data")["metadata"]
    assert metadata["labels"]["team"] == "a" and metadata["annotations"]["example.org/owner"] == "b"
    assert_tidy(namespace, kind)
    namespace.wait_until(lambda: old not in namespace("get", "pv", "-o", "name").stdout, "the old volume's deletion")
    safety = [item for item in rwx.json("list")["items"] if item["name"] != "good"]
    assert [(item["source"], item["ready"], item["consistency"]) for item in safety] == [("data", True, "quiesced")]
    assert rwx("restore", safety[0]["set"], "--in-place", "--yes").returncode == 0
    assert read(namespace, kind=kind) == "two"


def test_a_claim_template_of_a_stateful_set(rwx: Plugin, namespace: Kubectl) -> None:
    workload: dict[str, Any] = deployment("web", {}, kind="StatefulSet", replicas=2)
    workload["spec"]["volumeClaimTemplates"] = [claim("data", size="16Mi")]
    workload["spec"]["template"]["spec"]["containers"][0]["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
    namespace.apply(workload)
    namespace("rollout", "status", "statefulset/web", "--timeout=90s")
    for number in "01":
        namespace.sh(f"web-{number}", f"echo one-{number} > /data/file")
    rwx.ok("snapshot", "pvc/data-web-0", "pvc/data-web-1", "--name", "good")
    for number in "01":
        namespace.sh(f"web-{number}", "echo two > /data/file")
    done = rwx("restore", "good", "--in-place", "--yes")
    assert done.returncode == 0, done.stderr
    assert [namespace.sh(f"web-{number}", "cat /data/file") for number in "01"] == ["one-0\n", "one-1\n"]
    assert_tidy(namespace, "StatefulSet")


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_step_and_run_again(rwx: Plugin, namespace: Kubectl, step: str) -> None:
    start_workload(namespace)
    rwx.ok("snapshot", "pvc/data", "--name", "good")
    write(namespace, "two")
    client = start_client(rwx)
    assert stop_at(step, client, namespace, signal.SIGKILL)
    client.wait(timeout=60)
    again = rwx("restore", "vs/good", "--in-place", "--yes")
    assert again.returncode == 0, again.stderr
    assert read(namespace) == "one"
    assert_tidy(namespace)
    safety = [item["source"] for item in rwx.json("list")["items"] if item["name"] != "good"]
    assert safety == ["data"]


@pytest.mark.parametrize("step", ["stop", "hold", "replace", "start"])
def test_killed_and_gone_back_from(rwx: Plugin, namespace: Kubectl, step: str) -> None:
    start_workload(namespace)
    rwx.ok("snapshot", "pvc/data", "--name", "good")
    write(namespace, "two")
    old = volume_of(namespace)
    client = start_client(rwx)
    assert stop_at(step, client, namespace, signal.SIGKILL)
    client.wait(timeout=60)
    told = rwx("cleanup", "--dry-run=client")
    assert "--rollback it goes back" in told.stderr
    back = rwx("restore", "vs/good", "--in-place", "--rollback", "--yes")
    assert back.returncode == 0, back.stderr
    assert (read(namespace), volume_of(namespace)) == ("two", old)
    assert_tidy(namespace)


def test_two_clients_do_not_work_on_one_restore(rwx: Plugin, namespace: Kubectl) -> None:
    start_workload(namespace)
    rwx.ok("snapshot", "pvc/data", "--name", "good")
    write(namespace, "two")
    first = start_client(rwx)
    # a client that stands still gives no sign of life, though its process is there
    assert stop_at("safety", first, namespace, signal.SIGSTOP)
    for arguments in ([], ["--rollback"]):
        second = rwx("restore", "vs/good", "--in-place", "--yes", *arguments)
        assert second.returncode == 3, second.stderr
        assert f"process {first.pid} on " in second.stderr and "is at work on this in-place restore" in second.stderr
        assert "counts as gone 1m after its last sign" in second.stderr
    [journal] = namespace("get", "configmap", "-l", "kubectl-rwx.io/in-place", "-o", "name").stdout.split()
    # as the message says: somebody who knows better takes it over, and the first client notices
    namespace("annotate", journal, "kubectl-rwx.io/in-place-holder-")
    third = rwx("restore", "vs/good", "--in-place", "--yes")
    assert third.returncode == 0, third.stderr
    os.kill(first.pid, signal.SIGCONT)
    _, told = first.communicate(timeout=120)
    assert first.returncode == 3 and "another client has finished this in-place restore" in told, told
    assert read(namespace) == "one"
    assert_tidy(namespace)


def test_the_way_back_without_the_old_volume(rwx: Plugin, namespace: Kubectl) -> None:
    """Somebody deleted it meanwhile: the safety snapshot has all that was there."""
    start_workload(namespace)
    rwx.ok("snapshot", "pvc/data", "--name", "good")
    write(namespace, "two")
    old = volume_of(namespace)
    client = start_client(rwx)
    assert stop_at("start", client, namespace, signal.SIGKILL)
    client.wait(timeout=60)
    namespace("delete", "pv", old)
    back = rwx("restore", "vs/good", "--in-place", "--rollback", "--yes")
    assert back.returncode == 0, back.stderr
    assert "the old volume of data was gone: it was filled from the safety snapshot instead" in back.stderr
    assert read(namespace) == "two" and volume_of(namespace) != old
    assert_tidy(namespace)
    safety = [item for item in rwx.json("list")["items"] if item["name"] != "good"]
    assert [(item["source"], item["ready"]) for item in safety] == [("data", True)]


@pytest.mark.parametrize("step", ["stop", "replace"])
def test_an_interrupt_goes_back(rwx: Plugin, namespace: Kubectl, step: str) -> None:
    start_workload(namespace)
    rwx.ok("snapshot", "pvc/data", "--name", "good")
    write(namespace, "two")
    old = volume_of(namespace)
    client = start_client(rwx)
    assert stop_at(step, client, namespace, signal.SIGINT)
    _, stderr = client.communicate(timeout=120)
    assert client.returncode == 130, stderr
    assert "all is as it was" in stderr
    assert (read(namespace), volume_of(namespace)) == ("two", old)
    assert_tidy(namespace)


def test_what_cannot_be_restored_goes_back(rwx: Plugin, namespace: Kubectl) -> None:
    start_workload(namespace)
    rwx.ok("snapshot", "pvc/data", "--name", "good")
    write(namespace, "two")
    old = volume_of(namespace)
    # no node offers this driver's volumes as block devices, so the provisioner refuses for good
    content = namespace.jsonpath("get", "vs/good", path="{.status.boundVolumeSnapshotContentName}")
    namespace("annotate", "volumesnapshotcontent", content,
              "snapshot.storage.kubernetes.io/allow-volume-mode-change=true")
    done = rwx("restore", "vs/good", "--in-place", "--yes", "--volume-mode", "Block", "--timeout", "15s")
    assert done.returncode == 4, done.stderr
    assert "replacing the claims failed" in done.stderr and "all is as it was" in done.stderr
    assert (read(namespace), volume_of(namespace)) == ("two", old)
    assert_tidy(namespace)
    let_go_of(namespace, "good")


def test_users_that_cannot_be_brought_back_are_refused(rwx: Plugin, namespace: Kubectl) -> None:
    bind_claims(namespace, claim("data", size="16Mi"))
    start_pods(namespace, pod("lonely", {"data": "/data"}))
    rwx.ok("snapshot", "pvc/data", "--name", "good")
    done = rwx("restore", "vs/good", "--in-place", "--yes")
    assert done.returncode == 3
    assert "pod/lonely (no owner): nobody would start it again" in done.stderr
    assert namespace.jsonpath("get", "pod/lonely", path="{.status.phase}") == "Running"


def test_without_yes_nothing_happens(rwx: Plugin, namespace: Kubectl) -> None:
    start_workload(namespace)
    rwx.ok("snapshot", "pvc/data", "--name", "good")
    uid = namespace.jsonpath("get", "pvc/data", path="{.metadata.uid}")
    for arguments, code in ((["--in-place"], 2), (["--in-place", "--dry-run=client"], 0)):
        done = rwx("restore", "vs/good", *arguments, stdin="")
        assert done.returncode == code, done.stderr
        assert namespace.jsonpath("get", "pvc/data", path="{.metadata.uid}") == uid
    assert_tidy(namespace)


def test_a_late_claim_is_bound_by_its_own_workload(rwx: Plugin, namespace: Kubectl) -> None:
    start_workload(namespace, storage_class="late")
    rwx.ok("snapshot", "pvc/data", "--name", "good")
    write(namespace, "two")
    done = rwx("restore", "vs/good", "--in-place", "--yes")
    assert done.returncode == 0, done.stderr
    assert read(namespace) == "one"
    assert_tidy(namespace)


def test_a_set_of_ten(rwx: Plugin, namespace: Kubectl) -> None:
    claims = tuple(f"c{number}" for number in range(10))
    start_workload(namespace, claims=claims)
    rwx.ok("snapshot", "--all", "--name", "good")
    write(namespace, "two", claims)
    done = rwx("restore", "good", "--in-place", "--yes", "--timeout", "5m")
    assert done.returncode == 0, done.stderr
    assert {read(namespace, name) for name in claims} == {"one"}
    assert_tidy(namespace)
