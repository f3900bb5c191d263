"""Pods as plain dicts: their containers, effective values, and what the API server adds before admission."""

import copy
from collections.abc import Iterator
from typing import Any

from oc_gsb.scc.violations import Object

CONTAINER_LISTS = ("initContainers", "ephemeralContainers", "containers")
TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"


def walk_containers(pod: Object) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every container with its path (``containers[0]``), in the order in which admission looks at them."""
    for kind in CONTAINER_LISTS:
        for index, container in enumerate(pod["spec"].get(kind) or ()):
            yield f"{kind}[{index}]", container


def pod_context(pod: Object) -> dict[str, Any]:
    """The pod's securityContext for reading; empty when unset."""
    return pod["spec"].get("securityContext") or {}


def writable_context(pod: dict[str, Any]) -> dict[str, Any]:
    """The pod's securityContext for writing; created when unset or null."""
    if pod["spec"].get("securityContext") is None:
        pod["spec"]["securityContext"] = {}
    context: dict[str, Any] = pod["spec"]["securityContext"]
    return context


def effective(pod: Object, container: Object, field: str) -> Any:
    """A securityContext field of a container: its own, or else the pod's; None when neither says."""
    own = (container.get("securityContext") or {}).get(field)
    return pod_context(pod).get(field) if own is None else own


def set_in_container(container: dict[str, Any], field: str, value: Any) -> None:
    """Write a securityContext field of a container, creating the securityContext when there is none."""
    container["securityContext"] = {**(container.get("securityContext") or {}), field: value}


def with_api_defaults(pod: Object, *, automount: bool = True) -> dict[str, Any]:
    """A copy of ``pod`` as the API server hands it to SCC admission.

    Fills in what SCC admission depends on: the ``default`` service account, an empty pod securityContext, host ports
    under hostNetwork (each container port is also a host port), and the service account token volume as the LAST
    volume.  ``automount`` is the service account's own automountServiceAccountToken, used where the pod says nothing.
    A pod that has the token volume already comes back unchanged.
    """
    result: dict[str, Any] = copy.deepcopy(dict(pod))
    spec = result.setdefault("spec", {})
    result.setdefault("metadata", {})
    spec["serviceAccountName"] = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
    spec["securityContext"] = spec.get("securityContext") or {}
    if spec.get("hostNetwork"):
        for kind in ("initContainers", "containers"):
            for container in spec.get(kind) or ():
                for port in container.get("ports") or ():
                    port["hostPort"] = port.get("hostPort") or port["containerPort"]
    wanted = spec.get("automountServiceAccountToken")
    if (automount if wanted is None else wanted) and _lacks_token(spec):
        spec["volumes"] = [*(spec.get("volumes") or ()), _token_volume()]
    return result


def _lacks_token(spec: Object) -> bool:
    if any(str(volume.get("name", "")).startswith("kube-api-access-") for volume in spec.get("volumes") or ()):
        return False
    containers = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    return any(
        TOKEN_PATH not in (mount.get("mountPath") for mount in container.get("volumeMounts") or ())
        for container in containers
    )


def _token_volume() -> dict[str, Any]:
    return {
        "name": "kube-api-access-00000",
        "projected": {
            "sources": [
                {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                {
                    "downwardAPI": {
                        "items": [
                            {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
                        ]
                    }
                },
            ]
        },
    }
