"""``python -m sandbox.openshift.deploymentconfigs``: rolls DeploymentConfigs out.

Rollouts start when the pod template changes (trigger ConfigChange, also the default when ``triggers`` is absent) or
when somebody raises ``status.latestVersion``, which stands in for the subresource ``instantiate``.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import urllib3
from kubernetes.client.rest import ApiException

from sandbox.openshift.api import MERGE_PATCH, Api
from sandbox.openshift.revisions import (
    CONFIG_NAME,
    PHASE,
    REASON,
    RUNNING,
    annotation,
    list_revisions,
    name_of,
    new_revision,
    path_of,
    superfluous,
    template_of,
    version_of,
)
from sandbox.openshift.rollouts import next_step, wants_rollout
from sandbox.openshift.statuses import status_of

LOG = logging.getLogger(__name__)
CONFIGS = "/apis/apps.openshift.io/v1/deploymentconfigs"
WORKERS = 4
_LATER_SECONDS = 2.0
_CONFLICT = 409

Key = tuple[str, str]


class Queue:
    """Keys to look at, each once and never in two threads at a time."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: dict[Key, float] = {}
        self._busy: set[Key] = set()

    def add(self, key: Key, after: float = 0.0) -> None:
        with self._changed:
            due = time.monotonic() + after
            self._due[key] = min(due, self._due.get(key, due))
            self._changed.notify()

    def work(self, handle: Callable[[Key], None]) -> None:
        """Handle keys for ever."""
        while True:
            key = self._take()
            try:
                handle(key)
            finally:
                with self._changed:
                    self._busy.discard(key)
                    self._changed.notify()

    def _take(self) -> Key:
        with self._changed:
            while True:
                ready = [(due, key) for key, due in self._due.items() if key not in self._busy]
                due, key = min(ready, default=(None, None))
                wait = None if due is None else due - time.monotonic()
                if key is not None and wait is not None and wait <= 0:
                    del self._due[key]
                    self._busy.add(key)
                    return key
                self._changed.wait(wait)


class Controller:
    def __init__(self, api: Api) -> None:
        self._api = api
        self.queue = Queue()

    def run(self) -> None:
        """Watch and work; does not return."""
        for _ in range(WORKERS):
            threading.Thread(target=self.queue.work, args=(self._handle,), daemon=True).start()
        threading.Thread(target=self._watch_revisions, daemon=True).start()
        for kind, config in self._api.events(CONFIGS):
            if kind != "DELETED":
                self.queue.add((config["metadata"]["namespace"], config["metadata"]["name"]))

    def _watch_revisions(self) -> None:
        for _, controller in self._api.events("/api/v1/replicationcontrollers", labelSelector=CONFIG_NAME):
            metadata = controller["metadata"]
            self.queue.add((metadata["namespace"], metadata["labels"][CONFIG_NAME]))

    def _handle(self, key: Key) -> None:
        try:
            self._reconcile(*key)
        except ApiException as error:
            # a conflict only says that there is something newer to look at
            level = logging.DEBUG if error.status == _CONFLICT else logging.WARNING
            LOG.log(level, "%s/%s: %s %s", *key, error.status, error.body)
            self.queue.add(key, after=0.1 if error.status == _CONFLICT else _LATER_SECONDS)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            LOG.warning("%s/%s: %s", *key, error)
            self.queue.add(key, after=_LATER_SECONDS)
        except Exception:
            LOG.exception("%s/%s", *key)
            self.queue.add(key, after=5 * _LATER_SECONDS)

    def _reconcile(self, namespace: str, name: str) -> None:
        path = f"/apis/apps.openshift.io/v1/namespaces/{namespace}/deploymentconfigs/{name}"
        try:
            config = self._api.call("GET", path)
        except ApiException as error:
            if error.status == 404:
                return
            raise
        if config["metadata"].get("deletionTimestamp"):
            return
        revisions = list_revisions(self._api, config)
        if self._start_version(path, config, revisions):
            self.queue.add((namespace, name))
            return
        step = next_step(config, revisions)
        by_name = {each["metadata"]["name"]: each for each in revisions}
        for revision, (phase, reason) in step.phases.items():
            LOG.info("%s/%s: %s %s", namespace, revision, phase, reason)
            notes = {PHASE: phase, REASON: reason}
            self._patch_revision(config, by_name[revision], {"metadata": {"annotations": notes}})
        for revision, replicas in step.replicas.items():
            LOG.info("%s/%s: %d replicas", namespace, revision, replicas)
            self._patch_revision(config, by_name[revision], {"spec": {"replicas": replicas}})
        for each in superfluous(config, revisions):
            self._api.call("DELETE", path_of(config, each["metadata"]["name"]), propagationPolicy="Background")
        self._write_status(path, config, revisions)
        if step.phases or (revisions and annotation(revisions[-1], PHASE) == RUNNING):
            self.queue.add((namespace, name), after=0.0 if step.phases else _LATER_SECONDS)

    def _start_version(self, path: str, config: dict[str, Any], revisions: list[dict[str, Any]]) -> bool:
        """Make the ReplicationController of a version that is due; True when one was made."""
        asked = int((config.get("status") or {}).get("latestVersion") or 0)
        newest = version_of(revisions[-1]) if revisions else 0
        by_hand = asked > newest and not config["spec"].get("paused")
        if not by_hand and not wants_rollout(config, template_of(revisions[-1]) if revisions else None):
            return False
        version = asked if by_hand else max(asked, newest) + 1
        if version != asked:
            # recorded first: a version that was only half made is found and made again
            change = {"metadata": {"resourceVersion": config["metadata"]["resourceVersion"]}}
            self._api.call(
                "PATCH", f"{path}/status", {**change, "status": {"latestVersion": version}}, content_type=MERGE_PATCH
            )
        LOG.info("%s/%s: new version", config["metadata"]["namespace"], name_of(config, version))
        self._api.call("POST", path_of(config), new_revision(config, version))
        return True

    def _patch_revision(self, config: dict[str, Any], revision: dict[str, Any], change: dict[str, Any]) -> None:
        self._api.call("PATCH", path_of(config, revision["metadata"]["name"]), change, content_type=MERGE_PATCH)

    def _write_status(self, path: str, config: dict[str, Any], revisions: list[dict[str, Any]]) -> None:
        wanted = status_of(config, revisions)
        if wanted != config.get("status"):
            self._api.call("PUT", f"{path}/status", {**config, "status": wanted})


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    Controller(Api()).run()


if __name__ == "__main__":
    main()
