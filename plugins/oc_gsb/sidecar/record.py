"""The record on an injected workload: all that is needed to take the sidecar out again, exactly.

It is written in the same patch as the sidecar and never overwritten by a later run, so it always describes the workload
as it was before the first one.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from oc_gsb.sidecar.containers import SidecarOptions
from plugin_core.errors import NotReady
from plugin_core.model.manifests import Manifest, annotations_of, name_of
from plugin_core.names import INJECTION_RECORD

VERSION = 1
LARGEST = 200 * 1024
"""Bytes of a record: all annotations of an object together may have 256 KiB (k8s.io/apimachinery validation)."""


@dataclass(frozen=True)
class Record:
    """template: the pod template before. volumes: names that were added.

    had_annotations: whether the workload had any. backup_annotation, required_scc: values before; None when unset.
    scc: the SCC its pods were to get ("" when the cluster has none); pinned: whether the template was pinned to it.
    replicas: the count to return to, while the workload is held at 0 for the change; None otherwise.
    removing: the template is already restored, only the return to `replicas` is still to come. run: which run of inject
    wrote it, so that a run undoes no other's work. pull_secrets: names that were added. options: what was asked for, as
    options_text has it; "" when not known. adopted: whether another tool's sidecar was there. previous_image: the image
    to return to while an upgrade is under way; "" otherwise.
    """

    template: Manifest
    volumes: tuple[str, ...]
    had_annotations: bool
    backup_annotation: str | None
    required_scc: str | None = None
    scc: str = ""
    pinned: bool = False
    replicas: int | None = None
    removing: bool = False
    run: str = ""
    pull_secrets: tuple[str, ...] = ()
    options: str = ""
    adopted: bool = False
    previous_image: str = ""


_KEYS = {
    "template": "template", "volumes": "volumes", "had_annotations": "hadAnnotations",
    "backup_annotation": "backupAnnotation", "required_scc": "requiredScc", "scc": "scc", "pinned": "pinned",
    "replicas": "replicas", "removing": "removing", "run": "run", "pull_secrets": "pullSecrets", "options": "options",
    "adopted": "adopted", "previous_image": "previousImage",
}


def options_text(options: SidecarOptions) -> str:
    """What was asked for but the image, as JSON without what is as it is by default: for status and later runs."""
    default = SidecarOptions(image="")
    values = {key: value for key, value in asdict(options).items()
              if key not in ("image", "own_image") and value != getattr(default, key)}
    return json.dumps(values, separators=(",", ":")) if values else ""


def options_of(record: Record, *, image: str) -> SidecarOptions:
    """What was asked for, with this image; what the record does not say is as it is by default."""
    values = json.loads(record.options) if record.options else {}
    values["env"] = tuple((str(name), str(value)) for name, value in values.get("env", ()))
    values["pull_secrets"] = tuple(values.get("pull_secrets", ()))
    return SidecarOptions(image=image, **values)


def record_text(record: Record) -> str:
    """The annotation's value: JSON, with a hash of the template so that a record damaged by hand is noticed."""
    values: dict[str, Any] = {_KEYS[key]: value for key, value in asdict(record).items()}
    document = {"version": VERSION, **values, "templateHash": _hash(record.template)}
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def has_record(workload: Manifest) -> bool:
    """Whether there is a record, readable or not."""
    return INJECTION_RECORD in annotations_of(workload)


def read_record(workload: Manifest) -> Record | None:
    """The workload's record; None when it has none. Raises NotReady for one that cannot be relied on."""
    text = annotations_of(workload).get(INJECTION_RECORD)
    if text is None:
        return None
    where = f"the annotation {INJECTION_RECORD} of {str(workload.get('kind')).lower()}/{name_of(workload)}"
    by_hand = "nothing was changed; remove the sidecar by hand, then the annotation"
    try:
        document = json.loads(text)
        version = document["version"]
        if version == VERSION:
            values = {field: document[key] for field, key in _KEYS.items()}
            lists = {field: tuple(values[field]) for field in ("volumes", "pull_secrets")}
            record = Record(**{**values, **lists})
            intact = document["templateHash"] == _hash(record.template)
    except (ValueError, KeyError, TypeError) as error:
        raise NotReady(f"{where} cannot be read: {type(error).__name__}: {error}", hint=by_hand) from error
    if version != VERSION:
        raise NotReady(f"{where} was written by another version of oc-gsb (format {version}, this one knows {VERSION})",
                       hint="use the oc-gsb that injected it, or a newer one")
    if not intact:
        raise NotReady(f"{where} was changed by hand: its template does not match its hash", hint=by_hand)
    return record


def _hash(template: Manifest) -> str:
    text = json.dumps(template, sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
