"""Kubernetes manifests from a user's folder or file: plain YAML, or a kustomization that only lists resources."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from plugin_core import errors
from plugin_core.model.manifests import Manifest

KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
RELEASE_PARTS = ("client/config/crd", "deploy/kubernetes/snapshot-controller")
"""Where upstream's source tree keeps what is installed; it holds other manifests, too."""

_LISTS_ONLY = {"apiVersion", "kind", "resources", "metadata"}


def read_manifests(place: str) -> tuple[Manifest, ...]:
    """All objects below a folder, or in a file, in order. Raises UsageError naming what cannot be read."""
    path = Path(place)
    if not path.exists():
        raise errors.UsageError(f"there is no folder or file {place}", hint="check --manifests")
    parts = [path / part for part in RELEASE_PARTS if (path / part).is_dir()]
    roots = parts if len(parts) == len(RELEASE_PARTS) else [path]
    files = list(dict.fromkeys(file for root in roots for file in _files(root)))
    return tuple(item for file in files for item in parse_manifests(_text(file), where=str(file)))


def parse_manifests(text: str, *, where: str) -> list[Manifest]:
    """The objects in YAML documents; empty documents are left out, Lists are opened. Raises UsageError."""
    import yaml

    try:
        documents = list(yaml.load_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 1})" if mark else ""
        raise errors.UsageError(f"{where} is not YAML{place}") from error
    found = []
    for document in documents:
        if document is None:
            continue
        items = document.get("items") if isinstance(document, dict) and document.get("kind") == "List" else [document]
        for item in items or []:
            if not (isinstance(item, dict) and item.get("apiVersion") and item.get("kind")
                    and isinstance(item.get("metadata"), dict) and item["metadata"].get("name")):
                raise errors.UsageError(f"{where} holds something that is no Kubernetes object with a name")
            found.append(item)
    return found


def _files(root: Path) -> Iterator[Path]:
    if root.is_file():
        yield root
        return
    kustomization = next((root / name for name in KUSTOMIZATIONS if (root / name).is_file()), None)
    if kustomization:
        yield from _listed(root, kustomization)
        return
    for path in sorted(root.iterdir()):
        if path.is_dir() or path.suffix in (".yaml", ".yml"):
            yield from _files(path)


def _listed(root: Path, kustomization: Path) -> Iterator[Path]:
    """What a kustomization lists; one that changes what it lists is for kubectl to render."""
    import yaml

    try:
        content = yaml.safe_load(_text(kustomization)) or {}
    except yaml.YAMLError as error:
        raise errors.UsageError(f"{kustomization} is not YAML") from error
    render = f"render it first: kubectl kustomize {root} > all.yaml, then --manifests all.yaml"
    if not isinstance(content, dict) or set(content) - _LISTS_ONLY:
        more = ", ".join(sorted(set(content) - _LISTS_ONLY)) if isinstance(content, dict) else "no mapping"
        raise errors.UsageError(f"{kustomization} does more than list resources ({more})", hint=render)
    for name in content.get("resources") or []:
        path = root / str(name)
        if not path.exists():
            raise errors.UsageError(f"{kustomization} lists {name}, and there is no such file", hint=render)
        yield from _files(path)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise errors.UsageError(f"{file} cannot be read: {error}") from error
