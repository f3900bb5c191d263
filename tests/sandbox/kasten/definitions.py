"""The kinds that are CRDs in Kasten too (facts 3). Only their place is defined: every field is kept as it is sent."""

from typing import Any

_ANYTHING = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_CONFIG = "config.kio.kasten.io"


def definition(kind: str, plural: str, group: str) -> dict[str, Any]:
    """A CustomResourceDefinition; plural is also the short way to write it."""
    schema = {"type": "object", "properties": {"spec": _ANYTHING, "status": _ANYTHING}}
    column = {"name": "Status", "type": "string", "jsonPath": ".status.validation"}
    version = {"name": "v1alpha1", "served": True, "storage": True, "subresources": {"status": {}},
               "schema": {"openAPIV3Schema": schema}, "additionalPrinterColumns": [column]}
    return {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}", "labels": {"sandbox.rwx/stand-in": "kasten"}},
        "spec": {"group": group, "scope": "Namespaced", "versions": [version],
                 "names": {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()}},
    }


DEFINITIONS = (
    definition("Policy", "policies", _CONFIG),
    definition("Profile", "profiles", _CONFIG),
    definition("K10", "k10s", "apik10.kasten.io"),
)
