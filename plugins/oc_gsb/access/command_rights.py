"""The least rights each command needs, as data; tests compare them with the requests each command makes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from plugin_core.model.kinds import (
    KASTEN_ACTIONS_GROUP,
    KASTEN_APPS_GROUP,
    KASTEN_CONFIG_GROUP,
    KASTEN_OPERATOR_GROUP,
    RBAC_GROUP,
    SCC_GROUP,
    SNAPSHOT_GROUP,
)


class Place(Enum):
    """Where a rule is bound: the application's namespace, Kasten's, or the whole cluster."""

    NAMESPACE = "namespace"
    KASTEN = "kasten"
    CLUSTER = "cluster"


@dataclass(frozen=True)
class Rule:
    """verbs on resources of a group. only: these names, () for all."""

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    place: Place = Place.NAMESPACE
    only: tuple[str, ...] = ()


_CLUSTER, _KASTEN = Place.CLUSTER, Place.KASTEN
_SCCS = "securitycontextconstraints"


def _workloads(*verbs: str) -> tuple[Rule, ...]:
    return (Rule("apps", ("deployments", "statefulsets"), verbs),
            Rule("apps.openshift.io", ("deploymentconfigs",), verbs))


_OWNERS = (Rule("apps", ("replicasets",), ("list",)), Rule("", ("replicationcontrollers",), ("get",)))
_CONFIG = Rule("", ("configmaps",), ("get",), _KASTEN, ("k10-config",))
_THIS_NAMESPACE = Rule("", ("namespaces",), ("get",))
_ASK = (
    _THIS_NAMESPACE, Rule(SCC_GROUP, (_SCCS,), ("list",), _CLUSTER),
    Rule("authorization.k8s.io", ("subjectaccessreviews",), ("create",), _CLUSTER),
)
_ROLLOUT = (
    *_workloads("get", "list", "watch", "patch"), *_OWNERS, Rule("", ("pods",), ("list", "watch", "delete")),
    Rule("", ("events", "persistentvolumeclaims"), ("list",)),
)
_GRANT = (
    Rule(RBAC_GROUP, ("rolebindings",), ("get", "create")),
    Rule(RBAC_GROUP, ("clusterroles",), ("get", "create"), _CLUSTER),
    Rule(SCC_GROUP, (_SCCS,), ("get", "create", "use"), _CLUSTER),
)
_LOOK = (*_workloads("get", "list"), *_OWNERS, Rule("", ("pods",), ("list",)))
_LOOK_AT_ALL = (*_workloads("list"), Rule("apps", ("replicasets",), ("list",)),
                Rule("", ("pods", "replicationcontrollers"), ("list",)))
_SOURCES = (Rule("", ("replicationcontrollers",), ("list",)), Rule("apps", ("daemonsets",), ("list",)),
            Rule("batch", ("jobs",), ("list",)),
            Rule(SCC_GROUP, ("podsecuritypolicysubjectreviews",), ("create",)))
_BINDINGS = (Rule(RBAC_GROUP, ("rolebindings",), ("list",)),
             Rule(RBAC_GROUP, ("clusterrolebindings",), ("list",), _CLUSTER))
_DELETE_COPY = (
    Rule(RBAC_GROUP, ("rolebindings", "clusterrolebindings"), ("list",), _CLUSTER),
    Rule(RBAC_GROUP, ("clusterroles",), ("get", "create", "delete"), _CLUSTER),
    Rule(SCC_GROUP, (_SCCS,), ("get", "create", "delete", "use"), _CLUSTER), Rule("", ("pods",), ("list",), _CLUSTER),
)
_SCC_PLAN = (*_LOOK, *_ASK, *_SOURCES)
_MEASURE = (*_LOOK, Rule("", ("events",), ("list",)), Rule("", ("pods/exec",), ("create", "get")),
            Rule(SCC_GROUP, (_SCCS,), ("get",), _CLUSTER))


_TRY_IMAGE = Rule("", ("pods",), ("create",))
_PLAN_INJECTION = (
    *_workloads("get", "list"), *_ASK, _CONFIG,
    Rule("apps", ("replicasets",), ("list",)), Rule("", ("pods",), ("list",)),
    Rule("", ("persistentvolumeclaims", "replicationcontrollers", "resourcequotas", "limitranges"), ("list",)),
    Rule("autoscaling", ("horizontalpodautoscalers",), ("list",)), Rule("policy", ("poddisruptionbudgets",), ("list",)),
    Rule("admissionregistration.k8s.io", ("mutatingwebhookconfigurations",), ("list",), _CLUSTER),
)


def _actions(*resources: str, verbs: tuple[str, ...] = ("list",), place: Place = Place.NAMESPACE) -> Rule:
    return Rule(KASTEN_ACTIONS_GROUP, resources, verbs, place)


_INSTALLATION = (
    _CONFIG, Rule(KASTEN_OPERATOR_GROUP, ("k10s",), ("list",), _KASTEN),
    Rule("apps", ("deployments",), ("get",), _KASTEN, ("executor-svc",)),
    Rule("apps", ("replicasets",), ("list",), _KASTEN),
    Rule("", ("pods",), ("list",), _KASTEN),
)
_CLUSTER_ID = Rule("", ("namespaces",), ("get",), _CLUSTER, ("default",))
_RUNS = _actions("runactions", verbs=("get", "list"), place=_KASTEN)
_FOLLOWED = (
    _RUNS, _actions("runactions/details", verbs=("get",), place=_KASTEN),
    _actions("backupactions", "exportactions"),
    _actions("backupactions/details", "exportactions/details", verbs=("get",)),
    Rule("", ("pods",), ("list",), _KASTEN),
)
_POLICY_CREATE = (
    _THIS_NAMESPACE, Rule(KASTEN_CONFIG_GROUP, ("profiles",), ("get", "list"), _KASTEN),
    Rule(KASTEN_CONFIG_GROUP, ("policies",), ("get", "list", "watch", "create", "patch"), _KASTEN),
)
_POLICY_RUN = (
    *_INSTALLATION, *_FOLLOWED, *_MEASURE, _THIS_NAMESPACE, _actions("runactions", verbs=("create",), place=_KASTEN),
    Rule(KASTEN_CONFIG_GROUP, ("policies",), ("get", "list", "watch", "patch"), _KASTEN),
    Rule(KASTEN_CONFIG_GROUP, ("profiles",), ("get",), _KASTEN),
)
_POINTS = (
    Rule(KASTEN_APPS_GROUP, ("restorepoints",), ("list",)),
    Rule(KASTEN_APPS_GROUP, ("restorepoints/details",), ("get",)),
    Rule(KASTEN_APPS_GROUP, ("restorepointcontents",), ("list",), _CLUSTER),
    Rule(KASTEN_APPS_GROUP, ("restorepointcontents/details",), ("get",), _CLUSTER),
)
_RESTORE = (
    *_POINTS, *_MEASURE, *_workloads("watch"), _THIS_NAMESPACE,
    Rule("", ("pods",), ("list", "watch")), Rule("", ("pods",), ("list",), _KASTEN),
    Rule(KASTEN_APPS_GROUP, ("restorepoints",), ("get", "create")),
    _actions("restoreactions", verbs=("get", "list", "create")), _actions("restoreactions/details", verbs=("get",)),
    Rule(KASTEN_CONFIG_GROUP, ("policies",), ("get",), _KASTEN),
    Rule(RBAC_GROUP, ("rolebindings",), ("get", "create", "patch")),
    Rule(RBAC_GROUP, ("clusterroles",), ("get", "create"), _CLUSTER),
    Rule(SCC_GROUP, (_SCCS,), ("get", "create", "use"), _CLUSTER),
)


def _everywhere(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    return tuple(replace(rule, place=_CLUSTER) if rule.place is Place.NAMESPACE else rule for rule in rules)


COMMANDS: dict[str, tuple[Rule, ...]] = {
    "discover": (
        *_LOOK_AT_ALL, Rule("", ("persistentvolumeclaims",), ("list",)),
        Rule("", ("persistentvolumes",), ("list",), _CLUSTER),
        Rule("storage.k8s.io", ("storageclasses",), ("list",), _CLUSTER),
        Rule(SNAPSHOT_GROUP, ("volumesnapshotclasses",), ("list",), _CLUSTER),
    ),
    "status": (*_LOOK_AT_ALL, _CONFIG, _actions("backupactions"), Rule(SCC_GROUP, (_SCCS,), ("list",), _CLUSTER)),
    "inject": (*_PLAN_INJECTION, *_ROLLOUT, *_GRANT, _TRY_IMAGE,
               Rule("apps", ("deployments",), ("get",), _KASTEN, ("executor-svc",))),
    "uninject": (*_ROLLOUT, *_DELETE_COPY, Rule(RBAC_GROUP, ("rolebindings",), ("get", "list", "create", "delete"))),
    "upgrade": (*_ROLLOUT, _CONFIG, _TRY_IMAGE),
    "verify": (*_MEASURE, _CONFIG),
    "render": _PLAN_INJECTION,
    "scc-plan": _SCC_PLAN,
    "scc-create": (*_SCC_PLAN, Rule(SCC_GROUP, (_SCCS,), ("create",), _CLUSTER)),
    "scc-grant": (*_SCC_PLAN, *_BINDINGS, Rule(RBAC_GROUP, ("rolebindings",), ("get", "create")),
                  Rule(RBAC_GROUP, ("clusterroles", "clusterrolebindings"), ("get", "create"), _CLUSTER),
                  Rule(SCC_GROUP, (_SCCS,), ("use",), _CLUSTER)),
    "scc-revoke": (*_SCC_PLAN, *_BINDINGS, Rule(RBAC_GROUP, ("rolebindings",), ("delete", "patch")),
                   Rule(RBAC_GROUP, ("clusterrolebindings",), ("delete", "patch"), _CLUSTER)),
    "scc-delete": _DELETE_COPY,
    "cleanup": (*_workloads("list"), *_DELETE_COPY, Rule("", ("pods",), ("list",)),
                Rule(RBAC_GROUP, ("rolebindings",), ("list", "delete")),
                Rule(SCC_GROUP, (_SCCS,), ("list",), _CLUSTER)),
    "images": (_CONFIG,),
    "token-status": (*_INSTALLATION, _CLUSTER_ID),
    "token-cluster-id": (_CLUSTER_ID,),
    "token-set": (
        *_INSTALLATION, _CLUSTER_ID, Rule(KASTEN_OPERATOR_GROUP, ("k10s",), ("patch",), _KASTEN),
        Rule("", ("configmaps",), ("list", "watch"), _KASTEN, ("k10-config",)),
        Rule("apps", ("deployments",), ("list", "watch"), _KASTEN), Rule("", ("pods",), ("list", "watch"), _KASTEN),
        Rule("", ("events",), ("list",), _KASTEN),
        _actions("runactions", "backupactions", "exportactions", "restoreactions", place=_CLUSTER),
    ),
    "policy-create": _POLICY_CREATE,
    "policy-run": _POLICY_RUN,
    "policy-cancel": (*_FOLLOWED, _actions("cancelactions", verbs=("create",), place=_KASTEN)),
    "policy-status": (_actions("runactions", place=_KASTEN),
                      Rule(KASTEN_CONFIG_GROUP, ("policies",), ("get", "list"), _KASTEN)),
    "policy-delete": (Rule(KASTEN_CONFIG_GROUP, ("policies",), ("get", "delete"), _KASTEN),),
    "backup": (*_POLICY_CREATE, *_POLICY_RUN),
    "restorepoints": (*_POINTS, Rule("", ("namespaces",), ("list",), _CLUSTER)),
    "restore": _RESTORE,
    "restore-recreated": (*_everywhere(_RESTORE), Rule("", ("namespaces",), ("get", "create"), _CLUSTER)),
}
"""restore-recreated: into a namespace that is not there, where no Role can be bound beforehand."""

GROUPS = ("scc", "token", "policy")
"""Commands that stand for all their subcommands."""
