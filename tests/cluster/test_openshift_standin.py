"""The sandbox's OpenShift stand-in behaves as OpenShift does where the plugins depend on it, looked at with kubectl."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from cluster.kubectl import Kubectl
from cluster.manifests import deployment, pod
from oc_gsb.scc import gsb_copy

THREE = ["CHOWN", "DAC_OVERRIDE", "FOWNER"]
SCC = "openshift.io/scc"
SUBJECT_TYPE = "security.openshift.io/validated-scc-subject-type"
UID_RANGE = "openshift.io/sa.scc.uid-range"
MCS = "openshift.io/sa.scc.mcs"


@pytest.fixture(autouse=True)
def on_the_sandbox(kubectl: Kubectl) -> None:
    """A user's own cluster has the real thing or nothing of it."""
    found = kubectl("get", "mutatingwebhookconfiguration", "openshift-stand-in", check=False)
    if found.returncode:
        pytest.fail("the cluster has no OpenShift stand-in: these tests need the sandbox")


def with_sidecar(manifest: dict[str, Any]) -> dict[str, Any]:
    """The same workload with a second container that asks for the three capabilities."""
    spec = manifest["spec"]["template"]["spec"]
    context = {"capabilities": {"add": THREE}}
    spec["containers"].append({**spec["containers"][0], "name": "kanister-sidecar", "securityContext": context})
    return manifest


def first_pod(namespace: Kubectl, selector: str) -> dict[str, Any]:
    """The one Running pod with this label; none but it may be there."""

    def running() -> dict[str, Any] | None:
        pods = namespace.json("get", "pods", "-l", selector)["items"]
        return pods[0] if [each["status"]["phase"] for each in pods] == ["Running"] else None

    return namespace.wait_until(running, f"one running pod {selector}")


def annotations(namespace: Kubectl) -> dict[str, str]:
    return namespace.json("get", "namespace", namespace.name)["metadata"]["annotations"]


def test_namespaces_get_ranges_of_their_own(make_namespace: Callable[..., Kubectl]) -> None:
    one, other = annotations(make_namespace()), annotations(make_namespace())
    assert one[UID_RANGE].endswith("0000/10000") and one[MCS].startswith("s0:c")
    assert one[UID_RANGE] != other[UID_RANGE] and one[MCS] != other[MCS]


def test_plain_deployment_gets_restricted_v2_through_its_controller(namespace: Kubectl) -> None:
    namespace.apply(deployment("web", {}))
    found = first_pod(namespace, "app=web")
    given = annotations(namespace)
    assert found["metadata"]["annotations"][SCC] == "restricted-v2"
    assert found["metadata"]["annotations"][SUBJECT_TYPE] == "user"
    assert found["spec"]["securityContext"]["seLinuxOptions"] == {"level": given[MCS]}
    first_uid = given[UID_RANGE].split("/")[0]
    assert found["spec"]["containers"][0]["securityContext"]["runAsUser"] == int(first_uid)
    assert namespace.sh("deploy/web", "id -u").strip() == first_uid
    status = namespace.sh("deploy/web", "cat /proc/1/status")
    assert "CapBnd:\t0000000000000000" in status and "NoNewPrivs:\t1" in status


def test_capabilities_are_refused_until_the_copy_is_granted(namespace: Kubectl, kubectl: Kubectl) -> None:
    namespace.apply(with_sidecar(deployment("web", {})))

    def refusal() -> str:
        events = namespace.json("get", "events", "--field-selector=reason=FailedCreate")["items"]
        return next((each["message"] for each in events if each["involvedObject"]["kind"] == "ReplicaSet"), "")

    message = namespace.wait_until(refusal, "the ReplicaSet saying that it may not create the pod")
    assert "unable to validate against any security context constraint: [" in message
    assert 'provider restricted-v2: .containers[1].capabilities.add: Invalid value: "CHOWN"' in message
    conditions = namespace.json("get", "deploy", "web")["status"]["conditions"]
    assert ("ReplicaFailure", "True") in [(each["type"], each["status"]) for each in conditions]
    copy = gsb_copy(kubectl.json("get", "scc", "restricted-v2"))
    assert copy is not None
    # a name of this test's own, as others may use the standard one
    name = copy["metadata"]["name"] = f"restricted-v2-gsb-{namespace.name}"
    role = {"apiGroups": ["security.openshift.io"], "resources": ["securitycontextconstraints"], "verbs": ["use"]}
    try:
        kubectl("create", "--validate=false", "-f", "-", stdin=json.dumps(copy))
        namespace.apply(
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "Role",
                "metadata": {"name": "copy"},
                "rules": [{**role, "resourceNames": [name]}],
            }
        )
        namespace("create", "rolebinding", "copy", "--role=copy", f"--serviceaccount={namespace.name}:default")
        # a grant counts at once; the controller would try again only after a pause that grows
        namespace("delete", "replicasets", "-l", "app=web")
        found = first_pod(namespace, "app=web")
        assert found["metadata"]["annotations"][SCC] == name
        assert found["metadata"]["annotations"][SUBJECT_TYPE] == "serviceaccount"
        context = found["spec"]["containers"][1]["securityContext"]
        assert context["capabilities"] == {"add": THREE, "drop": ["ALL"]}
        status = namespace.sh("deploy/web", "cat /proc/1/status", container="kanister-sidecar")
        assert "CapBnd:\t000000000000000b" in status
    finally:
        kubectl("delete", "scc", name, "--ignore-not-found")


def test_pod_made_by_an_administrator_gets_anyuid(namespace: Kubectl) -> None:
    """An SCC of higher priority, which another test may have made for a moment, would come first."""

    def admitted() -> bool:
        namespace("delete", "pod", "bare", "--ignore-not-found", "--now")
        namespace.apply(pod("bare", {}))
        notes = namespace.json("get", "pod", "bare")["metadata"]["annotations"]
        return (notes[SCC], notes[SUBJECT_TYPE]) == ("anyuid", "user")

    namespace.wait_until(admitted, "a pod under anyuid")


def test_pod_of_a_service_account_may_not_use_what_its_maker_may_not(namespace: Kubectl) -> None:
    namespace("create", "rolebinding", "edit", "--clusterrole=edit", "--user=dev")
    manifest = json.dumps({**pod("bare", {}), "metadata": {"name": "bare"}})
    as_dev = ["--as=dev", "--as-group=system:authenticated"]
    namespace("create", *as_dev, "-f", "-", stdin=manifest)
    assert namespace.json("get", "pod", "bare")["metadata"]["annotations"][SCC] == "restricted-v2"
    privileged = {"name": "host", "image": "x", "securityContext": {"privileged": True}}
    spec = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "host"}, "spec": {"containers": [privileged]}}
    refused = namespace("create", *as_dev, "-f", "-", stdin=json.dumps(spec), check=False)
    assert refused.returncode == 1 and "Privileged containers are not allowed" in refused.stderr


def test_label_switches_scc_admission_off(make_namespace: Callable[..., Kubectl]) -> None:
    namespace = make_namespace(labels={"sandbox.rwx/scc": "off"})
    namespace.apply(pod("bare", {}))
    assert SCC not in (namespace.json("get", "pod", "bare")["metadata"].get("annotations") or {})


@pytest.mark.parametrize("strategy", ["Rolling", "Recreate"])
def test_deployment_config_rolls_out_changes_and_scales(namespace: Kubectl, strategy: str) -> None:
    config = deployment("web", {}, kind="DeploymentConfig", replicas=2)
    config["spec"]["strategy"] = {"type": strategy}
    namespace.apply(config)
    rolled_out(namespace, version=1, replicas=2)
    change = [{"op": "add", "path": "/spec/template/metadata/annotations", "value": {"changed": "yes"}}]
    namespace("patch", "dc", "web", "--type=json", "-p", json.dumps(change))
    rolled_out(namespace, version=2, replicas=2)
    pods = namespace.json("get", "pods", "-l", "deploymentconfig=web")["items"]
    alive = [each for each in pods if not each["metadata"].get("deletionTimestamp")]
    assert [each["metadata"]["labels"]["deployment"] for each in alive] == ["web-2", "web-2"]
    assert {each["metadata"]["annotations"]["changed"] for each in alive} == {"yes"}
    namespace("scale", "dc/web", "--replicas=3")
    rolled_out(namespace, version=2, replicas=3)
    controllers = namespace.json("get", "rc")["items"]
    phases = {each["metadata"]["name"]: (phase_of(each), each["spec"]["replicas"]) for each in controllers}
    assert phases == {"web-1": ("Complete", 0), "web-2": ("Complete", 3)}
    namespace("delete", "dc", "web")
    namespace.wait_until(lambda: not namespace.json("get", "rc")["items"], "the owned controllers going too")


def test_paused_deployment_config_waits(namespace: Kubectl) -> None:
    config = deployment("web", {}, kind="DeploymentConfig")
    namespace.apply(config)
    rolled_out(namespace, version=1, replicas=1)
    namespace("patch", "dc", "web", "--type=merge", "-p", json.dumps({"spec": {"paused": True}}))
    change = {"spec": {"template": {"metadata": {"annotations": {"changed": "yes"}}}}}
    namespace("patch", "dc", "web", "--type=merge", "-p", json.dumps(change))

    def observed() -> bool:
        found = namespace.json("get", "dc", "web")
        return found["status"].get("observedGeneration") == found["metadata"]["generation"]

    namespace.wait_until(observed, "the change being seen")
    assert [each["metadata"]["name"] for each in namespace.json("get", "rc")["items"]] == ["web-1"]
    namespace("patch", "dc", "web", "--type=merge", "-p", json.dumps({"spec": {"paused": False}}))
    rolled_out(namespace, version=2, replicas=1)


def test_rollout_that_never_works_goes_back(namespace: Kubectl) -> None:
    config = deployment("web", {}, kind="DeploymentConfig")
    config["spec"]["strategy"] = {"type": "Rolling", "rollingParams": {"timeoutSeconds": 5}}
    namespace.apply(config)
    rolled_out(namespace, version=1, replicas=1)
    change = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "sandbox.local/absent:1"}]
    namespace("patch", "dc", "web", "--type=json", "-p", json.dumps(change))

    def failed() -> bool:
        controllers = {each["metadata"]["name"]: each for each in namespace.json("get", "rc")["items"]}
        newest = controllers.get("web-2")
        if newest is None or phase_of(newest) != "Failed":
            return False
        return (controllers["web-1"]["spec"]["replicas"], newest["spec"]["replicas"]) == (1, 0)

    namespace.wait_until(failed, "version 2 failing and version 1 coming back")


def phase_of(controller: dict[str, Any]) -> str:
    return controller["metadata"]["annotations"]["openshift.io/deployment.phase"]


def rolled_out(namespace: Kubectl, *, version: int, replicas: int) -> None:
    """Wait until the DeploymentConfig web says that this version is all there is."""

    def done() -> bool:
        found = namespace.json("get", "dc", "web")
        status = found.get("status") or {}
        reasons = {each["type"]: each["reason"] for each in status.get("conditions") or ()}
        return (
            status.get("latestVersion") == version
            and status.get("observedGeneration") == found["metadata"]["generation"]
            and status.get("availableReplicas") == status.get("updatedReplicas") == status.get("replicas") == replicas
            and reasons.get("Progressing") == "NewReplicationControllerAvailable"
        )

    namespace.wait_until(done, f"version {version} with {replicas} replicas")
