"""Kubeconfig files read and merged as kubectl does. Nothing here talks to a server or loads the client.

Rules: k8s.io/client-go tools/clientcmd loader.go. Of several files the first that names something wins, be it a
cluster, a user, a context or the current context; empty files count as absent; relative paths start at their file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plugin_core import errors

Config = dict[str, Any]

_SECTIONS = {"clusters": "cluster", "users": "user", "contexts": "context"}
_PATHS = {
    "cluster": ("certificate-authority",),
    "user": ("client-certificate", "client-key", "tokenFile"),
}
_REPAIR = "repair it, or name another file with --kubeconfig or KUBECONFIG"
CHOSEN = "chosen"
"""The name of the one context in what select() returns."""


def read_kubeconfigs(files: Sequence[str]) -> Config:
    """The merged content; messages never quote values, which may be secrets."""
    merged: Config = {section: {} for section in _SECTIONS}
    current = ""
    for file in files:
        config = _read(file)
        for section, key in _SECTIONS.items():
            for name, content in _entries(config, section, key, file).items():
                merged[section].setdefault(name, _with_absolute_paths(content, key, Path(file)))
        current = current or str(config.get("current-context") or "")
    where = ", ".join(files)
    if not merged["clusters"]:
        raise errors.KubeconfigError(
            f"the kubeconfig {where} is empty: it names no cluster",
            hint="log in to a cluster first, or name another file with --kubeconfig or KUBECONFIG",
        )
    return {**merged, "current-context": current, "where": where}


def select(config: Config, *, context: str, cluster: str, user: str) -> tuple[Config, Config]:
    """The cluster and user that the flags ask for ("" means not given), as a config with one context; and that context.

    Raises KubeconfigError that says which names there are.
    """
    name = context or config["current-context"]
    if name:
        chosen = dict(_pick(config, "contexts", name, flag="--context"))
    elif cluster:
        chosen = {}
    else:
        raise errors.KubeconfigError(
            f"the kubeconfig {config['where']} has no current context",
            hint=f"choose one with --context: {_names(config['contexts'])}",
        )
    cluster_name, user_name = cluster or chosen.get("cluster") or "", user or chosen.get("user") or ""
    server = _pick(config, "clusters", cluster_name, flag="--cluster")
    if not str(server.get("server") or "").startswith(("http://", "https://")):
        raise errors.KubeconfigError(
            f'the cluster "{cluster_name}" in {config["where"]} has no server that starts with https:// or http://',
            hint="set it with: kubectl config set-cluster NAME --server=https://HOST:PORT",
        )
    who = _pick(config, "users", user_name, flag="--user") if user_name else {}
    single = {
        "clusters": [{"name": CHOSEN, "cluster": server}],
        "users": [{"name": CHOSEN, "user": who}],
        "contexts": [{"name": CHOSEN, "context": {"cluster": CHOSEN, "user": CHOSEN}}],
        "current-context": CHOSEN,
    }
    return single, chosen


def _read(file: str) -> Config:
    import yaml

    try:
        content = yaml.load(Path(file).read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except FileNotFoundError as error:
        raise errors.KubeconfigError(f"there is no file {file}", hint="check --kubeconfig and KUBECONFIG") from error
    except OSError as error:
        raise errors.KubeconfigError(
            f"the kubeconfig {file} cannot be read: {error.strerror}", hint="check --kubeconfig and KUBECONFIG"
        ) from error
    except (yaml.YAMLError, UnicodeError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise errors.KubeconfigError(f"the kubeconfig {file} is not YAML{place}", hint=_REPAIR) from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise errors.KubeconfigError(
            f"{file} is not a kubeconfig: it holds no clusters, users and contexts", hint=_REPAIR
        )
    return content


def _entries(config: Config, section: str, key: str, file: str) -> dict[str, Config]:
    entries = config.get(section) or []
    if not isinstance(entries, list):
        raise errors.KubeconfigError(f"{section} in the kubeconfig {file} is not a list", hint=_REPAIR)
    found: dict[str, Config] = {}
    for number, entry in enumerate(entries, start=1):
        content = entry.get(key) if isinstance(entry, dict) else None
        if not isinstance(entry, dict) or not entry.get("name") or not isinstance(content or {}, dict):
            raise errors.KubeconfigError(
                f"entry {number} of {section} in the kubeconfig {file} has no name, or no {key} below it", hint=_REPAIR
            )
        found.setdefault(str(entry["name"]), content or {})
    return found


def _pick(config: Config, section: str, name: str, *, flag: str) -> Config:
    found: Config | None = config[section].get(name)
    if found is None:
        raise errors.KubeconfigError(
            f'the kubeconfig {config["where"]} has no {_SECTIONS[section]} "{name}"',
            hint=f"choose one with {flag}: {_names(config[section])}",
        )
    return found


def _names(entries: Config) -> str:
    return ", ".join(sorted(entries)) or "(there are none)"


def _with_absolute_paths(content: Config, key: str, file: Path) -> Config:
    folder = file.absolute().parent
    result = {
        name: str(folder / value) if name in _PATHS.get(key, ()) and isinstance(value, str) and value else value
        for name, value in content.items()
    }
    plugin = result.get("exec")
    if isinstance(plugin, dict) and "/" in str(plugin.get("command") or ""):
        result["exec"] = {**plugin, "command": str(folder / plugin["command"])}
    return result
