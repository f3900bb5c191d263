"""What a restore may change of its source, and what it may not: volumeMode and access modes."""

from __future__ import annotations

from collections.abc import Sequence

from plugin_core import errors
from plugin_core.model.manifests import Manifest, annotations_of, name_of
from plugin_core.names import ALLOW_MODE_CHANGE
from plugin_core.storage.claims import ACCESS_MODES
from plugin_core.storage.drivers import find_driver
from plugin_core.storage.verdicts import Level, judge_rwx
from plugin_core.storage.verifications import verification_of, why_stale

_SHARED = ("ReadWriteMany", "ReadOnlyMany")


def require_volume_mode(wanted: str, *, source: str, content: Manifest) -> str:
    """The volumeMode of the restored claim. wanted "": as the source.

    Raises UsageError for a conversion: the provisioner refuses it (prevent-volume-mode-conversion, on by default),
    since a kernel could be made to read a filesystem somebody crafted as raw blocks. An
    administrator allows it with an annotation on the content.
    """
    if not wanted or wanted == source:
        return source
    if annotations_of(content).get(ALLOW_MODE_CHANGE) == "true":
        return wanted
    what = f"volumesnapshotcontent {name_of(content)}" if content else "its VolumeSnapshotContent"
    raise errors.UsageError(
        f"the source was {source}; a restore to volumeMode {wanted} is refused by the provisioner "
        "(prevent-volume-mode-conversion: raw blocks of one user must not become a mounted filesystem of another)",
        hint=f"leave --volume-mode out, or let an administrator allow it: kubectl annotate {what} "
             f"{ALLOW_MODE_CHANGE}=true",
    )


def judge_widening(
    modes: Sequence[str], *, source: Sequence[str], storage_class: Manifest | None, class_name: str
) -> str:
    """What to warn of when more nodes may use the restored claim than the source; "" when nothing is widened.

    Raises UsageError when the class is known, or was proven, not to do it. A class that nobody proved may still refuse.
    """
    wider = [mode for mode in modes if mode in _SHARED and mode not in source and "ReadWriteMany" not in source]
    if not wider or not source:
        return ""
    short = ", ".join(ACCESS_MODES[mode] for mode in wider)
    was = ", ".join(ACCESS_MODES.get(mode, mode) for mode in source)
    if storage_class is None:
        return f"whether StorageClass {class_name} can do {short} (the source was {was}) is not checked"
    verification = verification_of(storage_class)
    if verification and why_stale(verification, storage_class):
        verification = None
    ability = judge_rwx(driver=find_driver(storage_class), verification=verification, shared_volumes=())
    if ability.level is Level.NO:
        raise errors.UsageError(
            f'the source was {was}, and StorageClass "{class_name}" cannot do {short}: {ability.reason}',
            hint="leave --access-mode out, or choose a class of the same driver that can: kubectl rwx check",
        )
    if ability.level is Level.PROVEN:
        return ""
    return (f"the source was {was}; that StorageClass {class_name} can do {short} is not proven "
            f"({ability.reason}): kubectl rwx verify {class_name}")
