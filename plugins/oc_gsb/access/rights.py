"""The Roles and ClusterRole that commands need, made of command_rights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from oc_gsb.access.command_rights import COMMANDS, GROUPS, Place, Rule
from plugin_core import errors
from plugin_core.model.kinds import CLUSTER_ROLE
from plugin_core.model.manifests import Manifest
from plugin_core.names import GSB, MANAGED_BY_LABEL

_WORDS = {
    Place.NAMESPACE: "Inside the application's namespace.",
    Place.KASTEN: "In Kasten's namespace.",
    Place.CLUSTER: "What is cluster-scoped, or looked at in all namespaces.",
}
_POWERFUL = ("Who may grant an SCC must be allowed to `use` it, and so to run pods under it: keep this with "
             "administrators, or add resourceNames with the copies you expect.")


def make_roles(
    commands: Iterable[str], *, namespace: str, k10_namespace: str
) -> list[tuple[tuple[str, ...], Manifest]]:
    """Comments and manifest of a Role for the namespace, one for Kasten's, and a ClusterRole; each only where it has
    rules, and the two Roles as one when the namespaces are the same.

    commands: names of COMMANDS, or of GROUPS for all their subcommands; () for all. namespace: "" for all namespaces,
    with a ClusterRole instead of the first Role. Raises UsageError for unknown commands.
    """
    chosen = _chosen(tuple(commands))
    name = GSB if len(chosen) > 1 else f"{GSB}-{chosen[0]}"
    words = f"For: oc gsb {', '.join(chosen)}."
    rules: dict[str, list[Rule]] = {}
    places = {Place.NAMESPACE: namespace, Place.KASTEN: k10_namespace, Place.CLUSTER: ""}
    told: dict[str, Place] = {"": Place.CLUSTER}
    for place, where in places.items():
        told.setdefault(where, place)
        rules.setdefault(where, []).extend(rule for one in chosen for rule in COMMANDS[one] if rule.place is place)
    made: list[tuple[tuple[str, ...], Manifest]] = []
    for where, found in sorted(rules.items(), key=lambda pair: not pair[0]):
        entries = list(_merge(found))
        if not entries:
            continue
        metadata: Manifest = {"name": name, "labels": {MANAGED_BY_LABEL: GSB}}
        if where:
            metadata["namespace"] = where
        powerful = [_POWERFUL] if any("use" in one.verbs for one in found) else []
        kind = "Role" if where else CLUSTER_ROLE.name
        made.append(((f"{words} {_WORDS[told[where]]}", *powerful), {
            "apiVersion": CLUSTER_ROLE.api_version, "kind": kind, "metadata": metadata, "rules": entries}))
    return made


def _chosen(commands: tuple[str, ...]) -> tuple[str, ...]:
    wanted: dict[str, None] = {}
    unknown = []
    for one in commands or COMMANDS:
        found = [name for name in COMMANDS if name == one or (one in GROUPS and name.startswith(f"{one}-"))]
        wanted.update(dict.fromkeys(found))
        unknown += [] if found else [one]
    if unknown:
        raise errors.UsageError(f"no rights are known for {', '.join(unknown)}",
                                hint=f"one of: {', '.join((*GROUPS, *COMMANDS))}")
    return tuple(wanted)


def _merge(rules: Iterable[Rule]) -> Iterator[Manifest]:
    """One entry for each resource with all its verbs; resources with the same verbs share one. A verb that is given
    for all names of a resource is not given again for some."""
    verbs: dict[tuple[str, str, tuple[str, ...]], dict[str, None]] = {}
    for rule in rules:
        for resource in rule.resources:
            verbs.setdefault((rule.group, resource, rule.only), {}).update(dict.fromkeys(rule.verbs))
    grouped: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for (group, resource, only), wanted in verbs.items():
        open_to_all = verbs.get((group, resource, ()), {}) if only else {}
        kept = tuple(verb for verb in wanted if verb not in open_to_all)
        if kept:
            grouped.setdefault((group, kept, only), []).append(resource)
    for (group, wanted_verbs, only), resources in grouped.items():
        entry: Manifest = {"apiGroups": [group], "resources": resources, "verbs": list(wanted_verbs)}
        yield {**entry, "resourceNames": list(only)} if only else entry
