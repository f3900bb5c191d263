"""An NFS server in the cluster, for trials: its data lie in the pod and go with it.

It serves with the kernel's NFS server, so its container is privileged: no namespace under Pod Security `restricted` or
`baseline` takes it, and the node's kernel needs the module nfsd.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kubectl_rwx.installation.images import TRIAL_SERVER
from kubectl_rwx.installation.releases import marked
from plugin_core.model.kinds import DEPLOYMENT, ROLE, ROLE_BINDING, SERVICE, SERVICE_ACCOUNT
from plugin_core.model.manifests import Manifest

NAME = "kubectl-rwx-nfs-server"
PART = "nfs-server"
KINDS = (DEPLOYMENT, SERVICE, ROLE_BINDING, ROLE, SERVICE_ACCOUNT)
"""What it consists of, in the order of removal."""


@dataclass(frozen=True)
class TrialServer:
    """image: what serves /exports when it is started with that argument."""

    namespace: str
    image: str = TRIAL_SERVER

    @property
    def address(self) -> str:
        return f"{NAME}.{self.namespace}.svc.cluster.local"

    def manifests(self) -> list[Manifest]:
        labels = {"app.kubernetes.io/name": NAME}
        container: dict[str, Any] = {
            "name": "nfs-server", "image": self.image, "args": ["/exports"],
            "ports": [{"name": "nfs", "containerPort": 2049}],
            "securityContext": {"privileged": True},
            "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "1Gi"}},
            "readinessProbe": {"tcpSocket": {"port": "nfs"}, "periodSeconds": 2},
            "volumeMounts": [{"name": "exports", "mountPath": "/exports"}],
        }
        template = {"metadata": {"labels": labels}, "spec": {
            "serviceAccountName": NAME, "automountServiceAccountToken": False, "containers": [container],
            "volumes": [{"name": "exports", "emptyDir": {}}],
        }}
        deployment = self._object(DEPLOYMENT.api_version, DEPLOYMENT.name, spec={
            "replicas": 1, "strategy": {"type": "Recreate"}, "selector": {"matchLabels": labels}, "template": template,
        })
        service = self._object(SERVICE.api_version, SERVICE.name, spec={
            "selector": labels, "ports": [{"name": "nfs", "port": 2049, "targetPort": "nfs"}],
        })
        return [marked(item, part=PART) for item in (
            self._object(SERVICE_ACCOUNT.api_version, SERVICE_ACCOUNT.name), service, deployment)]

    def _object(self, api_version: str, kind: str, **content: Any) -> Manifest:
        return {"apiVersion": api_version, "kind": kind, "metadata": {"name": NAME, "namespace": self.namespace},
                **content}
