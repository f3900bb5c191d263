"""kubectl rwx diagnose when parts of the cluster are away: controller, sidecar, node plugin, then the CRDs.

On a sandbox of its own, since everything else would notice. Its controllers run as processes without leader election;
for the leases that clusters usually have, both are run once more with it and ended as a rollout ends them.
"""

from __future__ import annotations

import json
import os
import subprocess
from datetime import datetime, timezone
from typing import Any

import pytest

from cluster.kubectl import Kubectl, Plugin
from cluster.manifests import claim, pod
from cluster.rwx_objects import bind_claims
from cluster.sandboxes import OwnSandbox, fixtures_of_own_sandbox
from cluster.test_rwx_diagnose import broken_at, found, snapshot, wait_for_diagnosis

LEASES = {"snapshot-controller": "snapshot-controller-leader",
          "block-snapshotter": "external-snapshotter-leader-block-csi-sandbox-local"}
SILENT = {"controller": ("snapshot-controller", "controller-silent"),
          "sidecar": ("csi-snapshotter sidecar", "sidecar-silent")}
STOPPED = {"controller": ("snapshot-controller", "controller-stopped"),
           "sidecar": ("csi-snapshotter sidecar", "sidecar-stopped")}
PLUGIN_AWAY = {"shared": ("node plugin", "node-plugin-absent")}

pytestmark = [
    pytest.mark.xdist_group("outages"),
    pytest.mark.skipif(bool(os.environ.get("KUBECONFIG")), reason="KUBECONFIG names a cluster of your own"),
]

own_sandbox, cluster_environment, kubectl, leaving_namespaces = fixtures_of_own_sandbox(
    "outages", "--without", "openshift", "--without", "kasten")


class Elected:
    """A process of the sandbox, run with leader election in place of the one that was stopped."""

    def __init__(self, sandbox: OwnSandbox, kubectl: Kubectl, name: str) -> None:
        recorded = (sandbox.directory / "processes" / name).read_text().split("\n")[3:-1]
        self._lease, self._kubectl = LEASES[name], kubectl.within("kube-system")
        options = ["--leader-election=true", "--leader-election-namespace=kube-system",
                   "--feature-gates=ReleaseLeaderElectionOnExit=true"]
        self._process = subprocess.Popen([*recorded, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._kubectl.wait_until(lambda: self._spec().get("holderIdentity"), f"{name} to hold its lease")

    def end(self) -> None:
        """It lets go of its lease, as one does that is scaled to zero."""
        self._process.terminate()
        self._process.wait(timeout=30)
        assert not self._spec()["holderIdentity"]

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def released(self) -> float:
        """Seconds ago."""
        renewed = datetime.fromisoformat(self._spec()["renewTime"].replace("Z", "+00:00"))
        return (datetime.now(timezone.utc) - renewed).total_seconds()

    def _spec(self) -> dict[str, Any]:
        done = self._kubectl("get", "lease", self._lease, "-o", "json", check=False)
        return json.loads(done.stdout)["spec"] if done.returncode == 0 else {}


def test_whoever_is_away_is_named(
    own_sandbox: OwnSandbox, kubectl: Kubectl, namespace: Kubectl, rwx: Plugin
) -> None:
    bind_claims(namespace, claim("shared", size="16Mi"),
                claim("block", storage_class="block", size="16Mi", access_mode="ReadWriteOnce"))
    for name in ("node-b-csi", *LEASES):
        own_sandbox.run("stop", name)
    namespace.apply(pod("stuck", {"shared": "/data"}, node="node-b"))
    started: list[Elected] = []
    try:
        for name in reversed(LEASES):
            started.append(Elected(own_sandbox, kubectl, name))
            if name == "block-snapshotter":
                started[-1].end()
        namespace.apply(snapshot("sidecar", "block", "block"))
        namespace("wait", "--for=jsonpath={.status.boundVolumeSnapshotContentName}", "vs/sidecar", "--timeout=60s")
        started[-1].end()
    finally:
        for process in started:
            process.kill()
    namespace.apply(snapshot("controller", "shared", "shared"))
    namespace.wait_until(lambda: min(process.released() for process in started) > 30, "both leases to be nobody's")
    wait_for_diagnosis(namespace, rwx, {**STOPPED, **PLUGIN_AWAY}, "--all")
    told = found(rwx, "--all")
    for name, lease in (("controller", "snapshot-controller-leader"), ("sidecar", LEASES["block-snapshotter"])):
        assert "held by nobody" in told[name]["first"]["observed"] and lease in told[name]["first"]["source"]
        assert told[name]["verdict"] == "broken"
    assert "csinode/node-b does not list shared.csi.sandbox.local" in told["shared"]["first"]["observed"]

    kubectl("-n", "kube-system", "delete", "lease", *LEASES.values())
    wait_for_diagnosis(namespace, rwx, {**SILENT, **PLUGIN_AWAY}, "--all")
    told = found(rwx, "vs/controller", "vs/sidecar")
    assert {item["verdict"] for item in told.values()} == {"suspect"}
    table = rwx("diagnose", "vs/controller")
    assert table.returncode == 3 and "not proven: it has not touched the snapshot" in table.stdout
    waited = rwx("wait", "vs/controller", "--timeout", "2s")
    assert waited.returncode == 4 and "suspect at snapshot-controller, not proven" in waited.stderr

    for name in ("node-b-csi", *LEASES):
        own_sandbox.run("start", name)
    namespace("wait", "--for=jsonpath={.status.readyToUse}=true", "vs", "--all", "--timeout=90s")
    namespace("wait", "--for=condition=Ready", "pod/stuck", "--timeout=180s")
    assert rwx("diagnose", "--all").returncode == 0
    assert broken_at(rwx, "vs/controller", "vs/sidecar", "pvc/shared") == dict.fromkeys(
        ("controller", "sidecar", "shared"), ("healthy", None))


def test_without_its_crds(kubectl: Kubectl, namespace: Kubectl, rwx: Plugin) -> None:
    bind_claims(namespace, claim("data", size="16Mi"))
    namespace.apply(snapshot("asked", "data", "no-such-class"))
    kubectl("delete", "crd", "volumesnapshotclasses.snapshot.storage.k8s.io", "--timeout=60s")
    wait_for_diagnosis(namespace, rwx, {"asked": ("snapshot class", "crd-missing")}, "vs/asked")
    kubectl("delete", "vs", "--all", "--all-namespaces", "--timeout=60s")
    kubectl("delete", "crd", "volumesnapshots.snapshot.storage.k8s.io",
            "volumesnapshotcontents.snapshot.storage.k8s.io", "--timeout=60s")
    wait_for_diagnosis(namespace, rwx, {"asked": ("snapshot API", "snapshot-api-absent")}, "vs/asked")
    done = rwx("diagnose", "vs/asked", "pvc/data")
    assert done.returncode == 3 and "its CRDs are not installed" in done.stdout
    assert "$ kubectl rwx setup snapshots" in done.stdout and "Bound to persistentvolume/" in done.stdout
    assert rwx("diagnose", "pvc/data").returncode == 0
