"""Where candidates come from: the cluster's objects, the kubeconfig, lists of words."""

from __future__ import annotations

from collections.abc import Sequence

import click

from plugin_core import names
from plugin_core.cli.completion import Source, file_names, limit
from plugin_core.cli.sessions import session_of
from plugin_core.cli.targets import spellings
from plugin_core.kube.connection import kubeconfig_names
from plugin_core.model.durations import Deadline
from plugin_core.model.kinds import (
    NAMESPACE,
    SERVICE_ACCOUNT,
    STORAGE_CLASS,
    VOLUME_SNAPSHOT,
    VOLUME_SNAPSHOT_CLASS,
    Kind,
)
from plugin_core.model.manifests import Manifest, labels_of, name_of


def names_of(kind: Kind) -> Source:
    """Bare names of objects of one kind, in the namespace of the command line."""
    return lambda context, unfinished: [name_of(item) for item in _listed(context, kind)]


def targets_of(*kinds: Kind, sets: bool = False) -> Source:
    """KIND/NAME as kubectl writes it, or names alone once the first word was a kind; with sets, the names of sets too.

    While no kind is typed and several fit, the kinds themselves, for the user to go on from.
    """

    def source(context: click.Context, unfinished: str) -> list[str]:
        typed, slash, _ = unfinished.partition("/")
        given = _given(context)
        if given and "/" not in given[0]:
            return [name_of(item) for kind in _spelled(given[0], kinds) for item in _listed(context, kind)]
        if slash:
            return [f"{typed}/{name_of(item)}" for kind in _spelled(typed, kinds) for item in _listed(context, kind)]
        if sets and not given:
            return [*(f"{_short(kind)}/" for kind in kinds), *_sets(context)]
        if len(kinds) == 1:
            return [f"{_short(kinds[0])}/{name_of(item)}" for item in _listed(context, kinds[0])]
        return [f"{_short(kind)}/" for kind in kinds]

    return source


def words(*choices: str) -> Source:
    """Always these."""
    return lambda context, unfinished: choices


def _in_kubeconfig(section: str) -> Source:
    return lambda context, unfinished: kubeconfig_names(session_of(context).options(), section)


def _listed(context: click.Context, kind: Kind) -> list[Manifest]:
    session = session_of(context)
    session.settings.update(request_timeout=limit(), all_namespaces=False)
    cluster = session.connect().within(Deadline.after(limit()))
    return cluster.list_all(kind, namespace=cluster.namespace if kind.namespaced else None).items


def _sets(context: click.Context) -> set[str]:
    labels = (labels_of(item).get(names.SET_LABEL) for item in _listed(context, VOLUME_SNAPSHOT))
    return {name for name in labels if name}


def _given(context: click.Context) -> tuple[str, ...]:
    """The words already there for the argument that takes many."""
    many = [parameter for parameter in context.command.params if parameter.nargs == -1]
    return tuple(context.params.get(str(many[0].name)) or ()) if many else ()


def _spelled(word: str, kinds: Sequence[Kind]) -> list[Kind]:
    return [kind for kind in kinds if word.lower() in spellings(kind)]


def _short(kind: Kind) -> str:
    return kind.short_names[0] if kind.short_names else kind.name.lower()


SHARED = {
    "namespace": names_of(NAMESPACE), "to_namespace": names_of(NAMESPACE), "k10_namespace": names_of(NAMESPACE),
    "context": _in_kubeconfig("contexts"), "cluster": _in_kubeconfig("clusters"), "user": _in_kubeconfig("users"),
    "storage_class": names_of(STORAGE_CLASS), "snapshot_class": names_of(VOLUME_SNAPSHOT_CLASS),
    "accounts": names_of(SERVICE_ACCOUNT),
    **dict.fromkeys(("kubeconfig", "manifests", "token_file", "overridepubkey_file"), file_names),
}
"""For parameters that mean the same wherever they stand."""
