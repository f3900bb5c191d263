"""The API server goes away while kubectl rwx waits: it is restarted, and then stays away for longer than some wait.

On a sandbox of its own, because everything else would notice. All commands wait at once, so that one outage serves all.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from cluster.kubectl import Kubectl
from cluster.rwx_waiters import IN_PLACE, RETRYING, STOPPED, Ended, Waiters, held_up
from cluster.rwx_writers import is_writing, records_on, timers_in
from cluster.sandboxes import OwnSandbox, own_sandbox_up

SERVER = "kube-apiserver"
WAITS = ("snapshot", "frozen", "scaled", "restore", "clone", "wait", "delete", *(f"in-place-{one}" for one in IN_PLACE))
TOO_SHORT = 60
"""Seconds of --timeout of the impatient commands: enough for all to begin on a busy machine."""

pytestmark = [
    pytest.mark.xdist_group("server-restart"),
    pytest.mark.skipif(bool(os.environ.get("KUBECONFIG")), reason="KUBECONFIG names a cluster of your own"),
]


@dataclass(frozen=True)
class Outage:
    """How the commands ended, and where: the patient ones went on after both outages, the others were over before."""

    waiters: Waiters
    patient: dict[str, Ended]
    impatient: dict[str, Ended]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[OwnSandbox]:
    with own_sandbox_up("restart", "--without", "openshift", "--without", "kasten") as own:
        yield own


@pytest.fixture(scope="module")
def outage(sandbox: OwnSandbox, tmp_path_factory: pytest.TempPathFactory) -> Outage:
    """Everything has gone on when this returns."""
    kubectl = Kubectl(environment=sandbox.client_environment)
    waiters = Waiters(kubectl, "restarted", timeout=TOO_SHORT, folder=tmp_path_factory.mktemp("stderr"))
    waiters.prepare()
    with held_up(sandbox, waiters):
        sandbox.run("stop", SERVER)
        sandbox.run("start", SERVER)
        waiters.begin_impatient()
        waiting = waiters.still_waiting()
        assert all(waiting.values()), waiting
        sandbox.run("stop", SERVER)
        impatient = waiters.impatient_ends()
        for process in RETRYING:
            sandbox.run("stop", process)
        for process in (SERVER, *STOPPED, *RETRYING):
            sandbox.run("start", process)
        waiters.release()
        return Outage(waiters, waiters.ends(seconds=240), impatient)


@pytest.mark.parametrize("name", WAITS)
def test_the_command_goes_on_when_the_server_is_back(outage: Outage, name: str) -> None:
    ended, see = outage.patient[name], outage.waiters.namespace
    assert ended.code == 0, ended.stderr
    assert "Traceback" not in ended.stderr
    if name in ("snapshot", "wait", "frozen"):
        made = {"snapshot": "uncut", "wait": "early", "frozen": "frozen"}[name]
        assert see.jsonpath("get", f"vs/{made}", path="{.status.readyToUse}") == "true"
    if name == "frozen":
        pod = outage.waiters.pod("frozen")
        assert is_writing(see, pod) and timers_in(see, pod) == 0 and records_on(see, "deploy/frozen") == set()
    if name == "scaled":
        assert see.jsonpath("get", "deploy/scaled", path="{.spec.replicas}") == "1"
        assert records_on(see, "deploy/scaled") == set()
    if name == "delete":
        assert see("get", "vs/held", check=False).returncode == 1
    if name in ("restore", "clone"):
        made = {"restore": "data-restored", "clone": "copy"}[name]
        assert see.jsonpath("get", f"pvc/{made}", path="{.status.phase}") == "Bound"
    if name.startswith("in-place"):
        own = name.removeprefix("in-place-")
        assert see.jsonpath("get", f"pvc/{own}", path="{.spec.dataSource.name}") == f"all-{own}"
        assert see.jsonpath("get", f"pvc/{own}", path="{.status.phase}") == "Bound"
        assert see.jsonpath("get", f"deploy/{own}", path="{.status.readyReplicas}") == "1"


RESUME = {
    "snapshot": "kubectl rwx wait vs/late -n restarted --timeout=10m",
    "restore": "kubectl rwx wait pvc/late -n restarted --timeout=10m",
    "clone": "kubectl rwx wait pvc/late-copy -n restarted",
    "wait": "the same command with a longer --timeout",
}
"""What each says to do when the server stays away."""


@pytest.mark.parametrize("name", RESUME)
def test_a_server_that_stays_away_is_a_timeout_that_says_how_to_resume(outage: Outage, name: str) -> None:
    ended, words = outage.impatient[name], RESUME[name]
    assert ended.code == 4, ended.stderr
    assert "Traceback" not in ended.stderr
    assert "until the time for it, " in ended.stderr and words in ended.stderr, ended.stderr
    outage.waiters.run(*(words.removeprefix("kubectl rwx ").split() if name != "wait" else ("wait", "vs/early")))
