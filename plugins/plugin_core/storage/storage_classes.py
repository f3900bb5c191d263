"""StorageClasses: which one a restored claim gets, and when its claims are bound."""

from __future__ import annotations

from collections.abc import Sequence

from plugin_core import errors
from plugin_core.model.manifests import Manifest, name_of

NO_PROVISIONER = "kubernetes.io/no-provisioner"


def binds_on_first_use(storage_class: Manifest | None) -> bool:
    """Whether a claim stays Pending until a pod uses it (WaitForFirstConsumer). None, an unknown class: no."""
    return bool(storage_class) and (storage_class or {}).get("volumeBindingMode") == "WaitForFirstConsumer"


def provisioner_of_class(storage_class: Manifest) -> str:
    return str(storage_class.get("provisioner", ""))


def require_class_of_driver(classes: Sequence[Manifest], *, name: str, driver: str, flag_given: bool) -> Manifest:
    """The class of that name, when it is of that driver: another driver cannot read the snapshot.

    driver "" skips that check. flag_given: whether the user named it, rather than the snapshot. Raises NotFound for an
    absent class and UsageError for one of another driver, naming those that would do.
    """
    fitting = [name_of(item) for item in classes if driver and provisioner_of_class(item) == driver]
    hint = f"choose one of its driver with --storage-class: {', '.join(fitting)}" if fitting else (
        f"there is no StorageClass of driver {driver}: kubectl get storageclasses" if driver else
        "choose one with --storage-class: kubectl get storageclasses"
    )
    found = next((item for item in classes if name_of(item) == name), None)
    if found is None:
        whose = "--storage-class" if flag_given else "the source claim's class"
        raise errors.NotFound(f'there is no StorageClass "{name}" ({whose})', hint=hint)
    if driver and provisioner_of_class(found) != driver:
        raise errors.UsageError(
            f'StorageClass "{name}" is of {provisioner_of_class(found)}, the snapshot is of {driver}: '
            "a driver cannot read another's snapshots", hint=hint,
        )
    return found
