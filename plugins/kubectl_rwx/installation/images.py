"""The images that setup's installations run: of the releases that are pinned here."""

from __future__ import annotations

SNAPSHOTTER_VERSION = "8.6.0"
"""external-snapshotter: the release that is fetched, and that the sandbox proves."""

CONTROLLER = f"registry.k8s.io/sig-storage/snapshot-controller:v{SNAPSHOTTER_VERSION}"
"""The release's own image. The manifest in its source tree still names the one before it."""

CHART_VERSION = "4.13.4"
DRIVER = (
    f"registry.k8s.io/sig-storage/nfsplugin:v{CHART_VERSION}", "registry.k8s.io/sig-storage/csi-provisioner:v6.3.0",
    "registry.k8s.io/sig-storage/csi-resizer:v2.2.0", "registry.k8s.io/sig-storage/csi-snapshotter:v8.6.0",
    "registry.k8s.io/sig-storage/livenessprobe:v2.19.0",
    "registry.k8s.io/sig-storage/csi-node-driver-registrar:v2.17.0",
)
"""Of csi-driver-nfs's chart (kubernetes-csi/csi-driver-nfs:charts/v4.13.4/csi-driver-nfs/values.yaml)."""

TRIAL_SERVER = "registry.k8s.io/e2e-test-images/volume/nfs:1.6.0"
"""Kubernetes' own test image, for amd64 and arm64 (kubernetes 1.36 test/utils/image/manifest.go). It exports /exports
as the root of NFS 4 (test/images/volume/nfs/run_nfs.sh: fsid=0, no_root_squash)."""
