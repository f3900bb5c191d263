from __future__ import annotations

import pytest

from fakes.cluster import FakeCluster
from fakes.readiness import storage_class
from kubectl_rwx.readiness.verification.records import is_proven, proved_abilities, reason_of, record
from kubectl_rwx.readiness.verification.requests import VerifyRequest
from kubectl_rwx.readiness.verification.steps import STEPS, Row
from kubectl_rwx.readiness.verification.waits import Patience
from plugin_core import errors
from plugin_core.model.checks import Check, Verdict
from plugin_core.model.kinds import STORAGE_CLASS
from plugin_core.storage.verifications import Verification, hash_parameters, verification_of

ALL = {"rwx": True, "snapshot": True, "restore": True, "clone": True, "expansion": True}


def rows(**verdicts: Verdict) -> list[Row]:
    """Every step is ok but these; blanks in names are underscores."""
    named = {name.replace("_", " "): verdict for name, verdict in verdicts.items()}
    return [Row(Check(name, named.get(name, Verdict.OK), f"saw {name}"), 1.0) for name in STEPS]


@pytest.mark.parametrize(("found", "accept", "proven", "proved"), [
    (rows(), False, True, ALL),
    (rows(mtime=Verdict.WARN), False, False, {"rwx": True, "clone": True, "expansion": True}),
    (rows(mtime=Verdict.WARN), True, True, ALL),
    (rows(content=Verdict.FAIL), True, False, {**ALL, "snapshot": False, "restore": False}),
    (rows(second_pod=Verdict.FAIL), False, False, {**ALL, "rwx": False}),
    (rows(second_pod=Verdict.WARN), True, True, {name: True for name in ALL if name != "rwx"}),
    (rows(clone=Verdict.SKIP, clone_data=Verdict.SKIP), False, True, {**ALL, "clone": False}),
    (rows(expand=Verdict.FAIL), False, False, {**ALL, "expansion": False}),
], ids=["all", "loss", "accepted", "data", "second-node", "one-node", "no-clones", "no-growth"])
def test_what_is_proven_refuted_and_left_open(
    found: list[Row], accept: bool, proven: bool, proved: dict[str, bool]
) -> None:
    request = VerifyRequest(storage_class="one", accept_warnings=accept)
    assert is_proven(found, accept_warnings=accept) is proven
    assert proved_abilities(found, request) == proved


def test_a_run_for_one_node_says_nothing_of_sharing() -> None:
    request = VerifyRequest(storage_class="one", access_mode="ReadWriteOnce")
    assert "rwx" not in proved_abilities(rows(), request)


def test_the_reason_is_what_failed_before_what_was_lost() -> None:
    assert reason_of(rows(mtime=Verdict.WARN, content=Verdict.FAIL)) == "content: saw content"
    assert reason_of(rows(mtime=Verdict.WARN)) == "mtime: saw mtime"
    assert reason_of(rows()) == ""


def test_the_record_is_what_check_reads() -> None:
    cluster = FakeCluster([storage_class()], expect=["patch storageclasses.storage.k8s.io"])
    check = record(cluster, storage_class(), rows(content=Verdict.FAIL), VerifyRequest(storage_class="one"))
    assert check.verdict is Verdict.OK
    written = verification_of(cluster.get(STORAGE_CLASS, "one"))
    assert written and (written.result, written.server, written.uid) == ("failed", "v1.36.3", "uid-one")
    assert written.reason == "content: saw content" and written.proved["snapshot"] is False


def test_without_the_right_the_result_is_shown_all_the_same() -> None:
    cluster = FakeCluster([storage_class()], denied=["patch storageclasses.storage.k8s.io"])
    check = record(cluster, storage_class(), rows(), VerifyRequest(storage_class="one"))
    assert check.verdict is Verdict.SKIP and check.observed == "not written: forbidden"


def test_a_run_for_one_node_does_not_displace_the_proof_of_sharing() -> None:
    there = storage_class()
    proof = Verification(date="2026-11-21T12:00:00Z", access_mode="ReadWriteMany", result="passed", driver="d",
                         uid="uid-one", parameters_hash=hash_parameters(there), proved=ALL)
    there["metadata"]["annotations"] = proof.annotation()
    request = VerifyRequest(storage_class="one", access_mode="ReadWriteOnce")
    assert record(FakeCluster([there]), there, rows(), request).observed == (
        "the ReadWriteMany record of 2026-11-21 is kept")


def test_patience_is_lost_with_one_and_the_same_trouble() -> None:
    clock = iter([0.0, 20.0, 30.0, 80.0])
    patience = Patience(45, clock=lambda: next(clock))
    assert patience.judge("a", "FailedMount: x") == ""
    assert patience.judge("a", "FailedMount: x") == ""
    assert patience.judge("a", "") == ""
    assert patience.judge("a", "FailedMount: x") == ""
    assert patience.judge("a", "FailedMount: x") == "FailedMount: x (for 45s and more; --patience)"


def test_a_driver_that_has_no_such_thing_is_not_waited_for_long() -> None:
    clock = iter([0.0, 6.0])
    patience = Patience(45, clock=lambda: next(clock))
    words = "ProvisioningFailed: access mode not supported"
    assert patience.judge("a", words) == ""
    assert patience.judge("a", words).endswith("(for 5s and more; --patience)")


@pytest.mark.parametrize("wrong", [
    {"access_mode": "ReadOnlyMany"}, {"size": 1024}, {"timeout": 0.0}, {"patience": 0.0},
])
def test_requests_that_make_no_sense(wrong: dict[str, object]) -> None:
    with pytest.raises(errors.UsageError):
        VerifyRequest(storage_class="one", **wrong)  # type: ignore[arg-type]
