"""inject and uninject over kinds, replica counts and obstacles; many cases in one namespace each, to save time.

Each case works and comes back exactly, or is refused before anything changed, or is rolled back exactly: the spec as
kubectl shows it is compared as text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from cluster.gsb_objects import KINDS, NEEDED, bounding_sets, pods_of, ready_columns, sccs_of, shown, wait_ready
from cluster.kubectl import Kubectl, Plugin
from cluster.manifests import claim, deployment
from cluster.scc_objects import ACCOUNT, own_base

COUNTS = (1, 2, 5)
CLAIM = {"Deployment": "shared-data", "DeploymentConfig": "shared-data", "StatefulSet": "own"}


def workload(kind: str, name: str, *, replicas: int, account: str = "", **security: Any) -> dict[str, Any]:
    """One that mounts CLAIM at /data; a StatefulSet by a claim template of its own.

    account: its service account; "" for the namespace's default. security: fields of its container's securityContext.
    """
    made = deployment(name, {CLAIM[kind]: "/data"}, replicas=replicas, kind=kind)
    spec = made["spec"]["template"]["spec"]
    if account:
        spec["serviceAccountName"] = account
    if security:
        spec["containers"][0]["securityContext"] = security
    if kind == "StatefulSet":
        del spec["volumes"]
        made["spec"].update(volumeClaimTemplates=[claim("own")], podManagementPolicy="Parallel")
    return made


def changed_nothing(namespace: Kubectl, *targets: str) -> list[Any]:
    """What a refusal must leave alone: each workload whole but for its status, and every grant of the namespace."""
    kept = []
    for target in targets:
        made = namespace.json("get", target)
        made["metadata"].pop("managedFields", None)
        kept.append((json.dumps(made["spec"]), made["metadata"]["generation"], made["metadata"].get("annotations")))
    return [*kept, namespace("get", "rolebindings", "-o", "name").stdout]


def test_every_kind_with_one_two_and_five_replicas(gsb: Plugin, namespace: Kubectl) -> None:
    cases = {f"{short}-{count}": (short, kind, count) for short, kind in KINDS.items() for count in COUNTS}
    namespace.apply(claim("shared-data"), *(
        workload(kind, name, replicas=count) for name, (_, kind, count) in cases.items()))
    for name, (_, _, count) in cases.items():
        wait_ready(namespace, name, count)
    before = {name: shown(namespace, short, name) for name, (short, _, _) in cases.items()}

    answer = gsb.json("inject", "--all")
    assert {item["name"]: (item["result"], item["ready"], item["pods"]) for item in answer["items"]} == {
        name: ("injected", count, count) for name, (_, _, count) in cases.items()}
    for name, (_, _, count) in cases.items():
        wait_ready(namespace, name, count)
        assert ready_columns(namespace, name) == ["2/2"] * count
        assert sccs_of(namespace, name) == {"restricted-v2-gsb"}
        assert all(found & NEEDED == NEEDED for found in bounding_sets(namespace, name))
    checks = gsb.json("verify", "--all")["items"]
    assert "fail" not in {item["verdict"] for item in checks}
    proven = {item["name"] for item in checks if (item["check"], item["verdict"]) == ("read-closed-file", "ok")}
    assert proven == set(cases)

    assert {item["result"] for item in gsb.json("uninject", "--all")["items"]} == {"uninjected"}
    assert {name: shown(namespace, short, name) for name, (short, _, _) in cases.items()} == before
    for name, (_, _, count) in cases.items():
        wait_ready(namespace, name, count)
        assert sccs_of(namespace, name) == {"restricted-v2"}


def test_what_cannot_work_is_refused_before_anything_changes(gsb: Plugin, namespace: Kubectl) -> None:
    """A missing pull secret, a quota too small, and Pod Security restricted, each for every kind at once."""
    targets = [f"{short}/{short}" for short in KINDS]
    namespace.apply(claim("shared-data"), *(workload(kind, short, replicas=1) for short, kind in KINDS.items()))
    for short in KINDS:
        wait_ready(namespace, short, 1)
    before = changed_nothing(namespace, *targets)

    def refused(words: str, *flags: str) -> None:
        done = gsb("inject", *targets, *flags, "-o", "json")
        assert done.returncode == 3, done.stderr
        assert {item["result"] for item in json.loads(done.stdout)["items"]} == {"refused"}
        assert words in done.stderr, done.stderr
        assert changed_nothing(namespace, *targets) == before

    refused("absent", "--pull-secret", "absent")
    namespace("create", "quota", "tight", "--hard=requests.memory=64Mi")
    counted = "{.status.used}"
    namespace.wait_until(lambda: namespace.jsonpath("get", "quota", "tight", path=counted), "the quota's count")
    refused("tight")
    namespace("delete", "quota", "tight")
    namespace("label", "namespace", namespace.name, "pod-security.kubernetes.io/enforce=restricted")
    refused("enforces the Pod Security level restricted")


def test_exclusive_claims_and_an_image_that_does_not_start(gsb: Plugin, namespace: Kubectl) -> None:
    """On the driver that refuses a second node, with RollingUpdate; the image is found missing only by the rollout."""
    made: list[dict[str, Any]] = []
    kinds = {"solo": ("deploy", "Deployment"), "legacy": ("dc", "DeploymentConfig"), "db": ("sts", "StatefulSet")}
    for name, (_, kind) in kinds.items():
        app = workload(kind, name, replicas=2 if kind == "StatefulSet" else 1)
        exclusive = claim(name, storage_class="block", access_mode="ReadWriteOnce")
        if kind == "StatefulSet":
            app["spec"]["volumeClaimTemplates"] = [{**exclusive, "metadata": {"name": "own"}}]
        else:
            app["spec"]["template"]["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"] = name
            made.append(exclusive)
        made.append(app)
    namespace.apply(*made)

    def settled() -> dict[str, Any]:
        for name, (_, kind) in kinds.items():
            wait_ready(namespace, name, 2 if kind == "StatefulSet" else 1)
        return {name: shown(namespace, short, name) for name, (short, _) in kinds.items()}

    before = settled()
    failed = gsb("inject", "--all", "--image", "sandbox.local/absent:1", "--no-image-check", "--timeout", "15s",
                 "-o", "json")
    assert {item["name"]: item["result"] for item in json.loads(failed.stdout)["items"]} == dict.fromkeys(
        kinds, "rolled back"), failed.stderr
    assert failed.returncode == 4 and settled() == before
    assert namespace("get", "rolebindings", "-o", "name").stdout == ""

    gsb.ok("inject", "--all")
    for name in kinds:
        assert set(ready_columns(namespace, name)) == {"2/2"}
    gsb.ok("uninject", "--all")
    assert settled() == before


@pytest.fixture
def base(kubectl: Kubectl, namespace: Kubectl) -> Iterator[str]:
    """An SCC of priority 20 for account `app`, like restricted-v2."""
    with own_base(kubectl, namespace) as name:
        yield name


def test_each_scc_keeps_user_and_groups(gsb: Plugin, namespace: Kubectl, base: str) -> None:
    """anyuid (as root), nonroot-v2 (as a user of its own), one of priority 20, one pinned by required-scc."""
    for account, scc in (("root", "anyuid"), ("other", "nonroot-v2")):
        namespace("create", "serviceaccount", account)
        grant = {"apiGroups": ["security.openshift.io"], "resources": ["securitycontextconstraints"], "verbs": ["use"],
                 "resourceNames": [scc]}
        namespace.apply({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": account},
                         "rules": [grant]})
        namespace("create", "rolebinding", account, f"--role={account}", f"--serviceaccount={namespace.name}:{account}")
    pinned = workload("StatefulSet", "pinned", replicas=1, account="root")
    pinned["spec"]["template"]["metadata"]["annotations"] = {"openshift.io/required-scc": "anyuid"}
    namespace.apply(
        claim("shared-data"), workload("Deployment", "root", replicas=1, account="root", runAsUser=0), pinned,
        workload("DeploymentConfig", "other", replicas=1, account="other", runAsUser=4321),
        workload("Deployment", "custom", replicas=2, account=ACCOUNT))
    was = {"root": "anyuid", "pinned": "anyuid", "other": "nonroot-v2", "custom": base}
    kinds = {"root": "deploy", "pinned": "sts", "other": "dc", "custom": "deploy"}
    for name in was:
        wait_ready(namespace, name, 2 if name == "custom" else 1)

    def identities() -> dict[str, str]:
        return {name: namespace.sh(pods_of(namespace, name)[0]["metadata"]["name"], "id", container="app")
                for name in was}

    assert {name: sccs_of(namespace, name) for name in was} == {name: {scc} for name, scc in was.items()}
    ids, before = identities(), {name: shown(namespace, kinds[name], name) for name in was}
    planned = {item["name"]: item["sccWithSidecar"] for item in gsb.json("scc", "plan", "--all")["items"]}
    injected = gsb.json("inject", "--all")["items"]
    assert {item["name"]: item["result"] for item in injected} == dict.fromkeys(was, "injected")
    assert {item["name"]: item["scc"] for item in injected} == planned == {
        name: f"{scc}-gsb" for name, scc in was.items()}
    assert {name: sccs_of(namespace, name) for name in was} == {name: {f"{scc}-gsb"} for name, scc in was.items()}
    assert identities() == ids and "uid=0" in ids["root"] and "uid=4321" in ids["other"]
    checks = [item for item in gsb.json("verify", "--all")["items"] if item["check"] == "read-closed-file"]
    assert {item["name"]: item["verdict"] for item in checks} == dict.fromkeys(was, "ok")
    gsb.ok("uninject", "--all")
    assert {name: shown(namespace, kinds[name], name) for name in was} == before
    assert {name: sccs_of(namespace, name) for name in was} == {name: {scc} for name, scc in was.items()}
