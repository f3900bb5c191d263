"""The class of a snapshot: is there one, and is it of the volume's driver?"""

from __future__ import annotations

import re
from collections.abc import Sequence

from kubectl_rwx.diagnosis.links import Link, State, sound, unseen
from kubectl_rwx.diagnosis.sights import Sight
from plugin_core.model.kinds import VOLUME_SNAPSHOT_CLASS
from plugin_core.model.manifests import Manifest, name_of, namespace_of, part_of
from plugin_core.storage.snapshot_classes import driver_of_class, is_default
from plugin_core.storage.snapshots import claim_of, error_of

NAME = "snapshot class"
_SAID = (
    (re.compile(r'volumesnapshotclass\S* "(\S+)" not found'), "class-missing"),
    (re.compile(r"cannot find default snapshot class"), "no-default-class"),
    (re.compile(r"\d+ default snapshot classes were found"), "several-default-classes"),
)
"""What the snapshot-controller writes into status.error (external-snapshotter pkg/common-controller)."""


def class_of(sight: Sight, snapshot: Manifest) -> Manifest | None:
    """The class the snapshot names; None when it names none, it is absent, or classes may not be read."""
    wanted = _wanted(snapshot)
    return next((one for one in sight.all_of(VOLUME_SNAPSHOT_CLASS).items or () if name_of(one) == wanted), None)


def judge_class(sight: Sight, snapshot: Manifest, *, driver: str) -> Link:
    """driver: the source volume's; "" when it is not known."""
    look, wanted = sight.all_of(VOLUME_SNAPSHOT_CLASS), _wanted(snapshot)
    if look.items is None:
        return _from_error(snapshot) or unseen(NAME, look.request, look.words)
    if look.unserved:
        return Link(
            NAME, State.BROKEN, f"{VOLUME_SNAPSHOT_CLASS.resource} is not served", look.request, "crd-missing",
            "the snapshot-controller needs the CRDs of all three kinds, and gives up without them",
            "kubectl rwx setup snapshots",
        )
    if not wanted:
        return _judge_default(snapshot, look.items, driver=driver)
    found, source = class_of(sight, snapshot), f"{_describe(snapshot)} spec.volumeSnapshotClassName"
    if found is None:
        return Link(
            NAME, State.BROKEN, f'there is no VolumeSnapshotClass "{wanted}"', source, "class-missing",
            "the snapshot-controller waits for a class of this name", _anew(snapshot, look.items, driver),
        )
    if driver and driver_of_class(found) != driver:
        return Link(
            NAME, State.BROKEN,
            f'VolumeSnapshotClass "{wanted}" is of {driver_of_class(found)}, the volume is of {driver}', source,
            "class-of-another-driver", "the other driver is asked for a snapshot of a volume that it does not have",
            _anew(snapshot, look.items, driver),
        )
    return sound(NAME, f"{wanted}, of {driver_of_class(found)}", source)


def _judge_default(snapshot: Manifest, classes: Sequence[Manifest], *, driver: str) -> Link:
    source = f"{_describe(snapshot)} spec, volumesnapshotclasses"
    if not driver:
        return _from_error(snapshot) or sound(NAME, "none is named, and the volume's driver is not known yet", source)
    defaults = [name_of(one) for one in classes if driver_of_class(one) == driver and is_default(one)]
    if len(defaults) == 1:
        return sound(NAME, f"none is named; the default of {driver} is {defaults[0]}", source)
    count, code = (f"{len(defaults)} classes are", "several-default-classes") if defaults else (
        "no class is", "no-default-class")
    return Link(
        NAME, State.BROKEN, f"none is named, and {count} the default of {driver}" + _names(defaults), source, code,
        "the snapshot-controller takes the one default of the volume's driver, and nothing else",
        _anew(snapshot, classes, driver),
    )


def _from_error(snapshot: Manifest) -> Link | None:
    """Who may not read classes still reads what the snapshot-controller says about them."""
    words = error_of(snapshot)
    for expression, code in _SAID:
        if expression.search(words):
            return Link(NAME, State.BROKEN, words, f"{_describe(snapshot)} status.error", code,
                        "nothing is snapshotted without a class", _anew(snapshot, (), ""))
    return None


def _anew(snapshot: Manifest, classes: Sequence[Manifest], driver: str) -> str:
    """A snapshot of the same claim with a class that fits; what there is to choose from when none does."""
    fitting = [one for one in classes if driver and driver_of_class(one) == driver]
    best = next((one for one in fitting if is_default(one)), fitting[0] if fitting else None)
    if best is None:
        return "kubectl get volumesnapshotclasses"
    return f"kubectl rwx snapshot pvc/{claim_of(snapshot)} --class {name_of(best)} -n {namespace_of(snapshot)}"


def _wanted(snapshot: Manifest) -> str:
    return str(part_of(snapshot, "spec", "volumeSnapshotClassName") or "")


def _describe(snapshot: Manifest) -> str:
    return f"volumesnapshot/{name_of(snapshot)}"


def _names(found: Sequence[str]) -> str:
    return f": {', '.join(found)}" if found else ""
