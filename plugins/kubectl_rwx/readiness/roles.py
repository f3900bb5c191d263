"""The rights of commands as Roles to grant, and what a user loses who gets those of one namespace only."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from kubectl_rwx.protection.rights import Right
from kubectl_rwx.readiness.needs import BIND, IN_PLACE, NAMED_ONLY, NEEDS, TO_NAMESPACE, WAYS, Needs, needs_of
from plugin_core import errors, names
from plugin_core.model.kinds import RBAC_GROUP
from plugin_core.model.manifests import Manifest
from plugin_core.model.reports import Column, Item, Report, column

SYSTEM = "kube-system"
_SUBJECTS = {"user": "User", "group": "Group", "sa": "ServiceAccount"}


@dataclass(frozen=True)
class RoleRequest:
    """commands: () for all but those of setup. subject: "" for no binding, else user/NAME, group/NAME, or sa/NAME (of
    the namespace).

    bind, in_place, to_namespace: ways of restore (and clone) that the Roles are to allow.
    """

    commands: tuple[str, ...] = ()
    full: bool = False
    subject: str = ""
    bind: bool = False
    in_place: bool = False
    to_namespace: str = ""

    def __post_init__(self) -> None:
        unknown = [name for name in self.commands if name not in NEEDS]
        if unknown:
            raise errors.UsageError(f"no rights are listed for: {', '.join(unknown)}",
                                    hint=f"there are: {', '.join(NEEDS)}")
        if self.subject and not re.fullmatch(r"(user|group|sa)/\S+", self.subject):
            raise errors.UsageError(f'"{self.subject}" is no subject', hint="user/NAME, group/NAME or sa/NAME")
        for way in self.ways:
            if not any((command, way) in WAYS for command in self.names):
                whose = ", ".join(command for command, other in WAYS if other == way)
                raise errors.UsageError(f"--{way} is a way of {whose}, which is not among the commands named")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.commands)) or tuple(name for name in NEEDS if name not in NAMED_ONLY)

    @property
    def ways(self) -> tuple[str, ...]:
        wanted = ((BIND, self.bind), (IN_PLACE, self.in_place), (TO_NAMESPACE, bool(self.to_namespace)))
        return tuple(way for way, yes in wanted if yes)


def make_roles(request: RoleRequest, *, namespace: str) -> Report:
    """A List that kubectl applies (-o yaml): a Role for each namespace, ClusterRole where one is needed, bindings."""
    needs = {command: needs_of(command, ways=request.ways) for command in request.names}
    spaces: dict[str, list[Right]] = defaultdict(list)
    wide: list[Right] = []
    urls: list[str] = []
    for one in needs.values():
        for right in (*one.required, *(one.further if request.full else ())):
            (spaces[namespace] if right.kind.namespaced else wide).append(right)
        if request.to_namespace:
            spaces[request.to_namespace] += one.target
            if request.bind and one.target:
                spaces[request.to_namespace] += WAYS["restore", BIND].required
        if request.full:
            wide += one.everywhere
            urls += one.urls
            spaces[SYSTEM] += one.system
    suffix = f"-{request.names[0]}" if len(request.names) == 1 else ""
    items: list[Manifest] = []
    for space, rights in spaces.items():
        if rights:
            items += _role("Role", f"{names.RWX}{suffix}", _rules(rights), request.subject, namespace=space,
                           home=namespace)
    rules = _rules(wide) + ([{"nonResourceURLs": urls, "verbs": ["get"]}] if urls else [])
    if rules:
        items += _role("ClusterRole", f"{names.RWX}{suffix}", rules, request.subject, namespace="", home=namespace)
    return Report(kind="List", items=tuple(items), columns=_COLUMNS, facts={"apiVersion": "v1"},
                  empty="No rights are needed beyond those of every authenticated user.",
                  name=lambda item: f"{item['kind'].lower()}.{RBAC_GROUP}/{item['metadata']['name']}",
                  notes=_notes(needs, items))


def _notes(needs: dict[str, Needs], items: Sequence[Manifest]) -> tuple[str, ...]:
    """How to grant it, and for each command what goes missing when the ClusterRole is not granted."""
    clustered = any(item["kind"] == "ClusterRole" for item in items)
    without = "without the ClusterRole" if clustered else "without the ClusterRole that --full adds"
    notes = [f"{command}, {without}: {one.alone}" for command, one in needs.items() if one.alone]
    if items:
        notes.append("to grant it: the same command with -o yaml | kubectl apply -f -")
    return tuple(notes)


def _role(
    kind: str, name: str, rules: Sequence[Manifest], subject: str, *, namespace: str, home: str
) -> list[Manifest]:
    """home: the namespace of a service account that is the subject."""
    header: dict[str, Any] = {"name": name, "labels": {names.MANAGED_BY_LABEL: names.RWX}}
    if kind == "Role":
        header["namespace"] = namespace
    made = [{"apiVersion": f"{RBAC_GROUP}/v1", "kind": kind, "metadata": header, "rules": rules}]
    if subject:
        word, _, who = subject.partition("/")
        one = {"kind": _SUBJECTS[word], "name": who}
        one |= {"namespace": home} if word == "sa" else {"apiGroup": RBAC_GROUP}
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
    return "; ".join(f"{','.join(rule['verbs'])} {(rule.get('resources') or rule['nonResourceURLs'])[0]}"
                     for rule in rules)


_COLUMNS = (
    column("KIND", "kind"), Column("NAME", lambda item: str(item["metadata"]["name"])),
    Column("NAMESPACE", lambda item: str(item["metadata"].get("namespace", ""))), Column("ALLOWS", _allows),
)
