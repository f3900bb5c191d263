"""The life of one action: its states, progress, error and details, cancellation, and the executor it depends on."""

import threading
import time
from typing import Any

from sandbox.kasten.cluster import Cluster
from sandbox.kasten.failures import ActionFailed, as_status
from sandbox.kasten.kinds import NAMESPACE, Kind
from sandbox.kasten.objects import CONFIG, PUBLIC_KEY, PUBLIC_KEY_VARIABLE, TOKEN_KEY, TOKEN_VARIABLE
from sandbox.kasten.store import Refused, Store

Manifest = dict[str, Any]


class Cancelled(Exception):
    pass


def now() -> str:
    """RFC 3339 with fractional seconds, as Kasten writes it."""
    seconds = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds % 1 * 1000):03d}Z"


class Job:
    """One action being worked on. parent: cancelled with it."""

    def __init__(self, store: Store, cluster: Cluster, kind: Kind, item: Manifest, *, parent: "Job | None" = None,
                 shape: str = "") -> None:
        self.store, self.cluster, self.kind = store, cluster, kind
        self.name, self.namespace = item["metadata"]["name"], item["metadata"].get("namespace", "")
        self.item = item
        self.cancelled = threading.Event()
        self.volumes: list[Manifest] = []
        self.phases: list[Manifest] = []
        self._parent, self._shape = parent, shape
        self._executor: str = parent._executor if parent else ""

    def status(self, **changes: Any) -> None:
        """Sets fields of the status; an action that was deleted meanwhile has none."""
        try:
            self.store.change(self.kind, self.name, lambda item: item.setdefault("status", {}).update(changes),
                              namespace=self.namespace)
        except Refused:
            pass

    def begin(self) -> None:
        """Pending until there is an executor, then Running."""
        self.status(state="Pending", progress=0)
        if not self._executor:
            self._executor = self.cluster.wait(
                lambda: executor_uid(self.cluster), seconds=600, stop=self._check_cancelled,
                otherwise=lambda: ("No executor", "executor-svc has no running pod"))
        self.status(state="Running", startTime=now())

    def check(self) -> None:
        """Raises when the work must stop: it was cancelled, or the executor doing it is gone."""
        self._check_cancelled()
        if executor_uid(self.cluster) != self._executor:
            raise ActionFailed("Job aborted", "the executor-svc pod that ran it was restarted")

    def _check_cancelled(self) -> None:
        if self.cancelled.is_set() or (self._parent and self._parent.cancelled.is_set()):
            raise Cancelled

    def phase(self, name: str) -> None:
        self.phases.append({"name": name, "state": "succeeded", "startTime": now()})

    def finish(self, **status: Any) -> None:
        self.status(state="Complete", progress=100, endTime=now(), **status)

    def fail(self, error: ActionFailed) -> None:
        self.status(state="Failed", endTime=now(), error=as_status(error.words, shape=self._shape))

    def details(self) -> Manifest:
        """actionDetails and progressDetails; on the object itself both are null (facts 3.3)."""
        copied = sum(volume["transferredBytes"] for volume in self.volumes)
        operations = [{key: volume[key] for key in ("pvcName", "operation", "dataFormat", "transferredBytes",
                                                    "totalBytes", "progress")} for volume in self.volumes]
        return {
            "actionDetails": {"phases": [{**phase, "volumeOperations": operations} for phase in self.phases]},
            "progressDetails": {
                "totalVolumes": len(self.volumes),
                "transferredBytes": copied, "readBytes": copied, "processingRate": 0,
                "totalBytes": sum(volume["totalBytes"] for volume in self.volumes),
            },
        }


def executor_uid(cluster: Cluster) -> str:
    """The running executor pod; "" when there is none."""
    pods = cluster.items(f"/api/v1/namespaces/{NAMESPACE}/pods", labelSelector="component=executor")
    running = [pod["metadata"]["uid"] for pod in pods
               if pod["status"].get("phase") == "Running" and not pod["metadata"].get("deletionTimestamp")]
    return running[0] if running else ""


def check_token(cluster: Cluster) -> None:
    """GSB needs a token in the executor's environment, of this cluster. Real tokens are signed; what Kasten says of a
    bad one is documented nowhere (facts 3.5), so these words are the stand-in's."""
    pods = cluster.items(f"/api/v1/namespaces/{NAMESPACE}/pods", labelSelector="component=executor")
    names = {variable["name"] for pod in pods for container in pod["spec"]["containers"]
             for variable in container.get("env") or ()}
    config = (cluster.find(f"/api/v1/namespaces/{NAMESPACE}/configmaps/{CONFIG}") or {}).get("data") or {}
    what = "Generic storage backup is not enabled"
    if TOKEN_VARIABLE not in names:
        raise ActionFailed(what, "no activation token is set (stand-in)")
    namespace = cluster.find("/api/v1/namespaces/default") or {}
    kind, _, rest = config.get(TOKEN_KEY, "").partition(".")
    if kind == "standin-evaluation":
        if PUBLIC_KEY_VARIABLE not in names or not config.get(PUBLIC_KEY):
            raise ActionFailed(what, "the activation token's signature cannot be verified (stand-in)")
        return
    if kind != "standin" or rest.split(".")[0] != namespace["metadata"]["uid"]:
        raise ActionFailed(what, "the activation token is not valid for this cluster (stand-in)")
