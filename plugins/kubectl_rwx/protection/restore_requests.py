"""What a restore is asked for, checked without a cluster."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kubectl_rwx.protection.restore_plans import Wishes
from plugin_core import errors

_OBJECT_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


@dataclass(frozen=True)
class RestoreRequest:
    """What the user asked for: snapshots by name, or every one of a set. wishes: see Wishes.

    access modes may be given in short form (RWX). timeout: seconds for everything, waiting included. to_namespace:
    "" for the snapshots' own. in_place: replaces the source claims; rollback: goes back from an unfinished one.
    bind: gives claims that wait for a first consumer one, a pod of image ("": pause).
    """

    snapshots: tuple[str, ...] = ()
    set_name: str = ""
    wishes: Wishes = Wishes(suffix="-restored")
    timeout: float = 600.0
    wait: bool = True
    to_namespace: str = ""
    in_place: bool = False
    rollback: bool = False
    bind: bool = False
    image: str = ""

    def __post_init__(self) -> None:
        if bool(self.snapshots) == bool(self.set_name):
            raise errors.UsageError("say what to restore", hint="either snapshots (vs/NAME…) or the name of one set")
        if self.wishes.to and len(self.snapshots) > 1:
            raise errors.UsageError("--to names one claim, but several snapshots are given", hint="use --suffix")
        if self.wishes.to and not _OBJECT_NAME.fullmatch(self.wishes.to):
            raise errors.UsageError(f'--to "{self.wishes.to}" cannot be the name of a claim')
        if not re.fullmatch(r"([a-z0-9.-]*[a-z0-9])?", self.wishes.suffix):
            raise errors.UsageError(f'--suffix "{self.wishes.suffix}" cannot end the name of a claim')
        if self.in_place and (self.to_namespace or self.wishes.to or not self.wait):
            raise errors.UsageError("--in-place replaces the sources: it takes no --to, --to-namespace or --no-wait")
        if self.rollback and not self.in_place:
            raise errors.UsageError("--rollback goes back from an unfinished --in-place", hint="add --in-place")
        if self.to_namespace and not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", self.to_namespace):
            raise errors.UsageError(f'--to-namespace "{self.to_namespace}" cannot be the name of a namespace')
        if self.timeout <= 0:
            raise errors.UsageError("--timeout must be longer than 0", hint="not to wait at all: --no-wait")
