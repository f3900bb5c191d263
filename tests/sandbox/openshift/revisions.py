"""The ReplicationControllers of a DeploymentConfig: one per version of its pod template, told apart by annotations."""

import json
from typing import Any

from sandbox.openshift.api import Api

PREFIX = "openshift.io/"
CONFIG_NAME = f"{PREFIX}deployment-config.name"
VERSION = f"{PREFIX}deployment-config.latest-version"
PHASE = f"{PREFIX}deployment.phase"
REASON = f"{PREFIX}deployment.status-reason"
CANCELLED = f"{PREFIX}deployment.cancelled"
ENCODED_CONFIG = f"{PREFIX}encoded-deployment-config"
POD_CONFIG, POD_DEPLOYMENT = "deploymentconfig", "deployment"

RUNNING, COMPLETE, FAILED = "Running", "Complete", "Failed"
DEFAULT_HISTORY = 10

Object = dict[str, Any]


def name_of(config: Object, version: int) -> str:
    """``web-3``."""
    return f"{config['metadata']['name']}-{version}"


def annotation(controller: Object, name: str) -> str:
    """An annotation of a ReplicationController; empty when it has none."""
    return str((controller["metadata"].get("annotations") or {}).get(name, ""))


def version_of(controller: Object) -> int:
    return int(annotation(controller, VERSION) or 0)


def template_of(controller: Object) -> Any:
    """The DeploymentConfig's pod template as it was when the version was made."""
    return json.loads(annotation(controller, ENCODED_CONFIG) or "{}").get("spec", {}).get("template")


def path_of(config: Object, name: str = "") -> str:
    """The API path of the namespace's ReplicationControllers, or of one."""
    path = f"/api/v1/namespaces/{config['metadata']['namespace']}/replicationcontrollers"
    return f"{path}/{name}" if name else path


def list_revisions(api: Api, config: Object) -> list[Object]:
    """The ReplicationControllers this very DeploymentConfig owns, oldest version first."""
    found = api.items(path_of(config), labelSelector=f"{CONFIG_NAME}={config['metadata']['name']}")
    uid = config["metadata"]["uid"]
    owned = [each for each in found if any(o["uid"] == uid for o in each["metadata"].get("ownerReferences") or ())]
    return sorted(owned, key=version_of)


def new_revision(config: Object, version: int) -> Object:
    """The ReplicationController for one version, at zero replicas: the rollout raises it."""
    metadata, spec = config["metadata"], config["spec"]
    name = name_of(config, version)
    template = json.loads(json.dumps(spec["template"]))
    labels = {**((template.get("metadata") or {}).get("labels") or {})}
    own = {POD_DEPLOYMENT: name, POD_CONFIG: metadata["name"]}
    notes = {CONFIG_NAME: metadata["name"], VERSION: str(version), f"{PREFIX}deployment.name": name}
    template["metadata"] = {
        "labels": {**labels, **own},
        "annotations": {**((template.get("metadata") or {}).get("annotations") or {}), **notes},
    }
    encoded = {
        "apiVersion": config["apiVersion"],
        "kind": config["kind"],
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"]},
        "spec": spec,
        "status": {"latestVersion": version},
    }
    owner = {
        "apiVersion": config["apiVersion"],
        "kind": config["kind"],
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    return {
        "apiVersion": "v1",
        "kind": "ReplicationController",
        "metadata": {
            "name": name,
            "labels": {**(metadata.get("labels") or {}), CONFIG_NAME: metadata["name"]},
            "annotations": {
                CONFIG_NAME: metadata["name"],
                VERSION: str(version),
                PHASE: RUNNING,
                REASON: "config change",
                ENCODED_CONFIG: json.dumps(encoded),
            },
            "ownerReferences": [owner],
        },
        "spec": {
            "replicas": 0,
            "minReadySeconds": spec.get("minReadySeconds") or 0,
            "selector": {**(spec.get("selector") or labels), **own},
            "template": template,
        },
    }


def superfluous(config: Object, revisions: list[Object]) -> list[Object]:
    """Finished versions without pods, beyond what ``revisionHistoryLimit`` keeps; never the newest."""
    limit = config["spec"].get("revisionHistoryLimit")
    kept = DEFAULT_HISTORY if limit is None else int(limit)
    idle = [
        each
        for each in revisions[:-1]
        if annotation(each, PHASE) in (COMPLETE, FAILED)
        and not each["spec"].get("replicas")
        and not each.get("status", {}).get("replicas")
    ]
    return idle[: max(0, len(idle) - kept)]
