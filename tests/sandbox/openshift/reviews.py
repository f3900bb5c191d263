"""The decisions on new pods and namespaces, as the JSON patches an admission webhook answers with.

Where OpenShift waits up to ten seconds for a namespace's annotations, this refuses at once.  Updates, exec and the
validating step (nothing else here changes pods in between) are left out.
"""

import logging
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from oc_gsb.scc import Subject, predict, service_account_subject, usable_by
from sandbox.openshift.allocation import Allocator
from sandbox.openshift.api import Api

LOG = logging.getLogger(__name__)
SCCS = "/apis/security.openshift.io/v1/securitycontextconstraints"
ACCESS_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"

Patch = list[dict[str, Any]]


class Refused(Exception):
    """The request is forbidden; the text is what the user reads."""


def review_pod(api: Api, request: dict[str, Any]) -> Patch:
    """SCC admission of a pod.  Everything it decides by is read anew, so a grant counts from the moment it exists."""
    pod, namespace = request["object"], request["namespace"]
    pod["spec"]["securityContext"] = pod["spec"].get("securityContext") or {}
    requester = Subject(request["userInfo"]["username"], tuple(request["userInfo"].get("groups") or ()))
    account = pod["spec"].get("serviceAccountName")
    usable = usable_by(
        service_account=service_account_subject(namespace, account) if account else None,
        requester=requester,
        may_use=ask_api_server(api, namespace),
    )
    found = api.call("GET", f"/api/v1/namespaces/{namespace}")
    decision = predict(
        pod,
        sccs=api.items(SCCS),
        namespace_annotations=found["metadata"].get("annotations") or {},
        usable=usable,
        namespace=namespace,
    )
    name = pod["metadata"].get("name") or pod["metadata"].get("generateName")
    LOG.info("%s/%s: %s", namespace, name, decision.scc or decision.reason)
    if not decision.allowed:
        raise Refused(decision.error)
    return pod_patch(decision.pod) if decision.scc and decision.pod else []


def ask_api_server(api: Api, namespace: str) -> Callable[[Subject, str], bool]:
    """``may_use`` by SubjectAccessReview; each question is asked once per pod."""

    @lru_cache(maxsize=None)
    def may_use(subject: Subject, scc_name: str) -> bool:
        attributes = {
            "verb": "use",
            "group": "security.openshift.io",
            "resource": "securitycontextconstraints",
            "name": scc_name,
            "namespace": namespace,
        }
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": subject.name, "groups": list(subject.groups), "resourceAttributes": attributes},
        }
        return bool(api.call("POST", ACCESS_REVIEWS, review)["status"]["allowed"])

    return may_use


def pod_patch(pod: dict[str, Any]) -> Patch:
    """What admission may have changed in a pod: annotations and security contexts."""
    patch = [
        {"op": "add", "path": "/metadata/annotations", "value": pod["metadata"]["annotations"]},
        {"op": "add", "path": "/spec/securityContext", "value": pod["spec"]["securityContext"]},
    ]
    for kind in ("initContainers", "containers"):
        for index, container in enumerate(pod["spec"].get(kind) or ()):
            if container.get("securityContext") is not None:
                path = f"/spec/{kind}/{index}/securityContext"
                patch.append({"op": "add", "path": path, "value": container["securityContext"]})
    return patch


def review_namespace(allocator: Allocator, request: dict[str, Any]) -> Patch:
    """The annotations a new namespace gets."""
    namespace = request["object"]
    wanted = allocator.missing_annotations(namespace)
    if not wanted:
        return []
    present = namespace["metadata"].get("annotations") or {}
    return [{"op": "add", "path": "/metadata/annotations", "value": {**wanted, **present}}]
