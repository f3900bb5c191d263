"""What of a pod's troubles may be the storage's doing, and what a run says when it is not."""

from __future__ import annotations

import pytest

from kubectl_rwx.diagnosis.events import Event
from kubectl_rwx.readiness.verification import steps
from kubectl_rwx.readiness.verification.records import reason_of
from kubectl_rwx.readiness.verification.steps import Halted, Hindered, Ledger
from kubectl_rwx.readiness.verification.troubles import latest_warning, may_be_storage
from plugin_core.model.checks import Verdict

OPEN = "a pod could not run, which tells nothing of the storage"


@pytest.mark.parametrize(("reason", "message", "storage"), [
    ("FailedMount", 'MountVolume.SetUp failed for volume "pvc-1": rpc error', True),
    ("FailedAttachVolume", "Multi-Attach error", True),
    ("Unschedulable", "0/2 nodes are available: 2 node(s) had volume node affinity conflict.", True),
    ("Unschedulable", "0/3 nodes are available: 3 node(s) exceed max volume count.", True),
    ("CreateContainerError", "error mounting to rootfs: stale NFS file handle", True),
    ("Unschedulable", "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims.", True),
    ("Unschedulable", "0/2 nodes are available: 2 Insufficient cpu. no new claims to deallocate", False),
    ("Unschedulable", "0/2 nodes are available: 2 node(s) had untolerated taint {gpu: yes}.", False),
    ("ImagePullBackOff", 'Back-off pulling image "registry.example.com/volume/tools:1"', False),
    ("CreateContainerConfigError", "container has runAsNonRoot and image will run as root", False),
    ("FailedCreatePodSandBox", "failed to mount rootfs component overlay", False),
    ("StartError", 'exec: "sh": executable file not found in $PATH', False),
])
def test_what_may_be_the_storages_doing(reason: str, message: str, storage: bool) -> None:
    assert may_be_storage(reason, message) is storage


def test_a_pod_that_cannot_run_fails_its_step_and_leaves_the_class_open() -> None:
    ledger = Ledger()
    with pytest.raises(Halted) as halted, ledger.step(steps.PROVISION):
        raise Hindered("ErrImagePull: no such host", "--image")
    assert halted.value.open_because == OPEN and not halted.value.timed_out
    assert ledger.verdict_of(steps.PROVISION) is Verdict.FAIL
    assert reason_of(ledger.rows) == "provision: ErrImagePull: no such host"


@pytest.mark.parametrize(("messages", "seen"), [
    (['error processing PVC app/source: PVC is not bound'], ""),
    (["persistentvolumeclaims \"source\" is forbidden: no relationship found between node 'b' and this object"], ""),
    (["rpc error: exit status 32", "PVC is not bound"], "FailedMount: rpc error: exit status 32"),
])
def test_what_the_kubelet_tries_again_by_itself_is_no_trouble(messages: list[str], seen: str) -> None:
    events = [Event("Warning", "FailedMount", message, 1, "2026-11-21T12:00:00Z", "") for message in messages]
    trouble = latest_warning(events)
    assert (trouble.words if trouble else "") == seen
