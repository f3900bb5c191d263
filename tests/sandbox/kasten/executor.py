"""The executor: turns actions into work, each in a thread of its own."""

import json
import logging
import shutil
import threading
import time
from pathlib import Path
from typing import Any

from kubernetes.client.rest import ApiException

from sandbox.kasten import backups, restores
from sandbox.kasten.cluster import Cluster
from sandbox.kasten.failures import ActionFailed
from sandbox.kasten.faults import ERROR_SHAPE, FIRST_ATTEMPT, STATE, fault
from sandbox.kasten.jobs import Cancelled, Job, now
from sandbox.kasten.kinds import (
    APP_NAME,
    APP_NAMESPACE,
    BACKUP,
    CANCEL,
    CONTENT,
    EXPORT,
    KINDS,
    NAMESPACE,
    POLICY_NAME,
    POLICY_NAMESPACE,
    RESTORE,
    RUN,
    RUN_ACTION,
    Kind,
)
from sandbox.kasten.store import Refused, Store

LOG = logging.getLogger(__name__)
Manifest = dict[str, Any]
_ACTIVE = ("Pending", "Running", "AttemptFailed", "Cancelling")


class Executor:
    """created() and deleted() are told of every new and removed object of the aggregated API."""

    def __init__(self, store: Store, cluster: Cluster, folder: Path) -> None:
        self._store, self._cluster, self._folder = store, cluster, folder
        self._jobs: dict[tuple[str, str, str], Job] = {}
        self._details: dict[str, Manifest] = {}

    def created(self, kind: Kind, item: Manifest) -> None:
        if kind is CANCEL:
            self._cancel(item["spec"]["subject"])
        elif kind in (RUN, BACKUP, EXPORT, RESTORE):
            job = self._new_job(kind, item)
            threading.Thread(target=self._work, args=(job,), daemon=True).start()

    def deleted(self, kind: Kind, item: Manifest) -> None:
        if kind is CONTENT:
            shutil.rmtree(self._folder / "data" / item["metadata"]["name"], ignore_errors=True)

    def details(self, kind: Kind, item: Manifest) -> Manifest:
        """The object with what only its subresource shows."""
        job = self._jobs.get(_key(kind, item))
        if job:
            item.setdefault("status", {}).update(job.details())
        elif kind.name.startswith("RestorePoint"):
            name = item["metadata"]["name"] if kind is CONTENT else item["spec"]["restorePointContentRef"]["name"]
            path = self._folder / "data" / name / "artifacts.json"
            key = "restorePointContentDetails" if kind is CONTENT else "restorePointDetails"
            artifacts = json.loads(path.read_text()) if path.exists() else []
            item.setdefault("status", {})[key] = {"artifacts": artifacts}
        return item

    def _new_job(self, kind: Kind, item: Manifest, *, parent: Job | None = None, shape: str = "") -> Job:
        job = Job(self._store, self._cluster, kind, item, parent=parent, shape=shape)
        self._jobs[_key(kind, item)] = job
        return job

    def _cancel(self, subject: Manifest) -> None:
        kind = next(one for one in KINDS if one.name == subject["kind"])
        job = self._jobs.get((kind.plural, subject.get("namespace", ""), subject["name"]))
        if job:
            job.status(state="Cancelling")
            job.cancelled.set()

    def _work(self, job: Job) -> None:
        work = {RUN.name: self._run, BACKUP.name: self._backup, EXPORT.name: self._export, RESTORE.name: self._restore}
        try:
            job.begin()
            work[job.kind.name](job)
        except ActionFailed as error:
            job.fail(error)
        except Cancelled:
            job.status(state="Cancelled", endTime=now())
        except (ApiException, Refused, OSError, KeyError) as error:
            LOG.exception("%s %s", job.kind.name, job.name)
            words = getattr(error, "body", None) or str(error)
            job.fail(ActionFailed("The stand-in failed", f"{type(error).__name__}: {words}"))

    def _run(self, job: Job) -> None:
        """A policy run: for each namespace of the policy a backup, then the export of what came of it."""
        reference = job.item["spec"]["subject"]
        where = f"/apis/config.kio.kasten.io/v1alpha1/namespaces/{reference['namespace']}/policies/{reference['name']}"
        policy = self._cluster.find(where)
        if policy is None:
            raise ActionFailed("Failed to run policy", f"Policy {reference['name']} not found")
        job._shape = fault(policy, ERROR_SHAPE)
        labels = {POLICY_NAME: reference["name"], POLICY_NAMESPACE: reference["namespace"], RUN_ACTION: job.name}
        actions = {action["action"]: action for action in policy["spec"]["actions"]}
        for namespace in backups.namespaces_of(policy):
            owned = {**labels, APP_NAME: namespace, APP_NAMESPACE: namespace}
            spec = {"subject": {"name": namespace, "namespace": namespace}}
            profile = (actions["backup"].get("backupParameters") or {}).get("profile")
            backup = self._child(job, BACKUP, namespace, owned, {**spec, **({"profile": profile} if profile else {})},
                                 policy=policy)
            job.status(progress=50)
            if "export" in actions:
                point = self._store.get(BACKUP, backup.name, namespace=namespace)["status"]["restorePoint"]
                subject = {"kind": "RestorePoint", "apiVersion": "apps.kio.kasten.io/v1alpha1", **point}
                self._child(job, EXPORT, namespace, owned,
                            {"subject": subject, "profile": actions["export"]["exportParameters"]["profile"]},
                            policy=policy)
        job.finish()

    def _child(self, parent: Job, kind: Kind, namespace: str, labels: dict[str, str], spec: Manifest, *,
               policy: Manifest) -> Job:
        """Works on an action of a run to its end; its failure is the run's."""
        expires = parent.item["spec"].get("expiresAt")
        if expires:
            spec = {**spec, "expiresAt": expires}
        prefix = "scheduled" if kind is BACKUP else "export"
        metadata = {"generateName": f"{prefix}-", "labels": labels}
        item = self._store.create(kind, {"metadata": metadata, "spec": spec}, namespace=namespace)
        child = self._new_job(kind, item, parent=parent, shape=fault(policy, ERROR_SHAPE))
        words = fault(policy, FIRST_ATTEMPT) if kind is BACKUP else ""
        if words:
            child.begin()
            child.status(state="AttemptFailed", error={"message": words, "cause": ""})
            time.sleep(2)
            child.status(error=None)
        if kind is BACKUP and fault(policy, STATE):
            child.status(state=fault(policy, STATE))
            time.sleep(2)
        self._work(child)
        status = self._store.get(kind, child.name, namespace=namespace)["status"]
        if status["state"] == "Cancelled":
            raise Cancelled
        if status["state"] != "Complete":
            error = status["error"]
            said = error if isinstance(error, str) else json.dumps(error)
            raise ActionFailed(f"Job failed to be executed: {kind.name} {namespace}/{child.name}", said)
        return child

    def _backup(self, job: Job) -> None:
        backups.back_up(self._store, self._cluster, job, self._folder)

    def _export(self, job: Job) -> None:
        backups.export(self._store, self._cluster, job, self._folder)

    def _restore(self, job: Job) -> None:
        restores.restore(self._store, self._cluster, job, self._folder)


def _key(kind: Kind, item: Manifest) -> tuple[str, str, str]:
    return kind.plural, item["metadata"].get("namespace", ""), item["metadata"]["name"]


def abort_unfinished(store: Store) -> None:
    """Actions that a stopped stand-in left behind will not go on."""
    for kind in (RUN, BACKUP, EXPORT, RESTORE):
        for item in store.listed(kind)[0]:
            if (item.get("status") or {}).get("state", "Pending") in _ACTIVE:
                store.change(kind, item["metadata"]["name"], lambda one: one.setdefault("status", {}).update(
                    state="Failed", error={"message": "Job aborted", "cause": ""}),
                    namespace=item["metadata"].get("namespace", ""))


__all__ = ["Executor", "NAMESPACE", "abort_unfinished"]
