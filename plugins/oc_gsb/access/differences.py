"""An SCC and its copy, as a unified diff of YAML."""

from __future__ import annotations

import difflib

from plugin_core.model.manifests import Manifest, annotations_of, labels_of, name_of

_SET_BY_SERVER = ("kind", "apiVersion", "metadata")


def policy_of(scc: Manifest) -> Manifest:
    """What the SCC rules, without metadata; null and empty lists are the same to admission and left out."""
    return {key: value for key, value in scc.items() if key not in _SET_BY_SERVER and value not in (None, [], {})}


def changed_fields(one: Manifest, other: Manifest) -> list[str]:
    """Names of the policy fields in which two SCCs differ; lists count as sets."""
    left, right = policy_of(one), policy_of(other)
    return sorted(key for key in {*left, *right} if _plain(left.get(key)) != _plain(right.get(key)))


def diff_sccs(base: Manifest, copy: Manifest) -> list[str]:
    """Lines of the diff from base to copy; [] when they do not differ."""
    lines = difflib.unified_diff(
        _text(base).splitlines(), _text(copy).splitlines(), fromfile=f"scc/{name_of(base)}",
        tofile=f"scc/{name_of(copy)}", lineterm="", n=2,
    )
    return list(lines)


def _text(scc: Manifest) -> str:
    import yaml

    ours = {key: value for key, value in (("labels", labels_of(scc)), ("annotations", annotations_of(scc)))
            if value and name_of(scc).endswith("-gsb")}
    fields = {key: scc[key] for key in sorted(scc) if key not in _SET_BY_SERVER}
    return str(yaml.safe_dump({"metadata": {"name": name_of(scc), **ours}, **fields}, sort_keys=False))


def _plain(value: object) -> object:
    return sorted(map(str, value)) if isinstance(value, list) else value
