"""The guide "Generic storage backup on Openshift" from its token to its last sentence, by our commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from cluster.kasten_objects import CONTENTS, K10, Application, activate, make_token, tidy
from cluster.kubectl import Kubectl, Plugin

pytestmark = pytest.mark.xdist_group("kasten")
ALLOCATED = "{.metadata.annotations}"


@pytest.fixture
def application(namespace: Kubectl, kubectl: Kubectl, gsb: Plugin) -> Iterator[Application]:
    installed = Application(namespace)
    installed.install()
    gsb.ok("inject", "deploy/web")
    yield installed
    tidy(kubectl, namespace.name)


def test_token_policy_run_deletion_and_restore(
    application: Application, namespace: Kubectl, kubectl: Kubectl, gsb: Plugin
) -> None:
    uid = gsb.json("token", "cluster-id")["clusterId"]
    assert uid == kubectl.jsonpath("get", "namespace", "default", path="{.metadata.uid}")
    assert gsb("token", "set", "--token-file", "-", "--no-overridepubkey", stdin=make_token(kubectl)).returncode == 0
    assert gsb.json("token", "status")["active"] is True

    before = application.data()
    assert "./private/secret 4242" in before
    created = gsb.json("policy", "create")
    assert [one["result"] for one in created["items"]] == ["created"]
    ran = gsb("policy", "run", f"{namespace.name}-gsb", "--expires", "1d")
    assert ran.returncode == 0, ran.stderr
    for pod in ("data-mover-svc-", "create-repo-"):
        assert f"pod {K10}/{pod}" in ran.stderr
    points = gsb.json("restorepoints")["items"]
    assert sorted(one["type"] for one in points) == ["exported", "local"]
    assert {one["policy"] for one in points} == {f"{namespace.name}-gsb"}
    assert all(one["sizeBytes"] > 300000 and one["expires"] for one in points)

    annotations = kubectl.jsonpath("get", "namespace", namespace.name, path=ALLOCATED)
    kubectl("delete", "namespace", namespace.name, "--timeout=120s")
    left = gsb("restorepoints")
    assert "the namespace is gone" in left.stderr
    restored = gsb("restore")
    assert restored.returncode == 0, restored.stderr
    assert kubectl.jsonpath("get", "namespace", namespace.name, path=ALLOCATED) == annotations
    assert "sidecar of deployment/web   verified" in restored.stdout
    assert application.data() == before
    scc = "{.items[0].metadata.annotations.openshift\\.io/scc}"
    assert namespace.jsonpath("get", "pods", "-l", "app=web", path=scc) == "restricted-v2-gsb"


def test_restore_in_place_and_to_another_namespace(
    application: Application, namespace: Kubectl, kubectl: Kubectl, gsb: Plugin, make_namespace: Callable[..., Kubectl]
) -> None:
    activate(kubectl, gsb)
    before = application.data()
    gsb.ok("backup")
    application.as_root("rm -rf /data/*; echo spoilt > /data/other")
    refused = gsb("restore")
    assert refused.returncode == 2 and "deployment/web and their data are overwritten" in refused.stderr
    assert "--yes" in refused.stderr
    assert gsb("restore", "--yes").returncode == 0
    assert application.data() == before

    other = make_namespace()
    done = gsb("restore", "--to", other.name, "--yes")
    assert done.returncode == 0, done.stderr
    assert "mended: its subject was of another namespace" in done.stderr
    assert "the files belong to users of" in done.stderr
    binding = other.json("get", "rolebinding", "oc-gsb:restricted-v2-gsb:default")
    assert [one["namespace"] for one in binding["subjects"]] == [other.name]
    assert Application(other).data() == before
    assert kubectl.json("get", CONTENTS, "-l", f"k10.kasten.io/appNamespace={namespace.name}")["items"]
