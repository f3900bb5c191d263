"""kubectl rwx diagnose of a claim that does not go although nothing uses it, and the command that it shows."""

from __future__ import annotations

import json
import subprocess

from cluster.kubectl import Kubectl, Plugin
from cluster.manifests import claim
from cluster.namespaces import CUT_PROTECTION
from cluster.rwx_objects import bind_claims
from cluster.test_rwx_diagnose import found, wait_for_diagnosis


def test_a_protection_that_was_forgotten_is_taken_off_by_the_command_shown(
    rwx: Plugin, namespace: Kubectl, kubectl: Kubectl
) -> None:
    """Set by hand here: the snapshot-controller leaves it only now and then, when snapshots go at the same time."""
    bind_claims(namespace, claim("data", storage_class="shared", size="16Mi"))
    own = "example.com/own"
    namespace("patch", "pvc/data", "--type=json", "-p", json.dumps(
        [{"op": "add", "path": "/metadata/finalizers/-", "value": one} for one in (CUT_PROTECTION, own)]))
    namespace("delete", "pvc/data", "--wait=false")
    wait_for_diagnosis(namespace, rwx, {"data": ("deletion", "finalizer-forgotten")}, "pvc/data")
    command = found(rwx, "pvc/data")["data"]["first"]["command"]
    subprocess.run(["sh", "-c", command], env=kubectl.environment, check=True, capture_output=True)
    wait_for_diagnosis(namespace, rwx, {"data": ("deletion", "held-by-finalizer")}, "pvc/data")
    assert own in namespace.jsonpath("get", "pvc/data", path="{.metadata.finalizers}")
    namespace("patch", "pvc/data", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    namespace("wait", "--for=delete", "pvc/data", "--timeout=60s")
