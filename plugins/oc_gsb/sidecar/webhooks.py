"""Whether Kasten's own webhook puts the sidecar in as well (helm value injectGenericVolumeBackupSidecar). Pure.

It is known by its configuration's name in Kasten's chart, or by a service in Kasten's namespace; whom it reaches is
said by its namespaceSelector and objectSelector (docs.kasten.io, generic storage backup).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from oc_gsb.sidecar.selectors import matches
from plugin_core.model.manifests import Manifest, labels_of, name_of, part_of
from plugin_core.workloads.templates import kind_of

INJECTOR = "k10-sidecar-injector"


def injecting_webhooks(
    workload: Manifest, configurations: Sequence[Manifest], *, namespace: Manifest, k10_namespace: str
) -> Iterator[tuple[str, bool]]:
    """The name of each that reaches this workload, and whether it acts on updates too and not on creation alone."""
    for configuration in configurations:
        for webhook in configuration.get("webhooks") or []:
            service = part_of(webhook, "clientConfig", "service", "namespace")
            if name_of(configuration) != INJECTOR and service != k10_namespace:
                continue
            operations = _operations(webhook, workload)
            reaches = matches(webhook.get("namespaceSelector") or {}, labels_of(namespace)) and matches(
                webhook.get("objectSelector") or {}, labels_of(workload))
            if operations and reaches:
                yield name_of(configuration), bool(operations & {"UPDATE", "*"})


def _operations(webhook: Manifest, workload: Manifest) -> set[str]:
    kind = kind_of(workload)
    found: set[str] = set()
    for rule in webhook.get("rules") or []:
        groups, resources = rule.get("apiGroups") or [], rule.get("resources") or []
        if {kind.group, "*"} & set(groups) and {kind.plural, "*", "*/*"} & set(resources):
            found |= set(rule.get("operations") or [])
    return found
