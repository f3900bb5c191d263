"""Whom the sidecar runs as where nobody says so."""

from __future__ import annotations

from typing import Any

from oc_gsb.scc import effective
from oc_gsb.sidecar.containers import sidecar_of
from plugin_core.model.manifests import Manifest


def user_for_sidecar(pod: Manifest | None) -> int | None:
    """The application's user id, for a sidecar that must not be root and has no user of its own; None otherwise.

    pod: with its sidecar, and with what admission adds where that is known; None when it would be refused.

    Kanister's image names no user (kanisterio/kanister docker/tools/Dockerfile), so the kubelet does not start it where
    it must not be root: "container has runAsNonRoot and image will run as root". That is so under MustRunAsNonRoot
    (nonroot-v2), or with runAsNonRoot for the whole pod, when only containers name their user. Of several, one that
    mounts a volume of the sidecar's comes first. None too where no container names a user: the image has to then.
    """
    if pod is None:
        return None
    sidecar = sidecar_of(pod["spec"])
    if sidecar is None or effective(pod, sidecar, "runAsUser") is not None:
        return None
    if not effective(pod, sidecar, "runAsNonRoot"):
        return None
    shared = _volumes(sidecar)
    named = [one for one in pod["spec"]["containers"] if one is not sidecar and _user(one)]
    named.sort(key=lambda one: not shared & _volumes(one))
    return _user(named[0]) if named else None


def _user(container: Manifest) -> Any:
    """None, or 0, which is of no use here."""
    return (container.get("securityContext") or {}).get("runAsUser")


def _volumes(container: Manifest) -> set[Any]:
    return {mount.get("name") for mount in container.get("volumeMounts") or []}
