"""What `kubectl rwx verify` found out about a StorageClass, written on the class itself as one annotation.

On the class, because whoever may read the class may then read the verdict, and because it goes when the class goes. A
record that was copied along to another class, or outlived a change of the parameters, says nothing: it carries uid and
a hash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from plugin_core.model.manifests import Manifest, annotations_of, uid_of
from plugin_core.names import VERIFIED

PASSED, FAILED = "passed", "failed"


@dataclass(frozen=True)
class Verification:
    """One recorded run.

    date: RFC 3339. access_mode: what was tried, e.g. ReadWriteMany. result: passed or failed. proved: ability (rwx,
    snapshot, restore, clone, expansion) → whether it worked; one that was not tried is absent. uid, parameters_hash:
    the class as it was. server: its version. reason: what failed, "" when nothing did.
    """

    date: str
    access_mode: str
    result: str
    driver: str
    uid: str
    parameters_hash: str
    server: str = ""
    reason: str = ""
    proved: Mapping[str, bool] = field(default_factory=dict)

    @property
    def day(self) -> str:
        return self.date[:10]

    def annotation(self) -> dict[str, str]:
        """What is written on the class."""
        written = {
            "date": self.date, "accessMode": self.access_mode, "result": self.result, "driver": self.driver,
            "uid": self.uid, "parametersHash": self.parameters_hash, "server": self.server, "reason": self.reason,
            "proved": dict(self.proved),
        }
        return {VERIFIED: json.dumps(written, sort_keys=True, separators=(",", ":"))}


def verification_of(storage_class: Manifest) -> Verification | None:
    """The record on a class; None when there is none, or when somebody garbled it."""
    try:
        written: Any = json.loads(annotations_of(storage_class).get(VERIFIED, ""))
    except ValueError:
        return None
    if not isinstance(written, dict) or written.get("result") not in (PASSED, FAILED):
        return None
    proved = written.get("proved")
    return Verification(
        date=str(written.get("date", "")), access_mode=str(written.get("accessMode", "")), result=written["result"],
        driver=str(written.get("driver", "")), uid=str(written.get("uid", "")),
        parameters_hash=str(written.get("parametersHash", "")), server=str(written.get("server", "")),
        reason=str(written.get("reason", "")),
        proved={str(key): value is True for key, value in proved.items()} if isinstance(proved, dict) else {},
    )


def why_stale(verification: Verification, storage_class: Manifest) -> str:
    """Why a record no longer speaks of this class; "" when it does."""
    if verification.uid != uid_of(storage_class):
        return "the class was made anew since"
    if verification.parameters_hash != hash_parameters(storage_class):
        return "provisioner, parameters or mount options of the class were changed since"
    return ""


def hash_parameters(storage_class: Manifest) -> str:
    """16 hexadecimal digits over everything of a class that decides what its volumes are."""
    decisive = [
        storage_class.get("provisioner", ""), storage_class.get("parameters") or {},
        storage_class.get("mountOptions") or [],
    ]
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()[:16]
