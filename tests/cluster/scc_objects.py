"""An SCC base of a test's own, so that its copy can be made and deleted while other tests run beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cluster.kubectl import Kubectl
from cluster.manifests import claim, deployment

ACCOUNT = "app"


@contextmanager
def own_base(kubectl: Kubectl, namespace: Kubectl, *, like: str = "restricted-v2", **changes: Any) -> Iterator[str]:
    """A copy of an SCC under the namespace's name, for service account `app` of the namespace only, tried first."""
    made = kubectl.json("get", "scc", like)
    made["metadata"] = {"name": namespace.name}
    made.update(priority=20, groups=[], users=[f"system:serviceaccount:{namespace.name}:{ACCOUNT}"], **changes)
    kubectl("create", "--validate=false", "-f", "-", stdin=json.dumps(made))
    namespace("create", "serviceaccount", ACCOUNT)
    try:
        yield namespace.name
    finally:
        copy = f"{namespace.name}-gsb"
        role = f"system:openshift:scc:{copy}"
        kubectl("delete", "scc", namespace.name, copy, "--ignore-not-found")
        kubectl("delete", "clusterrole,clusterrolebinding", role, f"oc-gsb:{copy}:system:serviceaccounts:"
                f"{namespace.name}", "--ignore-not-found")


def application(name: str = "web", **options: Any) -> list[dict[str, Any]]:
    """A claim without snapshots and a Deployment that writes to it as service account `app`."""
    access = options.pop("access_mode", "ReadWriteMany")
    made = deployment(name, {name: "/data"}, **options)
    made["spec"]["template"]["spec"]["serviceAccountName"] = ACCOUNT
    return [claim(name, storage_class="nosnap", access_mode=access), made]


def rolled_out(namespace: Kubectl, target: str) -> None:
    """Waits until the workload's pods are ready."""
    namespace("rollout", "status", target, "--timeout=120s")


def scc_of(namespace: Kubectl, selector: str) -> set[str]:
    """The SCCs of the pods that are not on their way out."""
    pods = namespace.json("get", "pods", "-l", selector)["items"]
    return {each["metadata"]["annotations"]["openshift.io/scc"] for each in pods
            if "deletionTimestamp" not in each["metadata"]}
