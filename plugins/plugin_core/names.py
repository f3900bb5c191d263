"""Every annotation, label, field manager and environment name the plugins write or read, each with its reason."""

from __future__ import annotations

MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
"""Kubernetes' recommended label; our value tells `cleanup` what is ours."""

RWX = "kubectl-rwx"
GSB = "oc-gsb"
"""Values of MANAGED_BY_LABEL, and the field managers of what we write."""

RUN_LABEL = "kubectl-rwx.io/run"
"""One value per run of a command: finds what a crashed run left, and tells our own object from a stranger's
when a create is answered 'already exists' after a lost connection."""

SET_LABEL = "kubectl-rwx.io/set"
"""The snapshot set a VolumeSnapshot belongs to."""

SOURCE_SIZE = "kubectl-rwx.io/source-size"
SOURCE_REQUEST = "kubectl-rwx.io/source-request"
SOURCE_ACCESS_MODES = "kubectl-rwx.io/source-access-modes"
SOURCE_VOLUME_MODE = "kubectl-rwx.io/source-volume-mode"
SOURCE_STORAGE_CLASS = "kubectl-rwx.io/source-storage-class"
"""Annotations on a VolumeSnapshot: what a restore needs when the source claim is gone. Capacity and request are
Kubernetes quantities; access modes are joined with a comma."""

SOURCE_DRIVER = "kubectl-rwx.io/source-driver"
"""Annotation on a VolumeSnapshot: the CSI driver of the volume it was made of, for those who may not read contents."""

CONSISTENCY = "kubectl-rwx.io/consistency"
"""Annotation on a VolumeSnapshot: quiesced, crash or fuzzy. On a VolumeSnapshotClass, set by an administrator who knows
the driver: what its snapshots are when nothing is quiesced."""

SOURCE_WORKLOAD = "kubectl-rwx.io/workload"
"""Annotation on a VolumeSnapshot: the workloads it was asked for by (`deployment/web`), joined with a comma."""

QUIESCED_BY = "kubectl-rwx.io/quiesced-by"
"""Annotation on a VolumeSnapshot: what made the writers stand still, in words."""

QUIESCED_UNTIL = "kubectl-rwx.io/quiesced-until"
UNQUIESCED_CONSISTENCY = "kubectl-rwx.io/unquiesced-consistency"
"""Annotations on a snapshot taken under a freeze: when the timer in the pods ends it at the latest (RFC 3339), and
what the snapshot is when it was cut after that: a client that dies leaves no false promise (storage/consistency.py)."""

QUIESCE_FAILED = "kubectl-rwx.io/quiesce-failed"
"""Annotation on a VolumeSnapshot taken although not every writer stood still: why not."""

RESTORED_FROM = "kubectl-rwx.io/restored-from"
RESTORED_FROM_UID = "kubectl-rwx.io/restored-from-uid"
"""Annotations on a restored claim: name and uid of the VolumeSnapshot it came from. With the uid a second run tells its
own earlier work from a claim made of an older snapshot that had the same name."""

DEFAULT_SNAPSHOT_CLASS = "snapshot.storage.kubernetes.io/is-default-class"
"""What the snapshot-controller reads (external-snapshotter pkg/utils/util.go). The spelling
snapshot.storage.k8s.io/is-default-class, found in guides, is read by nobody."""

MISSPELT_DEFAULT_SNAPSHOT_CLASS = "snapshot.storage.k8s.io/is-default-class"
"""Read only to tell its owner that it has no effect."""

VERIFIED = "kubectl-rwx.io/verified"
"""Annotation on a StorageClass: what `verify` found out about it, as JSON (storage/verifications.py), for `check`."""

DEFAULT_STORAGE_CLASS = "storageclass.kubernetes.io/is-default-class"
"""Annotation on a StorageClass: claims that name no class get it."""

KASTEN_SNAPSHOT_CLASS = "k10.kasten.io/is-snapshot-class"
"""Annotation on a VolumeSnapshotClass: Kasten takes the class of the volume's driver that has it."""

VELERO_SNAPSHOT_CLASS = "velero.io/csi-volumesnapshot-class"
"""Label on a VolumeSnapshotClass: Velero takes the class of the volume's driver that has it."""

PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
"""Annotation that a provisioner leaves on each volume it makes; a volume made by hand has none."""

STORAGE_PROVISIONER = "volume.kubernetes.io/storage-provisioner"
STORAGE_PROVISIONER_BETA = "volume.beta.kubernetes.io/storage-provisioner"
"""Annotations that the volume controller sets on a dynamically provisioned claim: its driver, readable in the namespace
by those who may not read PersistentVolumes."""

SELECTED_NODE = "volume.kubernetes.io/selected-node"
"""Annotation that the scheduler sets on a WaitForFirstConsumer claim once a pod that uses it was placed."""

SCALE_RECORD = "kubectl-rwx.io/scaled-down"
"""Annotation on a workload that was scaled to zero for a while: JSON with its exact replicas (workloads/scaling.py),
written by the same request that scales, so there is no moment at which only one of the two is there."""

FREEZE_RECORD = "kubectl-rwx.io/frozen"
"""Annotation on a workload (or a pod without one) whose application is frozen for a cut: JSON with how it is
thawed, written before the freeze, for `thaw` and for whoever reads the object."""

GROUP_LABEL = "kubectl-rwx.io/group-cut"
"""Label that claims carry while a VolumeGroupSnapshot selects them, and that object itself:
the run of the command."""

FORCE_GENERIC_BACKUP = "k10.kasten.io/forcegenericbackup"
"""Kasten's mark on the workload object: back this workload up through its sidecar."""

SIDECAR_CONTAINER = "kanister-sidecar"
"""The container name Kasten looks for; it must be exactly this."""

INJECTION_RECORD = "oc-gsb.io/injection"
"""Annotation on an injected workload: JSON that undoes the injection exactly."""

SCC_BASE = "oc-gsb.io/base"
"""Annotation on an SCC copy: the SCC it was copied from."""

POD_SCC = "openshift.io/scc"
REQUIRED_SCC = "openshift.io/required-scc"
"""OpenShift's annotations on pods: the SCC that admitted the pod, and the only one it may use."""

K10_APP_NAME, K10_APP_NAMESPACE = "k10.kasten.io/appName", "k10.kasten.io/appNamespace"
K10_POLICY_NAME, K10_POLICY_NAMESPACE = "k10.kasten.io/policyName", "k10.kasten.io/policyNamespace"
K10_RUN_ACTION = "k10.kasten.io/runActionName"
K10_EXPORT_PROFILE = "k10.kasten.io/exportProfile"
"""Kasten's labels on actions and restore points; the last one is on exported restore points only."""

GSB_ENVIRONMENT = "oc-gsb.io/environment"
"""Annotation on a Policy: JSON of what a restore of its namespace needs on OpenShift after the namespace is gone."""

TEMPORARY = "kubectl-rwx.io/temporary"
"""Label on what lives only while one command runs, with what it is for (bind, transfer, verify): `cleanup` may remove
it."""

RUN_UNTIL = "kubectl-rwx.io/run-until"
"""Annotation on what `verify` makes: when its run, cleanup included, is over at the latest (RFC 3339). `cleanup` sweeps
nothing before that by itself, since no one can see from outside whether the run was killed or is at work."""

IN_PLACE = "kubectl-rwx.io/in-place"
"""Label on the ConfigMap in which an in-place restore records each step before it takes it."""

IN_PLACE_HOLDER = "kubectl-rwx.io/in-place-holder"
"""Annotation on that ConfigMap: the client that is at work on it, with its last sign of life, as JSON
(protection/in_place/holders.py); nobody else goes on with it meanwhile."""

CLONED_FROM = "kubectl-rwx.io/cloned-from"
CLONED_FROM_UID = "kubectl-rwx.io/cloned-from-uid"
"""Annotations on a cloned claim: name and uid of the claim it was made of."""

ALLOW_MODE_CHANGE = "snapshot.storage.kubernetes.io/allow-volume-mode-change"
"""Annotation on a VolumeSnapshotContent with which an administrator allows a restore to another volumeMode; without it
the provisioner refuses (external-provisioner, prevent-volume-mode-conversion)."""

SETUP = "kubectl-rwx.io/setup"
"""Label on what `setup` installed, with its part (snapshots, nfs, class); `setup --uninstall` removes these alone."""

SETUP_VERSION = "kubectl-rwx.io/setup-version"
"""Annotation on what `setup` installed: the release it comes from, so that a later run knows older from newer."""

COMPLETION_SECONDS = "KUBECTL_RWX_COMPLETION_SECONDS"
"""Environment variable: how long the Tab key may wait for names from a slow cluster; default 1."""
