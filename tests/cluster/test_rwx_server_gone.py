"""The API server goes away for the client and stays away, and the user wants an end.

The clients speak through a proxy that ends; the cluster itself goes on, as it does behind a lost VPN.
"""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cluster.kubectl import Kubectl, Plugin
from cluster.manifests import claim, deployment
from cluster.proxies import Proxy, proxy_to
from cluster.rwx_objects import bind_claims, let_go_of
from cluster.rwx_waiters import LOOKED, TRACED, Command
from cluster.rwx_writers import GENTLE, HOOK, is_frozen, is_writing, records_on, timers_in

HELD = "example.org/held"
FREEZE = 60
"""Seconds of --freeze-timeout: enough for all commands to begin on a busy machine."""

OWN = "a class of the test's own"
CLASSES = {"data": "shared", "never": "failing", "frozen": "failing", "scaled": "shared", "stop": "shared",
           "uncopied": OWN}
"""Claim → class. Snapshots of class failing fail for ever, which is no reason to give up: a command waits."""


class Clients:
    """Commands in one namespace, all through one proxy."""

    def __init__(self, namespace: Kubectl, kubeconfig: Path) -> None:
        self.namespace, self._kubeconfig = namespace, kubeconfig
        self.running: dict[str, Command] = {}

    def start(self, name: str, *arguments: str) -> None:
        errors = self._kubeconfig.with_name(f"{name}.stderr")
        with errors.open("w") as sink:
            self.running[name] = Command(subprocess.Popen(
                ["kubectl-rwx", "--kubeconfig", str(self._kubeconfig), "-n", self.namespace.name, *arguments],
                env=self.namespace.environment | TRACED, stdout=subprocess.PIPE, stderr=sink, text=True,
            ), errors)

    def wait_for(self, name: str, begun: Callable[[], bool]) -> None:
        self.namespace.wait_until(partial(self.running[name].waits, begun), f"{name} to wait", seconds=240)


@pytest.fixture
def proxy(kubectl: Kubectl) -> Iterator[Proxy]:
    server = kubectl("config", "view", "--minify", "-o", "jsonpath={.clusters[0].cluster.server}").stdout
    with proxy_to(server) as found:
        yield found


@pytest.fixture
def clients(namespace: Kubectl, proxy: Proxy, tmp_path: Path) -> Iterator[Clients]:
    """Applications web of each class at work, ready snapshots ok-data, ok-scaled and ok-stop, pods that stay."""
    config = json.loads(namespace("config", "view", "--raw", "--minify", "-o", "json").stdout)
    config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{proxy.port}"
    kubeconfig = tmp_path / "through-the-proxy"
    kubeconfig.write_text(json.dumps(config))
    namespace.apply(own_class(namespace))
    bind_claims(namespace, *(claim(name, storage_class=namespace.name if of == OWN else of, size="16Mi")
                             for name, of in CLASSES.items()))
    for name in ("frozen", "scaled", "stop"):
        workload = deployment(name, {name: "/data"}, command=GENTLE if name == "frozen" else "sleep infinity")
        template = workload["spec"]["template"]
        template["spec"]["terminationGracePeriodSeconds"] = 1
        if name != "frozen":
            template["metadata"]["finalizers"] = [HELD]
        namespace.apply(workload)
    for name in ("frozen", "scaled", "stop"):
        namespace("rollout", "status", f"deploy/{name}", "--timeout=180s")
    made = Clients(namespace, kubeconfig)
    made.start("snapshots", "snapshot", "pvc/data", "pvc/scaled", "pvc/stop", "--name", "ok", "--group", "never")
    done = made.running.pop("snapshots").end(seconds=120)
    assert done.code == 0, done.stderr
    try:
        yield made
    finally:
        for command in made.running.values():
            command.process.kill()
        release(namespace)
        let_go_of(namespace, "ok-data")
        namespace("delete", "storageclass", namespace.name)


def own_class(namespace: Kubectl, **parameters: str) -> dict[str, Any]:
    """The driver refuses parameters that it does not know, for as long as the class has them."""
    return {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": namespace.name},
            "provisioner": "shared.csi.sandbox.local", "parameters": parameters}


def release(namespace: Kubectl) -> None:
    """Lets go of everything that is held, whatever holds it."""
    pods = namespace("get", "pods", "-l", "app in (scaled, stop)", "-o", "name").stdout.split()
    for what in (*pods, "vs/ok-scaled"):
        namespace("patch", what, "--type=json", "-p",
                  json.dumps([{"op": "replace", "path": "/metadata/finalizers", "value": []}]), check=False)


def begin(clients: Clients) -> None:
    """All commands, each at its wait when this returns; restored as a block device, a claim is never Bound here."""
    see = clients.namespace
    see("replace", "--force", "-f", "-", stdin=json.dumps(own_class(see, unknown="true")))
    see("patch", "vs/ok-scaled", "--type=json", "-p",
        json.dumps([{"op": "add", "path": "/metadata/finalizers/-", "value": HELD}]))
    content = see.jsonpath("get", "vs/ok-data", path="{.status.boundVolumeSnapshotContentName}")
    see("annotate", "volumesnapshotcontent", content,
        "snapshot.storage.kubernetes.io/allow-volume-mode-change=true")
    clients.start("in-place", "restore", "vs/ok-stop", "--in-place", "--yes")
    clients.start("scaled", "snapshot", "deploy/scaled", "--quiesce", "scale", "--name", "scaled")
    clients.start("restore", "restore", "vs/ok-data", "--volume-mode", "Block", "--to", "stuck")
    clients.start("snapshot", "snapshot", "pvc/never", "--name", "never")
    clients.start("frozen", "snapshot", "deploy/frozen", "--name", "frozen", *HOOK, "--freeze-timeout",
                  f"{FREEZE}s")
    clients.start("clone", "clone", "pvc/uncopied", "copy")
    clients.start("delete", "delete", "vs/ok-scaled", "--yes")
    clients.wait_for("in-place", lambda: replicas(see, "stop") == "0")
    clients.wait_for("scaled", lambda: replicas(see, "scaled") == "0")
    clients.wait_for("restore", lambda: see("get", "pvc/stuck", check=False).returncode == 0)
    clients.wait_for("snapshot", lambda: see("get", "vs/never", check=False).returncode == 0)
    clients.start("wait", "wait", "vs/never")
    clients.wait_for("clone", lambda: see("get", "pvc/copy", check=False).returncode == 0)
    clients.wait_for("delete", lambda: "deletionTimestamp" in see("get", "vs/ok-scaled", "-o", "yaml").stdout)
    clients.wait_for("wait", lambda: LOOKED in clients.running["wait"].told)
    clients.wait_for("frozen", lambda: see("get", "vs/frozen", check=False).returncode == 0)
    assert is_frozen(see, pod_of(see, "frozen"))


def replicas(namespace: Kubectl, name: str) -> str:
    return namespace.jsonpath("get", f"deploy/{name}", path="{.spec.replicas}")


def pod_of(namespace: Kubectl, workload: str) -> str:
    return namespace.jsonpath("get", "pods", "-l", f"app={workload}", path="{.items[0].metadata.name}")


def recover(clients: Clients) -> None:
    """What the messages say to do brings everything back."""
    see = clients.namespace
    rwx = Plugin(executable="kubectl-rwx", namespace=see.name, environment=see.environment)
    see.wait_until(lambda: is_writing(see, pod_of(see, "frozen")), "the timer to thaw")
    release(see)
    thawed = rwx("thaw", "--all")
    assert "deployment/frozen" in thawed.stdout and "deployment/scaled" in thawed.stdout
    assert "scaled back to 1" in thawed.stdout and timers_in(see, pod_of(see, "frozen")) == 0
    # its claim may be half replaced
    assert thawed.returncode == 6 and "deployment/stop: stays at 0 replicas" in thawed.stderr
    assert f"kubectl rwx restore vs/ok-stop --in-place -n {see.name} goes on" in thawed.stderr
    assert replicas(see, "stop") == "0"
    rwx.ok("restore", "vs/ok-stop", "--in-place", "--yes", "--rollback")
    for name in ("frozen", "scaled", "stop"):
        assert records_on(see, f"deploy/{name}") == set() and replicas(see, name) == "1"
    assert see("get", "configmap", "-l", "kubectl-rwx.io/in-place", "-o", "name").stdout == ""
    see("delete", "pvc", "stuck", "copy")


def test_ctrl_c_and_sigterm_end_soon_and_say_what_remains(clients: Clients, proxy: Proxy) -> None:
    begin(clients)
    proxy.stop()
    for number, command in enumerate(clients.running.values()):
        command.process.send_signal((signal.SIGTERM, signal.SIGINT)[number % 2])
    # a server is given up 20 s after the interrupt; the rest is room for a busy machine
    ends = {name: command.end(seconds=75) for name, command in clients.running.items()}
    where = f"-n {clients.namespace.name}"
    for name, words in {
        "in-place": f"vs/ok-stop --in-place {where}; to go back instead: add --rollback",
        "scaled": f"kubectl rwx thaw --all {where}", "frozen": "the timer in the pod thaws it by",
        "restore": "kubectl delete pvc", "snapshot": "kubectl delete vs/never",
        "clone": f"kubectl rwx wait pvc/copy {where}",
        "wait": "nothing was changed, and what was waited for goes on", "delete": f"kubectl rwx list {where}",
    }.items():
        code, told = ends[name].code, ends[name].stderr
        assert code == 130, f"{name}: {told}"
        assert words in told and "Traceback" not in told, f"{name}: {told}"
    recover(clients)
