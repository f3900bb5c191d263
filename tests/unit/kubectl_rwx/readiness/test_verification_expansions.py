"""Growing the source claim: what counts as proven, what as claimed and not done, what is not tried."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fakes import storage
from fakes.cluster import FakeCluster
from fakes.progress import Recorder
from fakes.readiness import storage_class
from kubectl_rwx.readiness.verification import expansions, scripts, steps
from kubectl_rwx.readiness.verification.objects import SOURCE, WRITER, Objects
from kubectl_rwx.readiness.verification.plans import Plan
from kubectl_rwx.readiness.verification.requests import VerifyRequest
from kubectl_rwx.readiness.verification.stages import Stage
from kubectl_rwx.readiness.verification.steps import Halted
from plugin_core import errors
from plugin_core.kube.cluster import ExecResult
from plugin_core.model.checks import Check, Verdict
from plugin_core.model.durations import Deadline
from plugin_core.workloads.helper_pods import ELSEWHERE

GIBIBYTE_IN_KIB = 1024 * 1024
OBJECTS = Objects("app", "run1", request=VerifyRequest(storage_class="one", patience=0.01), security=ELSEWHERE[0],
                  two_nodes=True, until="2026-11-21T12:00:00Z")
NAME = OBJECTS.name(SOURCE)
KEY = ("persistentvolumeclaims", "app", NAME)
LISTING = f"41ed 1:1 755 1 .\n81a4 1:1 644 1 ./text\n{'a' * 64}  ./text\n"
Change = Callable[[FakeCluster], None]


@pytest.fixture(autouse=True)
def look_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expansions, "LOOK_EVERY", 0.0)


def becomes(capacity: str = "1Gi", **conditions: str) -> Change:
    """The claim's status is this from now on; conditions: type → message."""
    def change(cluster: FakeCluster) -> None:
        claim = cluster.objects[KEY]
        claim["status"] = {"phase": "Bound", "capacity": {"storage": capacity}, "conditions": [
            {"type": kind, "status": "True", "message": message} for kind, message in conditions.items()]}
        cluster.put(claim)
    return change


def tells(reason: str, message: str, *, seconds_ago: float = 5) -> Change:
    def change(cluster: FakeCluster) -> None:
        cluster.put(storage.event("PersistentVolumeClaim", NAME, reason=reason, message=message,
                                  seconds_ago=seconds_ago))
        becomes()(cluster)
    return change


def vanishes(cluster: FakeCluster) -> None:
    del cluster.objects[KEY]


def nothing_new(cluster: FakeCluster) -> None:
    """A watch that ends without an event."""


def grow(*script: Change, offered: bool | None = True, filesystem: tuple[int, int] = (GIBIBYTE_IN_KIB * 50,) * 2,
         listings: tuple[str, str] = (LISTING, LISTING), timeout: float = 30.0, **options: Any
         ) -> tuple[Check, FakeCluster, Halted | None]:
    """The row of the step, the cluster, and how the run ended if it did.

    filesystem: its size in KiB before and after; listings: the same way.
    """
    shown, listed = iter(filesystem), iter(listings)

    def answer(command: Any) -> ExecResult:
        text = f"{next(shown)}\n" if command[2] == scripts.FILESYSTEM_SIZE else next(listed)
        return ExecResult(stdout=text, stderr="", exit_code=0)

    fields = {} if offered is None else {"allowVolumeExpansion": offered}
    cluster = FakeCluster(
        [storage.claim(NAME)], script=script, execs={(OBJECTS.name(WRITER), "sh"): answer},
        **{"expect": ["patch persistentvolumeclaims"], **options},
    )
    plan = Plan(storage_class=storage_class(**fields), objects=OBJECTS, choice=None, no_snapshots="", nodes=2)
    stage = Stage(cluster, plan, deadline=Deadline.after(timeout), progress=Recorder())
    ended = None
    try:
        expansions.expand(stage)
    except Halted as halted:
        ended = halted
    [row] = stage.ledger.rows
    assert row.check.name == steps.EXPAND
    return row.check, cluster, ended


def test_a_claim_that_grows_in_steps_is_proven() -> None:
    row, cluster, _ = grow(becomes(Resizing=""), becomes(FileSystemResizePending=""),
                           becomes("2Gi", FileSystemResizePending=""), becomes("2Gi"))
    assert row.verdict is Verdict.OK
    assert row.observed == ("from 1Gi to 2Gi in use, data kept; "
                            "the pod's filesystem has no limit of its own to compare")
    assert cluster.objects[KEY]["spec"]["resources"]["requests"] == {"storage": "2Gi"}


@pytest.mark.parametrize(("after", "verdict", "words"), [
    (GIBIBYTE_IN_KIB * 2 * 95 // 100, Verdict.OK, "data kept; the pod's filesystem too"),
    (GIBIBYTE_IN_KIB * 95 // 100, Verdict.FAIL, "the claim says from 1Gi to 2Gi, the pod's filesystem still has"),
])
def test_a_filesystem_of_the_claims_size_must_grow_with_it(after: int, verdict: Verdict, words: str) -> None:
    row, *_ = grow(becomes("2Gi"), filesystem=(GIBIBYTE_IN_KIB * 95 // 100, after))
    assert row.verdict is verdict and words in row.observed


def test_data_that_change_while_it_grows_are_a_failure() -> None:
    row, *_ = grow(becomes("2Gi"), listings=(LISTING, LISTING.replace("a" * 64, "b" * 64)))
    assert row.verdict is Verdict.FAIL
    assert "grown from 1Gi to 2Gi, and the data changed: of 1 files: 1 differing, e.g. ./text" in row.observed


@pytest.mark.parametrize(("change", "words"), [
    (nothing_new, "its capacity stays 1Gi, and nothing is said of why: is a resizer of the driver running?"),
    (tells("VolumeResizeSuccessful", "Resize volume succeeded"),
     "its capacity stays 1Gi, and its resizer takes it for done (VolumeResizeSuccessful: Resize volume succeeded)"),
    (tells("VolumeResizeFailed", "backend said no"), "VolumeResizeFailed: backend said no"),
    (becomes(ControllerResizeError="no room"), "ControllerResizeError: no room"),
    (becomes(Resizing="", NodeResizeError="not here"), "NodeResizeError: not here"),
], ids=["silence", "taken-for-done", "event", "controller", "node"])
def test_what_is_claimed_and_not_done_is_named(change: Change, words: str) -> None:
    row, _, ended = grow(change, *[nothing_new] * 40)
    assert row.verdict is Verdict.FAIL and row.advice and ended is None
    assert row.observed.startswith(f"claimed by its class, and not done: {words}")


def test_the_latest_event_counts() -> None:
    """Told in one watch each, of which the first is of the later event."""
    row, *_ = grow(tells("VolumeResizeFailed", "backend said no", seconds_ago=1),
                   tells("VolumeResizeSuccessful", "Resize volume succeeded", seconds_ago=90), *[nothing_new] * 40)
    assert "VolumeResizeFailed: backend said no" in row.observed


def test_events_that_may_not_be_read_are_none() -> None:
    row, *_ = grow(*[nothing_new] * 40, denied=["list events"])
    assert "nothing is said of why" in row.observed


def test_a_resizer_at_work_is_waited_for_until_the_timeout() -> None:
    row, _, ended = grow(becomes(Resizing=""), *[nothing_new] * 400, timeout=0.5)
    assert row.verdict is Verdict.FAIL and ended and ended.timed_out
    assert row.observed.startswith("not ready after") and row.observed.endswith("(--timeout): Resizing")


@pytest.mark.parametrize("offered", [False, None])
def test_a_class_that_does_not_offer_it_is_not_asked(offered: bool | None) -> None:
    row, cluster, _ = grow(offered=offered)
    assert (row.verdict, row.observed) == (Verdict.SKIP, "its class does not offer it (allowVolumeExpansion)")
    assert cluster.requests == []


def test_without_the_right_to_patch_it_is_skipped_with_the_role_that_adds_it() -> None:
    row, cluster, _ = grow(denied=["patch persistentvolumeclaims"])
    assert row.verdict is Verdict.SKIP and "you may not patch persistentvolumeclaims" in row.observed
    assert row.advice.endswith("kubectl rwx rbac verify --full") and cluster.executed == []


def refuse(cluster: FakeCluster, manifest: Any) -> None:
    raise errors.Forbidden("exceeded quota: small", status=403)


@pytest.mark.parametrize(("script", "reactions", "words"), [
    ((), {"patch persistentvolumeclaims": refuse}, "exceeded quota: small"),
    ((vanishes,), {}, f"pvc/{NAME} was deleted by someone else"),
], ids=["refused", "deleted"])
def test_what_others_do_tells_nothing_of_the_storage(
    script: tuple[Change, ...], reactions: dict[str, Any], words: str
) -> None:
    row, _, ended = grow(*script, reactions=reactions)
    assert row.verdict is Verdict.FAIL and row.observed == words
    assert ended and "the run was disturbed" in ended.open_because
