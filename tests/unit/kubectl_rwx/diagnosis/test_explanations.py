"""What a wait that failed says of each object: the first broken link, further complaints, events, what was not seen."""

from __future__ import annotations

import re
from typing import Any

import pytest

from fakes.cluster import FakeCluster
from fakes.storage import claim, event, snapshot
from kubectl_rwx.diagnosis.explanations import SHOWN, explain_claims, explain_snapshots
from plugin_core import errors
from unit.kubectl_rwx.diagnosis.chains import CLUSTER_WIDE, SERVED, bound_content, ground

AGE = re.compile(r"\d+s ago")


def lines_of(subject: Any, *around: Any, denied: Any = ()) -> list[str]:
    [lines] = explain_snapshots(FakeCluster([*ground(), *around], groups=SERVED, denied=denied), [subject],
                                namespace="app").values()
    return [AGE.sub("… ago", line) for line in lines]


def test_the_broken_link_its_meaning_and_the_command() -> None:
    subject = snapshot(ready=False, error="array is full")
    failing = bound_content(error={"message": "array is full"})
    events = [event("VolumeSnapshot", "nightly", reason="CreatingSnapshot", message="Waiting", count=4),
              event("VolumeSnapshot", "nightly", reason="Failed", message="array is full"),
              event("VolumeSnapshot", "other", reason="Failed", message="not ours")]
    assert lines_of(subject, failing, *events) == [
        "broken at status.error: array is full [volumesnapshotcontent/content-nightly status.error, … ago]",
        "whether it passes by itself cannot be told from it: the sidecar tries again, every 5 minutes in the end",
        "$ kubectl describe volumesnapshotcontent/content-nightly",
        "event … ago, 4 times: CreatingSnapshot: Waiting",
    ]


def test_what_is_inferred_says_so() -> None:
    lines = lines_of(snapshot(ready=False, content="", size=None))
    assert lines[0].startswith("suspect at snapshot-controller, not proven: it has not touched the snapshot in 1m")


def test_what_may_not_be_read_hides_nothing_else() -> None:
    lines = lines_of(snapshot(ready=False, error="array is full"), denied=[*CLUSTER_WIDE, "list events"])
    assert lines[0].startswith("broken at status.error: array is full [volumesnapshot/nightly status.error")
    assert "not seen: events (list events: forbidden)" in lines


def test_a_server_that_goes_away_meanwhile_is_asked_once_and_the_object_still_told() -> None:
    class Away(FakeCluster):
        def list_all(self, *arguments: Any, **options: Any) -> Any:
            self.requests.append("list")
            raise errors.ConnectionFailed("no connection to the server")

        get = versions_of = list_all  # type: ignore[assignment]

    cluster = Away([])
    [lines] = explain_snapshots(cluster, [snapshot(ready=False, error="array is full")], namespace="app").values()
    assert cluster.requests == ["list"]
    assert lines[0].startswith("broken at status.error: array is full")
    assert lines[-1] == "the rest was not seen, as the server went away: no connection to the server"
    assert not any(line.startswith("not seen") for line in lines)
    [lines] = explain_claims(cluster, [claim("data", phase="Pending")], namespace="app").values()
    assert len(lines) == 1
    assert lines[0].endswith("; why cannot be seen, as the server went away: no connection to the server")


@pytest.mark.parametrize("count", [SHOWN + 1, 100])
def test_of_many_only_the_first_few_are_told_in_full(count: int) -> None:
    many = [claim(f"c-{number}", phase="Pending", storage_class="gone") for number in range(count)]
    explained = explain_claims(FakeCluster([*ground(), *many], groups=SERVED), many, namespace="app")
    assert len(explained) == count
    assert [len(lines) > 1 for lines in explained.values()] == [True] * SHOWN + [False] * (count - SHOWN)
    assert all('there is no StorageClass "gone"' in lines[0] for lines in explained.values())
