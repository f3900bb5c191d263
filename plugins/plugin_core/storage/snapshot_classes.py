"""Which VolumeSnapshotClass a volume is snapshotted with: by the volume's CSI driver, never by the StorageClass's name.

The rule of external-snapshotter (pkg/utils/util.go, IsDefaultAnnotation): a default counts among the classes of the
volume's own driver. Unlike it, one single class of the driver is taken without being the default.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from plugin_core import errors
from plugin_core.model.manifests import Manifest, annotations_of, name_of
from plugin_core.names import DEFAULT_SNAPSHOT_CLASS, MISSPELT_DEFAULT_SNAPSHOT_CLASS


@dataclass(frozen=True)
class ClassChoice:
    """name: the class. reason: why this one. manifest: {} when it could not be read (a name given on trust)."""

    name: str
    reason: str
    manifest: Manifest


def driver_of_class(snapshot_class: Manifest) -> str:
    """The top-level field `driver`; "" in a manifest that lacks it."""
    return str(snapshot_class.get("driver", ""))


def is_default(snapshot_class: Manifest) -> bool:
    return annotations_of(snapshot_class).get(DEFAULT_SNAPSHOT_CLASS) == "true"


def choose_snapshot_class(classes: Sequence[Manifest], *, driver: str, wanted: str = "") -> ClassChoice:
    """The class for volumes of a driver. wanted: the value of --class; "" lets the rule above decide.

    Raises NotFound (wanted is absent), UsageError (wanted is of another driver, or several would do) and NotReady (the
    driver has none).
    """
    fitting = [item for item in classes if driver_of_class(item) == driver]
    if wanted:
        return ClassChoice(name=wanted, reason="--class", manifest=_require_wanted(classes, wanted, driver))
    if not fitting:
        raise errors.NotReady(
            f"driver {driver} has no VolumeSnapshotClass; {_there_are(classes)}",
            hint="if the driver can make snapshots, create a class for it; "
                 "otherwise move the data to storage that can: kubectl get volumesnapshotclasses",
        )
    if len(fitting) == 1:
        return ClassChoice(name_of(fitting[0]), f"the only one of {driver}", fitting[0])
    defaults = [item for item in fitting if is_default(item)]
    if len(defaults) == 1:
        return ClassChoice(name_of(defaults[0]), f"the default of {driver}", defaults[0])
    names = ", ".join(name_of(item) for item in defaults or fitting)
    state = f"{len(defaults)} of them are marked as default" if defaults else "none of them is marked as default"
    raise errors.UsageError(
        f"driver {driver} has {len(fitting)} VolumeSnapshotClasses and {state}{_misspelt(fitting)}: {names}",
        hint=f"choose one with --class {name_of((defaults or fitting)[0])}",
    )


def _require_wanted(classes: Sequence[Manifest], wanted: str, driver: str) -> Manifest:
    found = next((item for item in classes if name_of(item) == wanted), None)
    if found is None:
        raise errors.NotFound(
            f'there is no VolumeSnapshotClass "{wanted}"; {_there_are(classes)}',
            hint="leave --class out, or see: kubectl get volumesnapshotclasses",
        )
    if driver_of_class(found) != driver:
        fitting = ", ".join(name_of(item) for item in classes if driver_of_class(item) == driver)
        raise errors.UsageError(
            f'VolumeSnapshotClass "{wanted}" is of {driver_of_class(found)}, the volume is of {driver}',
            hint=f"of its driver: {fitting}" if fitting else f"driver {driver} has no VolumeSnapshotClass",
        )
    return found


def _there_are(classes: Sequence[Manifest]) -> str:
    """The classes with their drivers, so that the reader sees which drivers have some."""
    if not classes:
        return "the cluster has none at all"
    return "there are: " + ", ".join(f"{name_of(item)} ({driver_of_class(item)})" for item in classes)


def _misspelt(classes: Sequence[Manifest]) -> str:
    wrong = [name_of(item) for item in classes if MISSPELT_DEFAULT_SNAPSHOT_CLASS in annotations_of(item)]
    if not wrong:
        return ""
    return f" ({', '.join(wrong)}: {MISSPELT_DEFAULT_SNAPSHOT_CLASS} is read by nobody, it is {DEFAULT_SNAPSHOT_CLASS})"
