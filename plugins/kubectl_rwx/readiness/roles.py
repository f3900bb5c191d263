"""The rights each command needs, as Roles to grant: required ones, and further ones that make its answer complete.

The requests themselves are the measure; tests run commands as a user who is bound to exactly what is printed here.
Discovery and SelfSubjectAccessReview are every authenticated user's (system:discovery, system:basic-user).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from kubectl_rwx.protection.rights import Right
from kubectl_rwx.readiness.verification.plans import CLUSTER_RIGHTS, FURTHER_RIGHTS, RIGHTS
from plugin_core import errors, names
from plugin_core.model.kinds import (
    CSI_DRIVER,
    CSI_NODE,
    CUSTOM_RESOURCE_DEFINITION,
    DEPLOYMENT,
    EVENT,
    LEASE,
    PERSISTENT_VOLUME,
    PERSISTENT_VOLUME_CLAIM,
    RBAC_GROUP,
    STORAGE_CLASS,
    VOLUME_SNAPSHOT,
    VOLUME_SNAPSHOT_CLASS,
    VOLUME_SNAPSHOT_CONTENT,
    Kind,
)
from plugin_core.model.manifests import Manifest
from plugin_core.model.reports import Column, Item, Report, column


@dataclass(frozen=True)
class Needs:
    """required: the command refuses to start without them. further: it says what it could not see or do."""

    required: tuple[Right, ...]
    further: tuple[Right, ...] = ()


def _all(kind: Kind, *verbs: str) -> tuple[Right, ...]:
    return tuple(Right(verb, kind) for verb in verbs)


_CHECK = Needs(_all(STORAGE_CLASS, "list"), (
    *_all(PERSISTENT_VOLUME, "list"), *_all(CSI_DRIVER, "list"), *_all(CSI_NODE, "list"),
    *_all(VOLUME_SNAPSHOT_CLASS, "list"), *_all(VOLUME_SNAPSHOT_CONTENT, "list"),
    *_all(CUSTOM_RESOURCE_DEFINITION, "get"),
))
_EVENTS = _all(EVENT, "list")

NEEDS = {
    "check": _CHECK,
    "verify": Needs(
        (*RIGHTS, *CLUSTER_RIGHTS),
        (*FURTHER_RIGHTS, *_all(STORAGE_CLASS, "list"), *_all(PERSISTENT_VOLUME, "get", "list", "watch", "patch"),
         *_all(VOLUME_SNAPSHOT_CONTENT, "get", "patch")),
    ),
    "provision": Needs(
        (*_all(PERSISTENT_VOLUME_CLAIM, "get", "create", "list", "watch"), *_CHECK.required),
        (*_CHECK.further, *_EVENTS),
    ),
    "snapshot": Needs(
        (*_all(PERSISTENT_VOLUME_CLAIM, "get", "list", "watch"), *_all(VOLUME_SNAPSHOT, "create", "list", "watch"),
         *_all(VOLUME_SNAPSHOT_CLASS, "list")),
        (*_all(PERSISTENT_VOLUME, "get", "list"), *_all(VOLUME_SNAPSHOT_CLASS, "get"),
         *_all(VOLUME_SNAPSHOT_CONTENT, "get"), *_EVENTS),
    ),
    "clone": Needs(
        _all(PERSISTENT_VOLUME_CLAIM, "get", "list", "watch", "create"), (*_all(STORAGE_CLASS, "get"), *_EVENTS),
    ),
    "list": Needs(_all(VOLUME_SNAPSHOT, "list")),
}
"""By command. The namespaced commands' rights are for one namespace."""

_SUBJECTS = {"user": "User", "group": "Group", "sa": "ServiceAccount"}
_CLUSTER_WIDE = (LEASE, DEPLOYMENT)


@dataclass(frozen=True)
class RoleRequest:
    """commands: () for all. subject: "" for no binding, else user/NAME, group/NAME, or sa/NAME of the namespace."""

    commands: tuple[str, ...] = ()
    full: bool = False
    subject: str = ""

    def __post_init__(self) -> None:
        unknown = [name for name in self.commands if name not in NEEDS]
        if unknown:
            raise errors.UsageError(f"no rights are listed for: {', '.join(unknown)}",
                                    hint=f"there are: {', '.join(NEEDS)}")
        if self.subject and not re.fullmatch(r"(user|group|sa)/\S+", self.subject):
            raise errors.UsageError(f'"{self.subject}" is no subject', hint="user/NAME, group/NAME or sa/NAME")


def make_roles(request: RoleRequest, *, namespace: str) -> Report:
    """A List that kubectl applies (-o yaml): Role, ClusterRole where one is needed, and their bindings."""
    commands = request.commands or tuple(NEEDS)
    rights = [right for name in commands
              for right in (*NEEDS[name].required, *(NEEDS[name].further if request.full else ()))]
    # check looks at the whole cluster: its leases and deployments lie in namespaces nobody can name beforehand
    wide = [right for right in rights if not right.kind.namespaced]
    if request.full and {"check", "provision"} & set(commands):
        wide += [Right("list", kind) for kind in _CLUSTER_WIDE]
    narrow = [right for right in rights if right.kind.namespaced]
    suffix = f"-{commands[0]}" if len(commands) == 1 else ""
    items: list[Manifest] = []
    if narrow:
        items += _role("Role", f"{names.RWX}{suffix}", narrow, request.subject, namespace=namespace)
    if wide:
        items += _role("ClusterRole", f"{names.RWX}{suffix}", wide, request.subject, namespace=namespace)
    return Report(kind="List", items=tuple(items), columns=_COLUMNS, facts={"apiVersion": "v1"},
                  name=lambda item: f"{item['kind'].lower()}.{RBAC_GROUP}/{item['metadata']['name']}",
                  notes=("to grant it: the same command with -o yaml | kubectl apply -f -",))


def _role(kind: str, name: str, rights: Iterable[Right], subject: str, *, namespace: str) -> list[Manifest]:
    header: dict[str, Any] = {"name": name, "labels": {names.MANAGED_BY_LABEL: names.RWX}}
    if kind == "Role":
        header["namespace"] = namespace
    made = [{"apiVersion": f"{RBAC_GROUP}/v1", "kind": kind, "metadata": header, "rules": _rules(rights)}]
    if subject:
        word, _, who = subject.partition("/")
        one = {"kind": _SUBJECTS[word], "name": who}
        one |= {"namespace": namespace} if word == "sa" else {"apiGroup": RBAC_GROUP}
        made.append({
            "apiVersion": f"{RBAC_GROUP}/v1", "kind": f"{kind}Binding", "metadata": header,
            "roleRef": {"apiGroup": RBAC_GROUP, "kind": kind, "name": name}, "subjects": [one],
        })
    return made


def _rules(rights: Iterable[Right]) -> list[Manifest]:
    """One rule for each resource, verbs in the order they were asked for, each once."""
    verbs: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for right in rights:
        resource = right.kind.plural + (f"/{right.subresource}" if right.subresource else "")
        verbs[right.kind.group, resource][right.verb] = None
    return [{"apiGroups": [group], "resources": [resource], "verbs": list(found)}
            for (group, resource), found in verbs.items()]


def _allows(item: Item) -> str:
    rules: Sequence[Manifest] = item.get("rules") or ()
    if not rules:
        return ", ".join(f"{one['kind']} {one['name']}" for one in item.get("subjects", ()))
    return "; ".join(f"{','.join(rule['verbs'])} {rule['resources'][0]}" for rule in rules)


_COLUMNS = (
    column("KIND", "kind"), Column("NAME", lambda item: str(item["metadata"]["name"])),
    Column("NAMESPACE", lambda item: str(item["metadata"].get("namespace", ""))), Column("ALLOWS", _allows),
)
