"""The objects the stand-in lays out in kasten-io: services as sleeping pods, the profile, roles, API registrations."""

import hashlib
from typing import Any

from sandbox.kasten.kinds import ACTIONS, APPS, NAMESPACE, NOTE, NOTE_TEXT, VERSION

STANDS_IN = {"sandbox.rwx/stand-in": "kasten"}
CONFIG = "k10-config"
TOOLS_IMAGE = "sandbox.local/kanister-tools:1"
PODS_IMAGE = "sandbox.local/tools:1"
K10_VERSION = "8.5.12-standin"
TOKEN_KEY, PUBLIC_KEY = "GVSActivationToken", "overridePublicKeyForGVS"
TOKEN_VARIABLE, PUBLIC_KEY_VARIABLE = "K10_GVS_ACTIVATION_TOKEN", "OVERRIDE_GVS_TOKEN_VERIFICATION_KEY"
EXECUTOR, AGGREGATED, CATALOG = "executor-svc", "aggregatedapis-svc", "catalog-svc"
SERVICES = (EXECUTOR, AGGREGATED, CATALOG)
PROFILE = "standin-store"
_RESOURCES = {"requests": {"cpu": "1m", "memory": "4Mi"}, "limits": {"cpu": "50m", "memory": "32Mi"}}
Manifest = dict[str, Any]


def metadata(name: str, *, namespace: str = NAMESPACE, **more: Any) -> Manifest:
    """Name, namespace ("" for none), the stand-in's label and note."""
    labels, annotations = more.pop("labels", {}), more.pop("annotations", {})
    where = {"namespace": namespace} if namespace else {}
    return {"name": name, **where, "labels": {**STANDS_IN, **labels}, "annotations": {NOTE: NOTE_TEXT, **annotations},
            **more}


def service_deployment(name: str, config: dict[str, str]) -> Manifest:
    """One of Kasten's services, as a pod that sleeps. The chart's checksum annotation makes a new configuration restart
    it, and only the executor gets the token, each variable only when its key is there (facts 3.5)."""
    checksum = hashlib.sha256(repr(sorted(config.items())).encode()).hexdigest()
    variables = {TOKEN_VARIABLE: config.get(TOKEN_KEY), PUBLIC_KEY_VARIABLE: config.get(PUBLIC_KEY)}
    environment = [
        {"name": variable, "valueFrom": {"configMapKeyRef": {"name": CONFIG, "key": key}}}
        for (variable, value), key in zip(variables.items(), (TOKEN_KEY, PUBLIC_KEY)) if value and name == EXECUTOR
    ]
    labels = {"app": "k10", "component": name.removesuffix("-svc"), "service": name}
    container: Manifest = {"name": name, "image": PODS_IMAGE, "command": ["sleep", "infinity"],
                           "resources": _RESOURCES, "env": environment}
    containers = [container]
    if name == CATALOG:
        # Kasten's own catalog has a container of this name too: nothing may take it for an injected workload
        containers.append({**container, "name": "kanister-sidecar", "env": []})
    spec = {"terminationGracePeriodSeconds": 0, "containers": containers}
    template = {"metadata": {"labels": {**STANDS_IN, **labels},
                             "annotations": {"checksum/config": checksum}}, "spec": spec}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata(name, labels=labels),
        "spec": {"replicas": 1, "strategy": {"type": "Recreate"}, "selector": {"matchLabels": {"service": name}},
                 "template": template},
    }


def profile() -> Manifest:
    """A Location profile; its objects lie in the sandbox's folder, whatever bucket it names."""
    secret = {"apiVersion": "v1", "kind": "secret", "name": PROFILE, "namespace": NAMESPACE}
    bucket = {"name": "standin", "objectStoreType": "S3", "endpoint": "https://stand-in.invalid", "region": "nowhere"}
    return {
        "apiVersion": "config.kio.kasten.io/v1alpha1", "kind": "Profile", "metadata": metadata(PROFILE),
        "spec": {"type": "Location", "locationSpec": {
            "type": "ObjectStore", "objectStore": bucket,
            "credential": {"secretType": "AwsAccessKey", "secret": secret},
        }},
    }


def installed() -> list[Manifest]:
    """Everything but the configuration, which the operator owns, and the services, which it rolls."""
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata(PROFILE), "type": "secrets.kanister.io/aws",
              "stringData": {"aws_access_key_id": "stand-in", "aws_secret_access_key": "stand-in"}}
    k10 = {"apiVersion": "apik10.kasten.io/v1alpha1", "kind": "K10", "metadata": metadata("k10"), "spec": {}}
    return [secret, profile(), k10, *_roles()]


def _roles() -> list[Manifest]:
    """The chart's roles as far as the facts name them: k10-admin everything, k10-basic for work in a namespace."""
    everything = {"apiGroups": [ACTIONS, APPS, "config.kio.kasten.io", "apik10.kasten.io"], "resources": ["*"],
                  "verbs": ["*"]}
    actions = ["backupactions", "backupactions/details", "restoreactions", "restoreactions/details", "exportactions",
               "exportactions/details", "runactions", "runactions/details", "cancelactions"]
    basic = [
        {"apiGroups": [ACTIONS], "resources": actions, "verbs": ["*"]},
        {"apiGroups": [APPS], "resources": ["restorepoints", "restorepoints/details"], "verbs": ["*"]},
        {"apiGroups": ["config.kio.kasten.io"], "resources": ["policies"], "verbs": ["*"]},
    ]
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole"}
    return [{**role, "metadata": metadata("k10-admin", namespace=""), "rules": [everything]},
            {**role, "metadata": metadata("k10-basic", namespace=""), "rules": basic}]


def registrations(port: int, ca_bundle: str) -> list[Manifest]:
    """Where the API server finds the aggregated groups: this machine, since there is no service network."""
    service = {"apiVersion": "v1", "kind": "Service", "metadata": metadata(AGGREGATED),
               "spec": {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": port}]}}
    found = [service]
    for group in (ACTIONS, APPS):
        found.append({
            "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
            "metadata": metadata(f"{VERSION}.{group}", namespace=""),
            "spec": {"group": group, "version": VERSION, "groupPriorityMinimum": 1000, "versionPriority": 15,
                     "caBundle": ca_bundle,
                     "service": {"name": AGGREGATED, "namespace": NAMESPACE, "port": port}},
        })
    return found
