"""What the Kasten tests share: an application with data of several owners, tokens, policies, and tidying up."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cluster.kubectl import Kubectl, Plugin
from cluster.manifests import claim, deployment, pod

K10 = "kasten-io"
PROFILE = "standin-store"
POLICY_KIND = "policies.config.kio.kasten.io"
PROFILE_KIND = "profiles.config.kio.kasten.io"
RUNS = "runactions.actions.kio.kasten.io"
POINTS, CONTENTS = "restorepoints.apps.kio.kasten.io", "restorepointcontents.apps.kio.kasten.io"
RESTORES = "restoreactions.actions.kio.kasten.io"

WRITE = (
    "cd /data && mkdir -p private && for i in 1 2 3 4 5; do echo order $i $RANDOM > order-$i; done && "
    "head -c 300000 /dev/urandom > blob && echo of-another > private/secret && chown -R 4242:4242 private && "
    "chmod 700 private && chmod 600 private/secret && touch /tmp/done"
)
MANIFEST = "cd /data && find . -type f | sort | while read f; do stat -c '%n %u %s' $f; sha256sum $f; done"


@dataclass(frozen=True)
class Application:
    """A Deployment `web` with a claim `data`; its data as a root pod reads it."""

    namespace: Kubectl

    def install(self) -> None:
        self.namespace.apply(claim("data"), deployment("web", {"data": "/data"}))
        self.namespace("rollout", "status", "deployment/web", "--timeout=120s")
        self.as_root(WRITE)

    def as_root(self, script: str) -> str:
        """Runs a script beside the application, as root; pinned, since other tests' SCCs may come before anyuid."""
        name = f"root-{uuid.uuid4().hex[:5]}"
        root = pod(name, {"data": "/data"})
        root["metadata"]["annotations"] = {"openshift.io/required-scc": "anyuid"}
        self.namespace.apply(root)
        self.namespace("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=90s")
        try:
            return self.namespace.sh(name, script)
        finally:
            self.namespace("delete", "pod", name, "--wait=true", "--grace-period=0", "--force")

    def data(self) -> str:
        return self.as_root(MANIFEST)


def make_token(kubectl: Kubectl) -> str:
    """What the stand-in takes for a token of this cluster; the part after the last dot is secret."""
    uid = kubectl.jsonpath("get", "namespace", "default", path="{.metadata.uid}")
    return f"standin.{uid}.{uuid.uuid4().hex}"


def has_token(kubectl: Kubectl, *, evaluation: bool = False) -> bool:
    data = kubectl.within(K10).json("get", "configmap", "k10-config")["data"]
    return data.get("GVSActivationToken", "").startswith("standin.") and "overridePublicKeyForGVS" not in data


def activate(kubectl: Kubectl, gsb: Plugin) -> None:
    """GSB is active afterwards."""
    if not has_token(kubectl) or gsb("token", "status").returncode:
        done = gsb("token", "set", "--token-file", "-", "--no-overridepubkey", "--abort-running",
                   stdin=make_token(kubectl))
        assert done.returncode == 0, done.stderr


def set_operator(kubectl: Kubectl, gsb: Plugin, spec: dict[str, Any]) -> None:
    """Changes spec.genericStorageBackup behind the plugin's back, and waits until the executor runs again."""
    patch = json.dumps({"spec": {"genericStorageBackup": spec}})
    before = kubectl.within(K10).jsonpath("get", "pods", "-l", "component=executor", path="{.items[*].metadata.uid}")
    kubectl.within(K10)("patch", "k10", "k10", "--type=merge", "-p", patch)

    def restarted() -> bool:
        pods = kubectl.within(K10).json("get", "pods", "-l", "service")["items"]
        ready = [one for one in pods if any(condition["type"] == "Ready" and condition["status"] == "True"
                                            for condition in one["status"].get("conditions", ()))]
        return len(pods) == len(ready) == 3 and not any(one["metadata"]["uid"] in before for one in pods)

    kubectl.within(K10).wait_until(restarted, "Kasten's stand-in services restarting")


@contextmanager
def own_profile(
    kubectl: Kubectl, name: str, *, spec: dict[str, Any] | None = None, **annotations: str
) -> Iterator[str]:
    """A Location profile of the test's own, validated, and gone afterwards. spec: merged into the stand-in's."""
    kasten = kubectl.within(K10)
    base = kasten.json("get", PROFILE_KIND, PROFILE)["spec"]
    manifest = {"apiVersion": "config.kio.kasten.io/v1alpha1", "kind": "Profile", "spec": {**base, **(spec or {})},
                "metadata": {"name": name, "namespace": K10, "annotations": annotations}}
    kasten.apply(manifest)
    try:
        kasten.wait_until(lambda: kasten.json("get", PROFILE_KIND, name).get("status"), "the profile's validation")
        yield name
    finally:
        kasten("delete", PROFILE_KIND, name)


def tidy(kubectl: Kubectl, *namespaces: str) -> None:
    """Policies and restore points of these namespaces go."""
    kasten = kubectl.within(K10)
    for policy in kasten.json("get", POLICY_KIND)["items"]:
        rules = policy["spec"].get("selector", {}).get("matchExpressions", [])
        if any(set(rule.get("values", ())) & set(namespaces) for rule in rules):
            kasten("delete", POLICY_KIND, policy["metadata"]["name"])
    for namespace in namespaces:
        kubectl("delete", CONTENTS, "-l", f"k10.kasten.io/appNamespace={namespace}")


def wait_for(kubectl: Kubectl, condition: Callable[[], Any], what: str) -> Any:
    return kubectl.within(K10).wait_until(condition, what)
