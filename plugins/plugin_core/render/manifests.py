"""Kubernetes objects as YAML documents, the way people keep them in Git."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def yaml_documents(manifests: Iterable[tuple[Sequence[str], Mapping[str, Any]]]) -> str:
    """Each object with its comment lines above it; keys keep their order, nothing is wrapped or becomes an &alias."""
    import yaml

    parts = []
    for comments, manifest in manifests:
        lines = "".join(f"# {line}\n" if line else "#\n" for line in comments)
        plain = json.loads(json.dumps(manifest))
        text = yaml.safe_dump(plain, sort_keys=False, default_flow_style=False, allow_unicode=True, width=math.inf)
        parts.append(f"---\n{lines}{text}")
    return "".join(parts)
