"""The ground that all parts of a run stand on: the connection, the plan, the ledger, and what is done to pods."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from kubectl_rwx.protection.creation import create_together
from kubectl_rwx.readiness.verification.plans import Plan
from kubectl_rwx.readiness.verification.steps import Halted, Hindered, Ledger, Step
from kubectl_rwx.readiness.verification.waits import DELETED, Standing, wait_until_running
from plugin_core import errors
from plugin_core.kube.cluster import Cluster, ExecResult, Shell
from plugin_core.model.durations import Deadline, format_duration
from plugin_core.model.kinds import PERSISTENT_VOLUME_CLAIM
from plugin_core.model.manifests import Manifest
from plugin_core.model.progress import Progress
from plugin_core.workloads.helper_pods import CONTAINER

_LONGEST_COMMAND = 300.0
_FRESH_SECONDS = 5.0
"""A shell that was idle for longer is not used again: proxies on the way may have cut it, some after 30 s."""

_HOW_TO_RUN = ("let the pods run: --image, --image-pull-secret, --node-selector, --toleration; "
               "kubectl rwx images lists what to mirror")


class Stage:
    """One for a run; close() ends it."""

    def __init__(self, cluster: Cluster, plan: Plan, *, deadline: Deadline, progress: Progress) -> None:
        self.ledger = Ledger()
        self.cluster, self.plan, self.progress = cluster.within(deadline), plan, progress
        self.deadline, self.objects = deadline, plan.objects
        self._shells: dict[str, Future[Shell]] = {}
        self._pool = ThreadPoolExecutor(max_workers=4)

    def create(self, manifests: Sequence[Manifest]) -> None:
        made: list[Manifest] = []
        for result in create_together(self.cluster, manifests, made=made, tell=lambda manifest: None):
            if isinstance(result, errors.PluginError):
                raise result

    def wait_for_pods(self, roles: dict[str, str], text: str) -> dict[str, Standing]:
        """Standings by role; roles: role → part of its claim's name.

        The shell of a pod that runs is started at once. text "": beside another wait, whose progress is shown. Raises
        Hindered for a pod that was placed and cannot run.
        """
        objects = self.objects
        names = {objects.name(role): objects.name(part) for role, part in roles.items()}
        standings = wait_until_running(
            self.cluster, names, namespace=objects.namespace, labels=objects.selector, deadline=self.deadline,
            patience=objects.request.patience, progress=self.progress if text else None, text=text,
            ready=self._warm,
        )
        for name, standing in standings.items():
            if standing.reason == DELETED:
                raise errors.NotFound(f"pod/{name} was deleted by someone else", status=404)
            if standing.node:
                self.require_unhindered(standing)
        return {role: standings[objects.name(role)] for role in roles}

    def require_unhindered(self, standing: Standing) -> None:
        """Raises Hindered for a pod that failed for a reason of its own."""
        if standing.hindered:
            raise Hindered(standing.reason, _HOW_TO_RUN)

    def read_claim(self, part: str) -> Manifest:
        return self.cluster.get(PERSISTENT_VOLUME_CLAIM, self.objects.name(part), namespace=self.objects.namespace)

    def halt(self, step: Step, standing: Standing) -> Halted:
        return step.halt(standing.phase, standing.reason, timeout=format_duration(self.deadline.seconds))

    def execute(self, role: str, script: str, *arguments: str, step: Step) -> str:
        """stdout of a script in a pod. What goes wrong in it is the step's failed row, and ends the run."""
        done = self._run(self.objects.name(role), script, arguments)
        if done.exit_code:
            words = " ".join(done.stderr.split()) or f"exit code {done.exit_code}"
            denied = "ermission denied" in words
            step.fail(f"in the {role}: {words}", "the volume's root does not belong to the pod's group (no fsGroup on "
                      "this storage?): --run-as-user, or the class's permissions" if denied else "")
            raise Halted
        return done.stdout

    def _run(self, pod: str, script: str, arguments: Sequence[str]) -> ExecResult:
        shell = self._shells.pop(pod, None) or self._start_shell(pod)
        if shell.result().idle_seconds > _FRESH_SECONDS:
            shell.result().close()
            shell = self._start_shell(pod)
        done = shell.result().run(script, arguments, seconds=max(1.0, min(self.deadline.left, _LONGEST_COMMAND)))
        if self._shells.setdefault(pod, shell) is not shell:
            shell.result().close()
        return done

    def _warm(self, pod: str) -> None:
        self._shells[pod] = self._start_shell(pod)

    def _start_shell(self, pod: str) -> Future[Shell]:
        return self._pool.submit(
            self.cluster.shell, pod, namespace=self.objects.namespace, container=CONTAINER)

    def close(self) -> None:
        """Ends the shells in the pods; one that is only just starting ends with its pod."""
        self._pool.shutdown(wait=False)
        while self._shells:
            shell = self._shells.popitem()[1]
            if shell.done() and not shell.exception():
                shell.result().close()
