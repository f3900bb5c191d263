from __future__ import annotations

from typing import Any

import pytest

from fakes.cluster import Execution, FakeCluster
from fakes.progress import Recorder
from fakes.sidecars import Sidecar
from fakes.workloads import NAMESPACE, workload
from oc_gsb.sidecar.inject import inject
from oc_gsb.sidecar.requests import InjectRequest, VerifyRequest
from oc_gsb.sidecar.results import Answer
from oc_gsb.sidecar.selection import Selection
from oc_gsb.sidecar.verify import verify
from plugin_core import errors
from plugin_core.errors import ExitCode
from plugin_core.kube.cluster import ExecResult
from plugin_core.model.kinds import DEPLOYMENT
from plugin_core.model.refs import Target
from unit.oc_gsb.sidecar.world import COPY, GRANT_WRITES, PATCH, make_world

PROC = """Uid:\t1000680000\t1000680000
CapEff:\t{effective:016x}
CapBnd:\t{bounding:016x}
NoNewPrivs:\t{flag}
700 600 0:49 / / rw - overlay overlay rw
"""
PATHS = ("/data/data", "/tmp/kopia-cache", "/tmp/kopia-log", "/tmp/kopia-repository")
PODS = ("web-2-0", "web-2-1")


def proc(*, bounding: int = 0xB, effective: int = 0, flag: int = 1, paths: tuple[str, ...] = PATHS) -> ExecResult:
    mounts = "".join(f"701 700 8:1 / {path} rw - ext4 /dev/sda1 rw\n" for path in paths)
    return ExecResult(0, PROC.format(bounding=bounding, effective=effective, flag=flag) + mounts, "")


def world(*, openshift: bool = True, **answers: ExecResult) -> FakeCluster:
    """answers: by first word of the command; those of a healthy sidecar by default."""
    sidecar = Sidecar()
    healthy: dict[str, Execution] = {"cat": proc(), "kopia": sidecar, "bash": sidecar, **answers}
    execs = {(pod, word): answer for pod in PODS for word, answer in healthy.items()}
    cluster, _ = make_world(workload(), expect=[PATCH, *GRANT_WRITES], execs=execs, openshift=openshift)
    inject(cluster, InjectRequest(Selection(everything=True), timeout=5, try_image=False), progress=Recorder())
    if openshift:
        for name in PODS:
            annotations = cluster.objects["pods", NAMESPACE, name]["metadata"]["annotations"]
            annotations["security.openshift.io/validated-scc-subject-type"] = "serviceaccount"
    return cluster


def run(cluster: FakeCluster) -> Answer:
    return verify(cluster, VerifyRequest(Selection((Target(DEPLOYMENT, "web"),))), progress=Recorder())


def found(answer: Answer) -> dict[str, dict[str, Any]]:
    return {str(item["check"]): dict(item) for item in answer.report.items}


def test_a_good_sidecar() -> None:
    answer = run(world())
    assert answer.failure is None
    assert {name: item["verdict"] for name, item in found(answer).items()} == {
        "annotation": "ok", "pods": "ok", "scc": "ok", "scc-granted-to": "ok", "capabilities-requested": "ok",
        "capabilities-bounding": "ok", "capabilities-effective": "ok", "no-new-privileges": "warn",
        "kopia-direct": "ok", "kopia-by-shell": "ok", "mount data": "ok", "mount kopia-cache-volume": "ok",
        "mount kopia-log-volume": "ok", "mount kopia-repo-volume": "ok", "chown-on-scratch": "ok",
        "read-closed-file": "ok", "read data": "ok",
    }
    assert found(answer)["capabilities-bounding"]["observed"] == "CapBnd 0xb, with CHOWN, DAC_OVERRIDE, FOWNER (2 pods)"
    assert "by a shell it runs without them" in answer.report.notes[0]
    assert found(answer)["kopia-by-shell"]["observed"].endswith("0.21, without its capabilities (2 pods)")


@pytest.mark.parametrize("data, denied, version, words", [
    ({"version": "9.0.2"}, [], "9.0.2", "Kasten in k10 is 9.0.2"),
    ({"version": "9.0.0-1"}, [], "9.0.0-1", "warning: Kasten in k10 is 9.0.0-1: its generic backups and restores fail"),
    ({}, [], None, "Kasten's version was not seen in namespace k10 (--k10-namespace)"),
    ({"version": "9.0.2"}, ["get configmaps"], None, "Kasten's version was not seen in namespace k10"),
    (None, [], None, "Kasten's version was not seen in namespace k10"),
])
def test_the_version_of_kasten(data: dict[str, str] | None, denied: list[str], version: str | None, words: str) -> None:
    cluster = world()
    if data is not None:
        cluster.put({"apiVersion": "v1", "kind": "ConfigMap", "data": data,
                     "metadata": {"name": "k10-config", "namespace": "k10"}})
    cluster._denied = set(denied)
    selection = Selection((Target(DEPLOYMENT, "web"),))
    answer = verify(cluster, VerifyRequest(selection, k10_namespace="k10"), progress=Recorder())
    assert answer.failure is None, "it says nothing about the sidecar"
    assert answer.report.facts["kastenVersion"] == version and answer.report.notes[-1].startswith(words)
    assert run(cluster).report.facts["kastenVersion"] is None, "not asked for"


def test_every_newest_pod_is_measured_in_the_sidecar() -> None:
    cluster = world()
    run(cluster)
    assert {pod for pod, _ in cluster.executed} == set(PODS)
    assert (PODS[0], ("kopia", "--version")) in cluster.executed
    assert (PODS[0], ("bash", "-c", "kopia --version")) in cluster.executed


@pytest.mark.parametrize("answers, check, verdict, words", [
    ({"cat": proc(bounding=0x3)}, "capabilities-bounding", "fail", "CapBnd 0x3, without FOWNER"),
    ({"cat": proc(bounding=0)}, "capabilities-bounding", "fail", "without CHOWN, DAC_OVERRIDE, FOWNER"),
    ({"cat": proc(effective=0xB)}, "no-new-privileges", "ok", "NoNewPrivs 1"),
    ({"cat": proc(flag=0)}, "no-new-privileges", "ok", "NoNewPrivs 0"),
    ({"cat": ExecResult(0, "", "")}, "capabilities-bounding", "skip", "no CapBnd"),
    ({"kopia": ExecResult(126, "", "operation not permitted\n")}, "kopia-direct", "fail", "operation not permitted"),
    ({"bash": ExecResult(126, "", "Operation not permitted\n")}, "kopia-by-shell", "warn", "exit code 126"),
    ({"cat": proc(paths=PATHS[1:])}, "mount data", "fail", "nothing is mounted at /data/data"),
])
def test_measured_faults(answers: dict[str, ExecResult], check: str, verdict: str, words: str) -> None:
    answer = run(world(**answers))
    assert (found(answer)[check]["verdict"], words in found(answer)[check]["observed"]) == (verdict, True)
    assert (answer.failure is not None) == (verdict == "fail")
    if answer.failure:
        assert answer.failure.exit_code is ExitCode.NOT_READY


def test_the_worst_pod_is_named() -> None:
    cluster = world()
    cluster._execs[PODS[1], "cat"] = proc(bounding=0)
    item = found(run(cluster))["capabilities-bounding"]
    assert item["verdict"] == "fail" and item["observed"].endswith("(pod/web-2-1)")


def test_an_scc_without_the_capabilities_fails() -> None:
    cluster = world()
    for name in PODS:
        cluster.objects["pods", NAMESPACE, name]["metadata"]["annotations"]["openshift.io/scc"] = "restricted-v2"
    item = found(run(cluster))["scc"]
    assert (item["verdict"], item["observed"]) == (
        "fail", "restricted-v2, which does not allow CHOWN, DAC_OVERRIDE, FOWNER")


def test_an_scc_of_another_name_that_allows_them_is_fine() -> None:
    cluster = world()
    for name in PODS:
        cluster.objects["pods", NAMESPACE, name]["metadata"]["annotations"]["openshift.io/scc"] = "privileged"
    assert found(run(cluster))["scc"]["verdict"] == "ok"


def test_a_removed_scc_and_a_grant_to_everybody_warn() -> None:
    cluster = world()
    del cluster.objects["securitycontextconstraints.security.openshift.io", "", COPY]
    for name in PODS:
        annotations = cluster.objects["pods", NAMESPACE, name]["metadata"]["annotations"]
        annotations["security.openshift.io/validated-scc-subject-type"] = "user"
    checks = found(run(cluster))
    assert checks["scc"]["verdict"] == checks["scc-granted-to"]["verdict"] == "warn"


def test_without_sccs_that_check_is_skipped() -> None:
    checks = found(run(world(openshift=False)))
    assert checks["scc"]["verdict"] == "skip" and "scc-granted-to" not in checks


def test_the_mark_on_the_workload_is_checked() -> None:
    cluster = world()
    annotations = cluster.objects[DEPLOYMENT.resource, NAMESPACE, "web"]["metadata"]["annotations"]
    annotations["k10.kasten.io/forcegenericbackup"] = "false"
    assert found(run(cluster))["annotation"]["verdict"] == "fail"


def test_no_sidecar_fails_when_named_and_is_passed_over_by_all() -> None:
    cluster, _ = make_world(workload())
    assert found(run(cluster))["sidecar"]["verdict"] == "fail"
    answer = verify(cluster, VerifyRequest(Selection(everything=True)), progress=Recorder())
    assert answer.failure is None and answer.report.items == ()


def test_an_exec_that_is_refused_is_an_error_and_one_that_fails_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = world()

    def fail(error: errors.PluginError) -> None:
        def execute(*args: Any, **kwargs: Any) -> ExecResult:
            raise error

        monkeypatch.setattr(cluster, "execute", execute)

    fail(errors.Forbidden("cannot exec", status=403))
    with pytest.raises(errors.Forbidden):
        run(cluster)
    fail(errors.Unavailable("container not found", status=500))
    assert found(run(cluster))["exec"]["verdict"] == "fail"
