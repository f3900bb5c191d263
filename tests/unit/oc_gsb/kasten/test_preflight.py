"""What is looked at before a run, and what of it stops the run."""

from __future__ import annotations

import pytest

from fakes.cluster import FakeCluster
from oc_gsb.kasten.policies import PolicyRequest, policy_manifest
from oc_gsb.kasten.preflight import check_before_run, failed
from plugin_core.kube.cluster import DryRun
from plugin_core.model.kinds import DEPLOYMENT
from plugin_core.model.manifests import Manifest
from plugin_core.model.progress import Silence
from plugin_core.model.refs import Target
from unit.oc_gsb.kasten.objects import GROUPS, K10, config, executor, profile
from unit.oc_gsb.kasten.test_restores import injected

TOKEN = "K10_GVS_ACTIVATION_TOKEN"
ACTIVE = [config(GVSActivationToken="a"), *executor(TOKEN), profile()]
POLICY = policy_manifest(PolicyRequest(namespace="app"), profile="s3", export_profile="s3")


def plain(name: str = "web", *, replicas: int = 1) -> Manifest:
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    template = {"spec": {"containers": [{"name": "app"}], "volumes": volumes}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "app"},
            "spec": {"replicas": replicas, "template": template}}


def findings(*objects: Manifest, policy: Manifest = POLICY, targets: tuple[Target, ...] = (),
             namespaces: tuple[str, ...] = ("app",), denied: tuple[str, ...] = ()) -> dict[tuple[str, str], str]:
    cluster = FakeCluster(objects, groups={**GROUPS, "apps.openshift.io": []}, dry_run=DryRun.SERVER, denied=denied)
    items = check_before_run(cluster, policy, namespaces=namespaces, targets=targets, k10_namespace=K10,
                             progress=Silence())
    assert all(" " in line for line in failed(items))
    return {(str(one["subject"]), str(one["check"])): str(one["verdict"]) for one in items}


def test_all_well() -> None:
    found = findings(*ACTIVE, injected())
    assert set(found.values()) == {"ok", "skip"}, "a dry run measures nothing"
    assert found["deployment/web", "sidecar"] == "skip"


@pytest.mark.parametrize("objects, key, verdict", [
    ([config(), *executor(), profile(), injected()], ("kasten", "token"), "fail"),
    ([config(GVSActivationToken="a", version="9.0.0"), *executor(TOKEN), profile(), injected()],
     ("kasten", "version"), "warn"),
    ([*ACTIVE[:-1], injected()], ("kasten", "profile"), "fail"),
    ([*ACTIVE[:-1], profile(validation="Failed"), injected()], ("kasten", "profile"), "fail"),
    ([*ACTIVE[:-1], profile(protectionPeriod="24h"), injected()], ("kasten", "profile"), "warn"),
    ([*ACTIVE], ("app", "sidecars"), "fail"),
    ([*ACTIVE, injected(), plain("other")], ("deployment/other", "sidecar"), "warn"),
    ([*ACTIVE, injected(), plain("other", replicas=0)], ("deployment/other", "sidecar"), "skip"),
])
def test_findings(objects: list[Manifest], key: tuple[str, str], verdict: str) -> None:
    assert findings(*objects)[key] == verdict


def test_policy_without_profile_and_target_without_sidecar() -> None:
    bare = {**POLICY, "spec": {**POLICY["spec"], "actions": [{"action": "backup"}]}}
    assert findings(*ACTIVE, injected(), policy=bare)["kasten", "profile"] == "fail"
    named = findings(*ACTIVE, injected(), plain("other"), targets=(Target(DEPLOYMENT, "other"),))
    assert named["deployment/other", "sidecar"] == "fail"


def test_who_may_not_read_kasten_is_not_stopped() -> None:
    found = findings(*ACTIVE, injected(), denied=("get configmaps", "get profiles.config.kio.kasten.io"))
    assert (found["kasten", "token"], found["kasten", "profile"]) == ("skip", "skip")
    assert findings(*ACTIVE, namespaces=())["kasten", "namespaces"] == "skip"
