"""The API kinds the plugins work with: where each is served and how users spell it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True)
class Kind:
    """One resource of the API.

    group is "" for the core group; short_names are what kubectl accepts besides singular and plural.
    """

    name: str
    plural: str
    group: str
    version: str
    namespaced: bool = True
    short_names: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """PLURAL.GROUP, as kubectl prints it (`volumesnapshots.snapshot.storage.k8s.io`)."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def prefix(self) -> str:
        """SINGULAR.GROUP, what `kubectl -o name` puts before the slash."""
        singular = self.name.lower()
        return f"{singular}.{self.group}" if self.group else singular

    def path(self, *, namespace: str | None = None, name: str = "", subresource: str = "") -> str:
        """The URL path, quoted; namespace None means all namespaces (or a cluster-scoped kind)."""
        base = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        scope = f"/namespaces/{quote(namespace, safe='')}" if self.namespaced and namespace else ""
        tail = "".join(f"/{quote(part, safe='')}" for part in (name, subresource) if part)
        return f"{base}{scope}/{self.plural}{tail}"


POD = Kind("Pod", "pods", "", "v1", short_names=("po",))
PERSISTENT_VOLUME_CLAIM = Kind("PersistentVolumeClaim", "persistentvolumeclaims", "", "v1", short_names=("pvc",))
PERSISTENT_VOLUME = Kind("PersistentVolume", "persistentvolumes", "", "v1", namespaced=False, short_names=("pv",))
NAMESPACE = Kind("Namespace", "namespaces", "", "v1", namespaced=False, short_names=("ns",))
NODE = Kind("Node", "nodes", "", "v1", namespaced=False, short_names=("no",))
EVENT = Kind("Event", "events", "", "v1", short_names=("ev",))
CONFIG_MAP = Kind("ConfigMap", "configmaps", "", "v1", short_names=("cm",))
SECRET = Kind("Secret", "secrets", "", "v1")
SERVICE = Kind("Service", "services", "", "v1", short_names=("svc",))
SERVICE_ACCOUNT = Kind("ServiceAccount", "serviceaccounts", "", "v1", short_names=("sa",))
RESOURCE_QUOTA = Kind("ResourceQuota", "resourcequotas", "", "v1", short_names=("quota",))
LIMIT_RANGE = Kind("LimitRange", "limitranges", "", "v1", short_names=("limits",))
REPLICATION_CONTROLLER = Kind("ReplicationController", "replicationcontrollers", "", "v1", short_names=("rc",))

DEPLOYMENT = Kind("Deployment", "deployments", "apps", "v1", short_names=("deploy",))
STATEFUL_SET = Kind("StatefulSet", "statefulsets", "apps", "v1", short_names=("sts",))
DAEMON_SET = Kind("DaemonSet", "daemonsets", "apps", "v1", short_names=("ds",))
REPLICA_SET = Kind("ReplicaSet", "replicasets", "apps", "v1", short_names=("rs",))
DEPLOYMENT_CONFIG = Kind("DeploymentConfig", "deploymentconfigs", "apps.openshift.io", "v1", short_names=("dc",))
JOB = Kind("Job", "jobs", "batch", "v1")
CRON_JOB = Kind("CronJob", "cronjobs", "batch", "v1", short_names=("cj",))
HORIZONTAL_POD_AUTOSCALER = Kind(
    "HorizontalPodAutoscaler", "horizontalpodautoscalers", "autoscaling", "v2", short_names=("hpa",)
)
POD_DISRUPTION_BUDGET = Kind("PodDisruptionBudget", "poddisruptionbudgets", "policy", "v1", short_names=("pdb",))
MUTATING_WEBHOOKS = Kind(
    "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", "admissionregistration.k8s.io", "v1",
    namespaced=False,
)

STORAGE_CLASS = Kind("StorageClass", "storageclasses", "storage.k8s.io", "v1", namespaced=False, short_names=("sc",))
CSI_DRIVER = Kind("CSIDriver", "csidrivers", "storage.k8s.io", "v1", namespaced=False)
CSI_NODE = Kind("CSINode", "csinodes", "storage.k8s.io", "v1", namespaced=False)
LEASE = Kind("Lease", "leases", "coordination.k8s.io", "v1")
CUSTOM_RESOURCE_DEFINITION = Kind(
    "CustomResourceDefinition", "customresourcedefinitions", "apiextensions.k8s.io", "v1", namespaced=False,
    short_names=("crd", "crds"),
)
FEATURE_GATE = Kind("FeatureGate", "featuregates", "config.openshift.io", "v1", namespaced=False)
CLUSTER_VERSION = Kind("ClusterVersion", "clusterversions", "config.openshift.io", "v1", namespaced=False)

SNAPSHOT_GROUP = "snapshot.storage.k8s.io"
VOLUME_SNAPSHOT = Kind("VolumeSnapshot", "volumesnapshots", SNAPSHOT_GROUP, "v1", short_names=("vs",))
VOLUME_SNAPSHOT_CLASS = Kind(
    "VolumeSnapshotClass", "volumesnapshotclasses", SNAPSHOT_GROUP, "v1", namespaced=False,
    short_names=("vsclass", "vsclasses"),
)
VOLUME_SNAPSHOT_CONTENT = Kind(
    "VolumeSnapshotContent", "volumesnapshotcontents", SNAPSHOT_GROUP, "v1", namespaced=False,
    short_names=("vsc", "vscs"),
)

GROUP_SNAPSHOT_GROUP = "groupsnapshot.storage.k8s.io"
VOLUME_GROUP_SNAPSHOT = Kind("VolumeGroupSnapshot", "volumegroupsnapshots", GROUP_SNAPSHOT_GROUP, "v1",
                             short_names=("vgs",))
VOLUME_GROUP_SNAPSHOT_CLASS = Kind(
    "VolumeGroupSnapshotClass", "volumegroupsnapshotclasses", GROUP_SNAPSHOT_GROUP, "v1", namespaced=False,
    short_names=("vgsclass", "vgsclasses"),
)
VOLUME_GROUP_SNAPSHOT_CONTENT = Kind(
    "VolumeGroupSnapshotContent", "volumegroupsnapshotcontents", GROUP_SNAPSHOT_GROUP, "v1", namespaced=False,
    short_names=("vgsc", "vgscs"),
)
"""In v1; clusters older than external-snapshotter 8.6 serve v1beta1 or v1beta2, so take the version from discovery."""

CDI_GROUP = "cdi.kubevirt.io"
STORAGE_PROFILE = Kind("StorageProfile", "storageprofiles", CDI_GROUP, "v1beta1", namespaced=False)

SCC_GROUP = "security.openshift.io"
SECURITY_CONTEXT_CONSTRAINTS = Kind(
    "SecurityContextConstraints", "securitycontextconstraints", SCC_GROUP, "v1", namespaced=False, short_names=("scc",)
)
RBAC_GROUP = "rbac.authorization.k8s.io"
ROLE = Kind("Role", "roles", RBAC_GROUP, "v1")
ROLE_BINDING = Kind("RoleBinding", "rolebindings", RBAC_GROUP, "v1")
CLUSTER_ROLE = Kind("ClusterRole", "clusterroles", RBAC_GROUP, "v1", namespaced=False)
CLUSTER_ROLE_BINDING = Kind("ClusterRoleBinding", "clusterrolebindings", RBAC_GROUP, "v1", namespaced=False)
ACCESS_REVIEW = Kind(
    "SelfSubjectAccessReview", "selfsubjectaccessreviews", "authorization.k8s.io", "v1", namespaced=False
)
SUBJECT_REVIEW = Kind("SubjectAccessReview", "subjectaccessreviews", "authorization.k8s.io", "v1", namespaced=False)
SCC_REVIEW = Kind("PodSecurityPolicySubjectReview", "podsecuritypolicysubjectreviews", SCC_GROUP, "v1")

KASTEN_VERSION = "v1alpha1"
KASTEN_CONFIG_GROUP, KASTEN_OPERATOR_GROUP = "config.kio.kasten.io", "apik10.kasten.io"
KASTEN_ACTIONS_GROUP, KASTEN_APPS_GROUP = "actions.kio.kasten.io", "apps.kio.kasten.io"
POLICY = Kind("Policy", "policies", KASTEN_CONFIG_GROUP, KASTEN_VERSION)
PROFILE = Kind("Profile", "profiles", KASTEN_CONFIG_GROUP, KASTEN_VERSION)
K10 = Kind("K10", "k10s", KASTEN_OPERATOR_GROUP, KASTEN_VERSION)
RUN_ACTION = Kind("RunAction", "runactions", KASTEN_ACTIONS_GROUP, KASTEN_VERSION)
BACKUP_ACTION = Kind("BackupAction", "backupactions", KASTEN_ACTIONS_GROUP, KASTEN_VERSION)
EXPORT_ACTION = Kind("ExportAction", "exportactions", KASTEN_ACTIONS_GROUP, KASTEN_VERSION)
RESTORE_ACTION = Kind("RestoreAction", "restoreactions", KASTEN_ACTIONS_GROUP, KASTEN_VERSION)
CANCEL_ACTION = Kind("CancelAction", "cancelactions", KASTEN_ACTIONS_GROUP, KASTEN_VERSION)
RESTORE_POINT = Kind("RestorePoint", "restorepoints", KASTEN_APPS_GROUP, KASTEN_VERSION)
RESTORE_POINT_CONTENT = Kind(
    "RestorePointContent", "restorepointcontents", KASTEN_APPS_GROUP, KASTEN_VERSION, namespaced=False
)

KINDS: tuple[Kind, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Kind))


def find_kind(api_version: str, name: str) -> Kind | None:
    """The kind of a manifest by its apiVersion and kind; None when it is not one of ours."""
    return next((kind for kind in KINDS if (kind.api_version, kind.name) == (api_version, name)), None)
