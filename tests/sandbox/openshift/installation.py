"""Put the OpenShift stand-in into a running sandbox."""

import base64
import json
from pathlib import Path
from typing import Any

import yaml

from oc_gsb.scc.allocations import UID_RANGE
from sandbox.context import Context
from sandbox.waiting import answers_https, wait_until

FOLDER = Path(__file__).parent
CRDS, SCCS = FOLDER / "crds.yaml", FOLDER / "sccs.yaml"
STANDS_IN = {"sandbox.rwx/stand-in": "openshift"}
SWITCH = "sandbox.rwx/scc"
"""A namespace labelled with this as "off" has no SCC admission."""
OPEN_TO_ALL = ("restricted-v2", "restricted-v3")


def install(context: Context) -> None:
    """Kinds, SCCs and their roles, controllers, webhooks; returns when pods are checked and namespaces annotated."""
    webhook = _start_webhook(context)
    _apply(context, *yaml.safe_load_all(CRDS.read_text()))
    names = ("securitycontextconstraints.security.openshift.io", "deploymentconfigs.apps.openshift.io")
    context.run_kubectl("wait", "--for=condition=Established", "--timeout=60s", *(f"crd/{name}" for name in names))
    sccs = list(yaml.safe_load_all(SCCS.read_text()))
    _apply(context, *sccs, *(item for scc in sccs for item in _roles(scc["metadata"]["name"])))
    controllers = [str(context.python), "-m", "sandbox.openshift.deploymentconfigs"]
    context.start_process("openshift-deploymentconfigs", controllers)
    _apply(context, webhook)
    wait_until(lambda: not _namespaces_without_annotations(context), what="every namespace getting its uid range")


def _start_webhook(context: Context) -> dict[str, Any]:
    """Start the server; the configuration that makes the API server ask it."""
    port = context.free_port("openshift-webhook")
    files = context.ca.issue_server("openshift-webhook")
    url = f"https://127.0.0.1:{port}"
    options = [f"--port={port}", f"--certificate={files.certificate}", f"--key={files.key}"]
    context.start_process(
        "openshift-webhook",
        [str(context.python), "-m", "sandbox.openshift.webhook", *options],
        ready=lambda: answers_https(url, files.ca_bundle),
    )
    return _webhook_configuration(url, base64.b64encode(files.ca_bundle.read_bytes()).decode())


def _apply(context: Context, *objects: dict[str, Any]) -> None:
    for item in objects:
        item["metadata"]["labels"] = {**item["metadata"].get("labels", {}), **STANDS_IN}
    listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
    # kubectl's own validation does not know that fields may be null
    options = ("--server-side", "--force-conflicts", "--validate=false")
    context.run_kubectl("apply", *options, "-f", "-", stdin=json.dumps(listed))


def _roles(scc: str) -> list[dict[str, Any]]:
    """The ClusterRole for one SCC, and its binding where every authenticated user may use it."""
    api, name = "rbac.authorization.k8s.io", f"system:openshift:scc:{scc}"
    rule = {
        "apiGroups": ["security.openshift.io"],
        "resources": ["securitycontextconstraints"],
        "resourceNames": [scc],
        "verbs": ["use"],
    }
    objects: list[dict[str, Any]] = [
        {"apiVersion": f"{api}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": [rule]}
    ]
    if scc in OPEN_TO_ALL:
        objects.append(
            {
                "apiVersion": f"{api}/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {"name": name},
                "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": name},
                "subjects": [{"apiGroup": api, "kind": "Group", "name": "system:authenticated"}],
            }
        )
    return objects


def _webhook_configuration(url: str, ca_bundle: str) -> dict[str, Any]:
    def webhook(name: str, path: str, resource: str, **selection: Any) -> dict[str, Any]:
        return {
            "name": name,
            "clientConfig": {"url": f"{url}{path}", "caBundle": ca_bundle},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": [resource]}],
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "failurePolicy": "Fail",
            "timeoutSeconds": 10,
            **selection,
        }

    checked = {
        "matchExpressions": [
            {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["kube-system"]},
            {"key": SWITCH, "operator": "NotIn", "values": ["off"]},
        ]
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "openshift-stand-in"},
        "webhooks": [
            webhook("scc.sandbox.rwx", "/pods", "pods", namespaceSelector=checked),
            webhook("allocation.sandbox.rwx", "/namespaces", "namespaces"),
        ],
    }


def _namespaces_without_annotations(context: Context) -> list[str]:
    listed = json.loads(context.run_kubectl("get", "namespaces", "-o", "json"))["items"]
    return [
        item["metadata"]["name"] for item in listed if UID_RANGE not in (item["metadata"].get("annotations") or {})
    ]
