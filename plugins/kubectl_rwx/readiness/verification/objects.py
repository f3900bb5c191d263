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
LIFE_BEYOND = 300.0
"""Seconds that pods live longer than the run may take, its cleanup and record included: no pod ends under a run, and
no run is at work after that."""

SOURCE, RESTORE, CLONE = "source", "restore", "clone"
WRITER, READER, RESTORED, CLONED = "writer", "reader", "restored", "cloned"


@dataclass(frozen=True)
class Traces:
    """By what the objects of one run are found, by the run itself and by who cleans up after it."""

    namespace: str
    run: str

    @property
    def selector(self) -> str:
        """Finds everything of the run."""
        return f"{names.RUN_LABEL}={self.run}"

    def name(self, part: str) -> str:
        return f"rwx-verify-{self.run}-{part}"


@dataclass(frozen=True)
class Objects(Traces):
    """Builds every object of a run. security: how its pods are admitted. two_nodes: at least two can be had.

    until: when the run is over at the latest (RFC 3339), for `cleanup`.
    """

    request: VerifyRequest
    security: Security
    two_nodes: bool
    until: str

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
        pod = helper_pod(
            name=self.name(role), namespace=self.namespace, labels={**self._labels, _COMPONENT: role},
            claim=self.name(claim), options=self.request.pods, security=security or self.security,
            seconds=self.request.timeout + LIFE_BEYOND, affinity=self._affinity() if role == READER else None,
        )
        pod["metadata"].setdefault("annotations", {}).update(self._annotations)
        return pod

    @property
    def _labels(self) -> dict[str, str]:
        return {names.MANAGED_BY_LABEL: names.RWX, names.RUN_LABEL: self.run, names.TEMPORARY: PURPOSE}

    @property
    def _annotations(self) -> dict[str, str]:
        return {names.RUN_UNTIL: self.until}

    def _header(self, kind: Kind, part: str) -> Manifest:
        metadata = {"name": self.name(part), "namespace": self.namespace, "labels": self._labels,
                    "annotations": self._annotations}
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
