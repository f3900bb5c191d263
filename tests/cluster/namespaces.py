"""Waiting for the tests' namespaces to go, and what is said of one that stays."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Sequence

from cluster.kubectl import Kubectl

CUT_PROTECTION = "snapshot.storage.kubernetes.io/pvc-as-source-protection"

_SECONDS = 280
"""Longer than a driver's sidecar waits between two tries (5 min at most: --retry-interval-max of external-snapshotter
and external-provisioner), of which most has passed by then for all but the last tests."""
_A_WHILE = 30


def wait_until_gone(kubectl: Kubectl, names: Sequence[str]) -> None:
    """Fails when one stays, with what is left in it."""
    leaving = [f"namespace/{name}" for name in names]
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        if not kubectl("wait", "--for=delete", *leaving, f"--timeout={_A_WHILE}s", check=False).returncode:
            return
        for name in names:
            _release_forgotten(kubectl.within(name))
    staying = [shown for name in names if (shown := _what_keeps(kubectl, name))]
    assert not staying, "\n".join(["namespaces that do not go:", *staying])


def _release_forgotten(namespace: Kubectl) -> None:
    """Takes one finalizer off claims that go, with a warning, once the namespace has no snapshot any more.

    The snapshot-controller looks at it only when a snapshot of the claim changes. Of two that are deleted at once, each
    can still see the other, and then nobody takes it off (external-snapshotter pkg/common-controller/
    snapshot_controller.go, checkandRemovePVCFinalizer and isPVCBeingUsed).
    """
    if namespace("get", "volumesnapshots", "-o", "name", check=False).stdout:
        return
    shown = namespace("get", "pvc", "-o", "json", check=False)
    for found in json.loads(shown.stdout)["items"] if not shown.returncode else ():
        metadata = found["metadata"]
        if metadata.get("deletionTimestamp") and CUT_PROTECTION in metadata.get("finalizers", ()):
            kept = [one for one in metadata["finalizers"] if one != CUT_PROTECTION]
            warnings.warn(f"pvc/{metadata['name']} in {namespace.name}: {CUT_PROTECTION} was forgotten by the snapshot-"
                          "controller, and taken off here", stacklevel=1)
            namespace("patch", f"pvc/{metadata['name']}", "--type=merge", "-p",
                      json.dumps({"metadata": {"finalizers": kept}}), check=False)


def _what_keeps(kubectl: Kubectl, name: str) -> str:
    """Which test's namespace stays, what its conditions say is left in it, and the last events; "" when it is gone."""
    shown = kubectl("get", "namespace", name, "-o", "json", check=False)
    if shown.returncode:
        return ""
    found = json.loads(shown.stdout)
    said = [f"  {each['type']}: {each['message']}" for each in found["status"].get("conditions", ())
            if each["status"] == "True"]
    events = kubectl("-n", name, "get", "pods,pvc,volumesnapshots,events", "-o", "wide", check=False).stdout
    return "\n".join([f"{name} of {found['metadata'].get('labels', {}).get('tests/case')}, deletion since "
                      f"{found['metadata'].get('deletionTimestamp')}", *said, events[-6000:]])
