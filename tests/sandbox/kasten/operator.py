"""The operator's part: the K10 object becomes k10-config and the services; validation of policies and profiles."""

import logging
import threading
from typing import Any

from kubernetes.client.rest import ApiException

from sandbox.kasten.faults import VALIDATION, fault
from sandbox.kasten.kinds import NAMESPACE
from sandbox.kasten.objects import CONFIG, PUBLIC_KEY, SERVICES, TOKEN_KEY, Manifest, service_deployment
from sandbox.openshift.api import MERGE_PATCH, Api

LOG = logging.getLogger(__name__)
APPLY_PATCH = "application/apply-patch+yaml"
_CONFIG_PATH = f"/api/v1/namespaces/{NAMESPACE}/configmaps/{CONFIG}"
K10S = f"/apis/apik10.kasten.io/v1alpha1/namespaces/{NAMESPACE}/k10s"
POLICIES = "/apis/config.kio.kasten.io/v1alpha1/policies"
PROFILES = "/apis/config.kio.kasten.io/v1alpha1/profiles"


def follow_k10(api: Api) -> None:
    """For ever: each change of the K10 object goes into k10-config, then all services restart at once."""
    for event, k10 in api.events(K10S):
        if event == "DELETED":
            continue
        try:
            reconcile(api, k10)
        except ApiException as error:
            LOG.error("reconcile: %s %s", error.status, error.body)


def reconcile(api: Api, k10: Manifest) -> None:
    """The token's keys are there only when they have a value, as in the chart."""
    storage = (k10.get("spec") or {}).get("genericStorageBackup") or {}
    keys = {TOKEN_KEY: storage.get("token") or None, PUBLIC_KEY: storage.get("overridepubkey") or None}
    config = api.call("PATCH", _CONFIG_PATH, {"data": keys}, content_type=MERGE_PATCH)
    for name in SERVICES:
        path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{name}"
        wanted = service_deployment(name, {key: value for key, value in config["data"].items() if key in keys})
        if name != "executor-svc" and _replicas(api, path) == 0:
            wanted["spec"].pop("replicas")
        api.call("PATCH", path, wanted, content_type=APPLY_PATCH, fieldManager="kasten-stand-in", force="true")


def _replicas(api: Api, path: str) -> int:
    try:
        return int(api.call("GET", path)["spec"].get("replicas", 1))
    except ApiException:
        return 1


def follow_validation(api: Api, path: str) -> None:
    """For ever: policies (or profiles) get their status.validation, anew when their spec or faults change."""
    seen: dict[str, Any] = {}
    for event, item in api.events(path):
        uid, mark = item["metadata"]["uid"], (item["metadata"]["generation"], fault(item, VALIDATION))
        if event == "DELETED" or seen.get(uid) == mark:
            continue
        seen[uid] = mark
        timer = threading.Timer(0.3, _validate, (api, path, item))
        timer.daemon = True
        timer.start()


def _validate(api: Api, path: str, item: Manifest) -> None:
    words = fault(item, VALIDATION)
    if words == "pending":
        return
    try:
        problem = words or (_policy_problem(api, item) if path == POLICIES else _profile_problem(api, item))
        status: Manifest = {"validation": "Failed" if problem else "Success", "error": [problem] if problem else None}
        where = f"{path.rsplit('/', 1)[0]}/namespaces/{item['metadata']['namespace']}/{path.rsplit('/', 1)[1]}"
        api.call("PATCH", f"{where}/{item['metadata']['name']}/status", {"status": status}, content_type=MERGE_PATCH)
    except ApiException as error:
        LOG.warning("validation of %s: %s", item["metadata"]["name"], error.status)


def _policy_problem(api: Api, policy: Manifest) -> str:
    for action in policy["spec"].get("actions") or []:
        for key in ("backupParameters", "exportParameters"):
            profile = (action.get(key) or {}).get("profile")
            if profile and _absent(api, f"{PROFILES.rsplit('/', 1)[0]}/namespaces/{profile['namespace']}/profiles/"
                                        f"{profile['name']}"):
                return f"Profile {profile['namespace']}/{profile['name']} not found"
        if action.get("action") == "export" and not (action.get("exportParameters") or {}).get("profile"):
            return "Export action requires a location profile"
    return ""


def _profile_problem(api: Api, profile: Manifest) -> str:
    location = profile["spec"].get("locationSpec") or {}
    secret = (location.get("credential") or {}).get("secret") or {}
    if secret and _absent(api, f"/api/v1/namespaces/{secret['namespace']}/secrets/{secret['name']}"):
        return f"Failed to get secret {secret['namespace']}/{secret['name']}"
    return ""


def _absent(api: Api, path: str) -> bool:
    try:
        api.call("GET", path)
    except ApiException as error:
        if error.status == 404:
            return True
        raise
    return False
