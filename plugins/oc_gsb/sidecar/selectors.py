"""Label selectors as the API has them, judged here. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from plugin_core.model.manifests import Manifest


def matches(selector: Manifest | None, labels: Mapping[str, str]) -> bool:
    """Whether a LabelSelector takes in these labels. {} takes in everything, None nothing (apimachinery, labels)."""
    if selector is None:
        return False
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_fits(rule, labels) for rule in selector.get("matchExpressions") or [])


def _fits(rule: Manifest, labels: Mapping[str, str]) -> bool:
    key, values = str(rule.get("key")), rule.get("values") or []
    return {
        "In": labels.get(key) in values, "NotIn": key not in labels or labels[key] not in values,
        "Exists": key in labels, "DoesNotExist": key not in labels,
    }[str(rule.get("operator"))]
