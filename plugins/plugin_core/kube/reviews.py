"""The questions "may I?" and "may they?" as the API server is asked them, and its answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plugin_core.kube.cluster import Access
from plugin_core.model.kinds import ACCESS_REVIEW, SUBJECT_REVIEW, Kind
from plugin_core.model.manifests import Manifest


def review_of_ourselves(
    verb: str, kind: Kind, *, namespace: str | None, name: str, subresource: str
) -> Manifest:
    """A SelfSubjectAccessReview. namespace None asks for all namespaces."""
    return _review(ACCESS_REVIEW, {"resourceAttributes": _attributes(
        verb, kind, namespace=namespace, name=name, subresource=subresource
    )})


def review_of_subject(
    user: str, groups: Sequence[str], verb: str, kind: Kind, *, namespace: str | None, name: str
) -> Manifest:
    """A SubjectAccessReview of someone who has exactly these groups."""
    return _review(SUBJECT_REVIEW, {
        "resourceAttributes": _attributes(verb, kind, namespace=namespace, name=name), "user": user,
        "groups": list(groups),
    })


def verdict_of(answer: Manifest) -> Access:
    """What a review that the server has filled in says."""
    status = answer.get("status", {})
    return Access(allowed=bool(status.get("allowed")), reason=str(status.get("reason", "")))


def _review(kind: Kind, spec: dict[str, Any]) -> Manifest:
    return {"apiVersion": kind.api_version, "kind": kind.name, "spec": spec}


def _attributes(
    verb: str, kind: Kind, *, namespace: str | None, name: str, subresource: str | None = None
) -> dict[str, str]:
    asked = {"verb": verb, "group": kind.group, "resource": kind.plural, "name": name, "namespace": namespace or ""}
    return asked if subresource is None else {**asked, "subresource": subresource}
