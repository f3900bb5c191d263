"""What one run of `verify` makes in the cluster: names, labels, manifests. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kubectl_rwx.readiness.verification.requests import VerifyRequest
from plugin_core import names
from plugin_core.model.kinds import PERSISTENT_VOLUME_CLAIM, POD, VOLUME_SNAPSHOT, Kind
from plugin_core.model.manifests import Manifest
from plugin_core.model.quantities import format_quantity
from plugin_core.workloads.helper_pods import Security, helper_pod

PURPOSE = "verify"
_COMPONENT = "app.kubernetes.io/component"
_LIFE_BEYOND = 300.0
"""Seconds that pods live longer than the run may take: cleanup is theirs to wait for, not to be surprised by."""

SOURCE, RESTORE, CLONE = "source", "restore", "clone"
WRITER, READER, RESTORED, CLONED = "writer", "reader", "restored", "cloned"


@dataclass(frozen=True)
class Objects:
    """Builds every object of a run. security: how its pods are admitted. two_nodes: at least two can be had."""

    request: VerifyRequest
    namespace: str
    run: str
    security: Security
    two_nodes: bool

    @property
    def selector(self) -> str:
        """Finds everything of the run."""
        return f"{names.RUN_LABEL}={self.run}"

    def name(self, part: str) -> str:
        return f"rwx-verify-{self.run}-{part}"

    def source_claim(self) -> Manifest:
        return self._claim(SOURCE, size=self.request.size)

    def restored_claim(self, *, size: int) -> Manifest:
        origin = {"apiGroup": VOLUME_SNAPSHOT.group, "kind": VOLUME_SNAPSHOT.name, "name": self.name(SOURCE)}
        return self._claim(RESTORE, size=size, origin=origin)

    def cloned_claim(self, *, size: int) -> Manifest:
        return self._claim(CLONE, size=size, origin={"kind": PERSISTENT_VOLUME_CLAIM.name, "name": self.name(SOURCE)})

    def snapshot(self, *, snapshot_class: str) -> Manifest:
        spec = {"volumeSnapshotClassName": snapshot_class, "source": {"persistentVolumeClaimName": self.name(SOURCE)}}
        return {**self._header(VOLUME_SNAPSHOT, SOURCE), "spec": spec}

    def pod(self, role: str, *, claim: str, security: Security | None = None) -> Manifest:
        """claim: the part of its name, e.g. SOURCE."""
        return helper_pod(
            name=self.name(role), namespace=self.namespace, labels={**self._labels, _COMPONENT: role},
            claim=self.name(claim), options=self.request.pods, security=security or self.security,
            seconds=self.request.timeout + _LIFE_BEYOND, affinity=self._affinity() if role == READER else None,
        )

    @property
    def _labels(self) -> dict[str, str]:
        return {names.MANAGED_BY_LABEL: names.RWX, names.RUN_LABEL: self.run, names.TEMPORARY: PURPOSE}

    def _header(self, kind: Kind, part: str) -> Manifest:
        metadata = {"name": self.name(part), "namespace": self.namespace, "labels": self._labels}
        return {"apiVersion": kind.api_version, "kind": kind.name, "metadata": metadata}

    def _claim(self, part: str, *, size: int, origin: Mapping[str, str] | None = None) -> Manifest:
        spec: Manifest = {
            "accessModes": [self.request.access_mode], "storageClassName": self.request.storage_class,
            "volumeMode": "Filesystem", "resources": {"requests": {"storage": format_quantity(size)}},
        }
        if origin:
            spec["dataSource"] = dict(origin)
        return {**self._header(PERSISTENT_VOLUME_CLAIM, part), "spec": spec}

    def _affinity(self) -> Manifest:
        """The reader's: away from the writer, or with it when the volume is for one node."""
        term = {
            "topologyKey": "kubernetes.io/hostname",
            "labelSelector": {"matchLabels": {names.RUN_LABEL: self.run, _COMPONENT: WRITER}},
        }
        if not self.request.shared:
            return {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
        if self.two_nodes:
            return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
        preferred = [{"weight": 100, "podAffinityTerm": term}]
        return {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}


KINDS = (POD, VOLUME_SNAPSHOT, PERSISTENT_VOLUME_CLAIM)
"""Kinds of all that a run makes."""
