"""Which new objects the aggregated API refuses, and with which words."""

import re
from typing import Any

from sandbox.kasten.cluster import Cluster
from sandbox.kasten.kinds import (
    APP_NAME,
    APP_NAMESPACE,
    BACKUP,
    CANCEL,
    CONTENT,
    EXPORT,
    KINDS,
    NAMESPACE,
    POINT,
    RESTORE,
    RUN,
    RUN_ACTION,
    Kind,
)
from sandbox.kasten.store import Refused, Store

Manifest = dict[str, Any]
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


def admit(store: Store, cluster: Cluster, kind: Kind, item: Manifest, namespace: str) -> Manifest:
    """The object to be stored. Raises Refused."""
    metadata, spec = item.setdefault("metadata", {}), item.get("spec") or {}
    _check_place(cluster, kind, metadata, namespace)
    item.pop("status", None)
    if kind is BACKUP:
        labels = metadata.get("labels") or {}
        if not {APP_NAME, APP_NAMESPACE} <= set(labels):
            raise _invalid(f"labels {APP_NAME} and {APP_NAMESPACE} are required")
    if kind is RUN:
        _check_policy(cluster, spec.get("subject") or {})
    if kind is EXPORT and namespace != NAMESPACE and RUN_ACTION not in (metadata.get("labels") or {}):
        raise _invalid(f"an on-demand ExportAction must be in namespace {NAMESPACE}")
    if kind in (RESTORE, EXPORT):
        subject = spec.get("subject") or {}
        store.get(POINT, str(subject.get("name")), namespace=str(subject.get("namespace")))
    if kind is RESTORE and spec.get("targetNamespace") != namespace:
        raise _invalid("targetNamespace must be the namespace of the RestoreAction")
    if kind is POINT:
        return _bound(store, item, spec)
    if kind is CANCEL:
        subject = spec.get("subject") or {}
        of = next((one for one in KINDS if one.name == subject.get("kind")), None)
        if of is None:
            raise _invalid("subject.kind is no action")
        store.get(of, str(subject.get("name")), namespace=str(subject.get("namespace", "")))
    if kind is CONTENT:
        raise Refused(403, "Forbidden", "restorepointcontents are created by Kasten only (stand-in)")
    return item


def _check_place(cluster: Cluster, kind: Kind, metadata: Manifest, namespace: str) -> None:
    """The checks every API server makes: a name that can be one, a namespace that is there and stays."""
    name = metadata.get("name") or metadata.get("generateName", "").rstrip("-.") or "x"
    if not _NAME.fullmatch(name):
        raise _invalid(f"metadata.name: Invalid value: \"{name}\"")
    if not kind.namespaced:
        return
    found = cluster.find(f"/api/v1/namespaces/{namespace}")
    if found is None:
        raise Refused(404, "NotFound", f'namespaces "{namespace}" not found')
    if found["metadata"].get("deletionTimestamp"):
        raise Refused(403, "Forbidden", f"unable to create new content in namespace {namespace} because it is being "
                                        "terminated")


def _check_policy(cluster: Cluster, subject: Manifest) -> None:
    policy = cluster.find(f"/apis/config.kio.kasten.io/v1alpha1/namespaces/{subject.get('namespace')}/policies/"
                          f"{subject.get('name')}")
    if policy is None:
        raise Refused(404, "NotFound", f'policies.config.kio.kasten.io "{subject.get("name")}" not found')
    if (policy.get("status") or {}).get("validation") != "Success":
        raise Refused(400, "BadRequest", "Cannot execute action for an invalid policy")


def _bound(store: Store, item: Manifest, spec: Manifest) -> Manifest:
    """A restore point made by hand takes labels and times from the content it refers to."""
    content = store.get(CONTENT, str((spec.get("restorePointContentRef") or {}).get("name")))
    labels = {**(content["metadata"].get("labels") or {}), **(item["metadata"].get("labels") or {})}
    item["metadata"]["labels"] = labels
    item["status"] = content.get("status") or {}
    return item


def _invalid(words: str) -> Refused:
    return Refused(422, "Invalid", words)
