"""The least rights each command needs, as data, and the Role and ClusterRole made of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from plugin_core import errors
from plugin_core.model.kinds import CLUSTER_ROLE, RBAC_GROUP, SCC_GROUP, SNAPSHOT_GROUP
from plugin_core.model.manifests import Manifest
from plugin_core.names import GSB, MANAGED_BY_LABEL


@dataclass(frozen=True)
class Rule:
    """verbs on resources of a group. cluster: cluster-scoped, or needed in all namespaces. only: these names."""

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    cluster: bool = False
    only: tuple[str, ...] = ()


def _workloads(*verbs: str) -> tuple[Rule, ...]:
    return (Rule("apps", ("deployments", "statefulsets"), verbs),
            Rule("apps.openshift.io", ("deploymentconfigs",), verbs))


_OWNERS = (Rule("apps", ("replicasets",), ("list",)), Rule("", ("replicationcontrollers",), ("get", "list")))
_CONFIG = Rule("", ("configmaps",), ("get",), cluster=True, only=("k10-config",))
_ASK = (
    Rule("", ("namespaces",), ("get",), cluster=True),
    Rule(SCC_GROUP, ("securitycontextconstraints",), ("get", "list"), cluster=True),
    Rule("authorization.k8s.io", ("subjectaccessreviews",), ("create",), cluster=True),
)
_ROLLOUT = (
    *_workloads("get", "list", "watch", "patch"), *_OWNERS, Rule("", ("pods",), ("list", "watch", "delete")),
    Rule("", ("events", "persistentvolumeclaims"), ("list",)),
)
_GRANT = (
    Rule(RBAC_GROUP, ("rolebindings",), ("get", "list", "create")),
    Rule(RBAC_GROUP, ("clusterroles",), ("get", "create", "bind"), cluster=True),
    Rule(SCC_GROUP, ("securitycontextconstraints",), ("create", "use"), cluster=True),
)
_WITHDRAW = (
    Rule(RBAC_GROUP, ("rolebindings",), ("get", "list", "create", "delete")),
    Rule(RBAC_GROUP, ("rolebindings", "clusterrolebindings"), ("list",), cluster=True),
    Rule(RBAC_GROUP, ("clusterroles",), ("get", "create", "delete", "bind"), cluster=True),
    Rule(SCC_GROUP, ("securitycontextconstraints",), ("get", "create", "delete", "use"), cluster=True),
    Rule("", ("pods",), ("list",), cluster=True),
)
_LOOK = (*_workloads("get", "list"), *_OWNERS, Rule("", ("pods",), ("list",)))
_SOURCES = (Rule("apps", ("statefulsets", "daemonsets"), ("list",)), Rule("batch", ("jobs",), ("list",)),
            Rule(SCC_GROUP, ("podsecuritypolicysubjectreviews",), ("create",)))

COMMANDS: dict[str, tuple[Rule, ...]] = {
    "discover": (
        *_LOOK, Rule("", ("persistentvolumeclaims",), ("list",)),
        Rule("", ("persistentvolumes",), ("list",), cluster=True),
        Rule("storage.k8s.io", ("storageclasses",), ("list",), cluster=True),
        Rule(SNAPSHOT_GROUP, ("volumesnapshotclasses",), ("list",), cluster=True),
    ),
    "status": (
        *_LOOK, _CONFIG, Rule("actions.kio.kasten.io", ("backupactions",), ("list",)),
        Rule(SCC_GROUP, ("securitycontextconstraints",), ("list",), cluster=True),
    ),
    "inject": (*_ROLLOUT, *_ASK, *_GRANT, _CONFIG),
    "uninject": (*_ROLLOUT, *_WITHDRAW),
    "upgrade": (*_ROLLOUT, _CONFIG),
    "verify": (*_LOOK, Rule("", ("events",), ("list",)), Rule("", ("pods/exec",), ("create", "get")),
               Rule(SCC_GROUP, ("securitycontextconstraints",), ("get",), cluster=True)),
    "render": (*_LOOK, *_ASK, Rule("", ("persistentvolumeclaims",), ("list",)), _CONFIG),
    "scc": (*_LOOK, *_ASK, *_SOURCES, *_GRANT, *_WITHDRAW, Rule(RBAC_GROUP, ("rolebindings",), ("patch",)),
            Rule(RBAC_GROUP, ("clusterrolebindings",), ("get", "create", "delete", "patch"), cluster=True)),
    "cleanup": (*_LOOK, *_WITHDRAW, Rule(SCC_GROUP, ("securitycontextconstraints",), ("list",), cluster=True)),
    "images": (_CONFIG,),
}


def make_roles(commands: Iterable[str], *, namespace: str) -> list[tuple[tuple[str, ...], Manifest]]:
    """A Role for the namespace and a ClusterRole for the rest; the latter is left out where there is none.

    commands: () for all. Raises UsageError for one that is not known.
    """
    chosen = tuple(commands) or tuple(COMMANDS)
    unknown = [one for one in chosen if one not in COMMANDS]
    if unknown:
        raise errors.UsageError(f"no rights are known for {', '.join(unknown)}", hint=f"one of: {', '.join(COMMANDS)}")
    rules = [rule for command in chosen for rule in COMMANDS[command]]
    name = GSB if len(chosen) > 1 else f"{GSB}-{chosen[0]}"
    words = f"For: oc gsb {', '.join(chosen)}."
    made: list[tuple[tuple[str, ...], Manifest]] = []
    inside = list(_merge(rule for rule in rules if not rule.cluster))
    if inside:
        metadata = {"name": name, "namespace": namespace, "labels": {MANAGED_BY_LABEL: GSB}}
        made.append(((f"{words} Inside one namespace.",),
                     {"apiVersion": CLUSTER_ROLE.api_version, "kind": "Role", "metadata": metadata, "rules": inside}))
    outside = list(_merge(rule for rule in rules if rule.cluster))
    if outside:
        comments = [f"{words} What is cluster-scoped, or looked at in all namespaces."]
        if any("bind" in rule.verbs for rule in rules):
            comments.append("`bind` and `use` let it grant an SCC it does not hold: keep this with administrators.")
        made.append((tuple(comments), {
            "apiVersion": CLUSTER_ROLE.api_version, "kind": CLUSTER_ROLE.name,
            "metadata": {"name": name, "labels": {MANAGED_BY_LABEL: GSB}}, "rules": outside}))
    return made


def _merge(rules: Iterable[Rule]) -> Iterator[Manifest]:
    """One entry for each resource with all its verbs; resources with the same verbs share one."""
    verbs: dict[tuple[str, str, tuple[str, ...]], dict[str, None]] = {}
    for rule in rules:
        for resource in rule.resources:
            verbs.setdefault((rule.group, resource, rule.only), {}).update(dict.fromkeys(rule.verbs))
    grouped: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for (group, resource, only), wanted in verbs.items():
        grouped.setdefault((group, tuple(wanted), only), []).append(resource)
    for (group, wanted_verbs, only), resources in grouped.items():
        entry: Manifest = {"apiGroups": [group], "resources": resources, "verbs": list(wanted_verbs)}
        yield {**entry, "resourceNames": list(only)} if only else entry
