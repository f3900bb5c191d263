"""The images that pods of ours, and of what setup installs, run: what to mirror behind an air gap."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kubectl_rwx.installation import images as installed
from kubectl_rwx.protection.consumers import IMAGE as CONSUMER_IMAGE
from plugin_core import errors
from plugin_core.model.reports import Report, column
from plugin_core.workloads.helper_pods import DEFAULT_IMAGE, IMAGE_VARIABLE


@dataclass(frozen=True)
class Used:
    """flag: how another image is named."""

    image: str
    commands: tuple[str, ...]
    flag: str


IMAGES = (
    Used(DEFAULT_IMAGE, ("verify",), f"--image or {IMAGE_VARIABLE}"),
    Used(CONSUMER_IMAGE, ("restore --bind", "clone --bind", "provision --bind"), "--image"),
    Used(installed.CONTROLLER, ("setup snapshots",), "--controller-image or --registry"),
    *(Used(image, ("setup nfs",), "--registry or --values") for image in installed.DRIVER),
    Used(installed.TRIAL_SERVER, ("setup nfs --test-server",), "--test-server-image"),
)


def mirrored(image: str, *, registry: str) -> str:
    """The image's name below another registry; its path stays, so that one rule serves all."""
    first, _, path = image.partition("/")
    is_host = "." in first or ":" in first or first == "localhost"
    return f"{registry}/{path if is_host and path else image}"


def list_images(*, registry: str = "") -> Report:
    """registry: HOST or HOST/PATH; "" shows none. Raises UsageError for what is no registry."""
    place = registry.rstrip("/")
    if registry and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]+)?(/[a-z0-9._-]+)*", place):
        example = "for example: --registry registry.example.com/mirror"
        raise errors.UsageError(f'"{registry}" is no registry', hint=example)
    items = tuple({
        "image": used.image, "usedBy": list(used.commands), "replacedBy": used.flag,
        "mirror": mirrored(used.image, registry=place) if place else None,
    } for used in IMAGES)
    columns = [column("IMAGE", "image"), column("USED BY", "usedBy"), column("REPLACED BY", "replacedBy")]
    if place:
        columns.append(column("MIRROR", "mirror"))
    return Report(kind="ImageList", items=items, columns=tuple(columns), name=lambda item: str(item["image"]))
