"""Everything that can be known before an injection changes anything: all problems of all workloads, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from oc_gsb.sidecar.adoption import is_foreign
from oc_gsb.sidecar.containers import CA_KEY, SidecarOptions, own_volumes, sidecar_of
from oc_gsb.sidecar.grants import Grant, manual_grant
from oc_gsb.sidecar.image_probe import Trial
from oc_gsb.sidecar.keepers import find_keepers
from oc_gsb.sidecar.neighbours import neighbour_problems, neighbour_warnings, room_problems
from oc_gsb.sidecar.problems import namespace_problems, reason_to_stop, workload_problems
from oc_gsb.sidecar.quotas import Budget
from oc_gsb.sidecar.record import LARGEST, read_record, record_text
from oc_gsb.sidecar.rights import Rights
from oc_gsb.sidecar.scc_plans import SccPlan, SccReader, plan_scc
from oc_gsb.sidecar.surroundings import Surroundings
from oc_gsb.sidecar.template import add_sidecar
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import Phase
from plugin_core.model.kinds import CONFIG_MAP, SECRET
from plugin_core.model.manifests import Manifest, name_of, namespace_of
from plugin_core.workloads.templates import kind_of, pod_spec_of, service_account_of
from plugin_core.workloads.waits import Rollout

_PULL_TYPES = ("kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg")


@dataclass(frozen=True)
class Plan:
    """problems: why nothing is done; [] when it can go on. forbidden: whether only rights are missing.

    stop: why the workload goes to zero replicas for the change; "" when it stays up. warnings: worth knowing. trial:
    the image it depends on, as its pods will pull it.
    """

    workload: Manifest
    problems: tuple[str, ...] = ()
    forbidden: bool = False
    hint: str = ""
    scc: SccPlan = field(default_factory=SccPlan)
    stop: str = ""
    warnings: tuple[str, ...] = ()
    trial: Trial | None = None

    @property
    def grant(self) -> Grant:
        return Grant(scc=self.scc.wanted, namespace=namespace_of(self.workload), account=self.scc.account)


class Planner:
    """Reads what all workloads share once, then plans each. force: somebody who keeps a workload is only warned of."""

    def __init__(
        self, cluster: Cluster, workloads: Sequence[Manifest], *, options: SidecarOptions, k10_namespace: str,
        force: bool = False,
    ) -> None:
        self._cluster, self._options, self._k10_namespace, self._force = cluster, options, k10_namespace, force
        self._around = Surroundings.read(cluster, workloads)
        self._reader = SccReader.read(cluster)
        self._rights = Rights(cluster)
        self._budget = Budget(self._around.quotas)
        self._shared = list(self._missing_objects())

    @property
    def has_sccs(self) -> bool:
        return self._reader.served

    @property
    def pods(self) -> list[Manifest]:
        """All pods of the namespace, as read at the start."""
        return self._around.workloads.pods

    @property
    def unread(self) -> tuple[str, ...]:
        """What might not be looked at, so that no problem of that sort can have been found."""
        return tuple(self._around.unread)

    def plan(self, workload: Manifest) -> Plan:
        """For a workload without a record. The SCC is looked at only when the sidecar itself would fit."""
        problems = self._workload_problems(workload)
        problems += namespace_problems(self._around.namespace)
        fits = not problems
        keepers = find_keepers(workload)
        if not self._force:
            problems += [str(one) for one in keepers]
        problems += self._shared
        scc = SccPlan(account=service_account_of(workload))
        stop = reason_to_stop(workload, self._around.claims)
        if fits:
            rollout = self._around.rollout_of(workload)
            problems += _present_troubles(rollout)
            scc = plan_scc(self._reader, workload, namespace=self._around.namespace, pods=rollout.pods.newest,
                           options=self._options)
            problems += scc.problems
            problems += self._size_problems(workload, scc)
        if scc.granted and self._rights.missing_for_grant(workload, scc):
            scc = replace(scc, grant=False)
        missing = self._rights.missing(workload, scc)
        warnings = [str(one) for one in keepers] if self._force else []
        if fits:
            after = add_sidecar(workload, options=self._options)
            room, more = room_problems(workload, after, self._around, self._budget, held=bool(stop),
                                       counts=not problems and not missing)
            problems += room
            problems += neighbour_problems(workload, self._around, k10_namespace=self._k10_namespace)
            warnings += more + list(neighbour_warnings(workload, after, self._around, held=bool(stop),
                                                       k10_namespace=self._k10_namespace, options=self._options))
        plan = Plan(
            workload, problems=tuple(problems + missing), forbidden=bool(missing) and not problems, scc=scc,
            stop=stop, warnings=tuple(warnings), trial=self._trial(workload),
        )
        if plan.forbidden:
            ask = "ask for the rights, or act as someone who has them with --as"
            return replace(plan, stop="", warnings=(), hint=manual_grant(plan.grant) if scc.grant else ask)
        if keepers and not self._force:
            where = f"{kind_of(workload).name.lower()}/{name_of(workload)} -n {namespace_of(workload)}"
            return replace(plan, hint=f"put the change where they take it from: oc gsb render {where}; or go on with "
                           "--force")
        return plan

    def edit(self, plan: Plan, before: Manifest, *, run: str) -> Manifest:
        """The injection of `before`, the workload as it is by now. Raises NotReady when it no longer fits."""
        if read_record(before) is None:
            problems = self._workload_problems(before)
            if problems:
                raise errors.NotReady(f"it was changed meanwhile: {'; '.join(problems)}")
        return add_sidecar(before, options=self._options, scc=plan.scc.wanted, pin=plan.scc.pin, run=run,
                           user=plan.scc.user)

    def runs(self, trial: Trial) -> bool:
        """Whether a container of this image already runs as this service account."""
        return self._around.runs(trial.image, account=trial.account)

    def _workload_problems(self, workload: Manifest) -> list[str]:
        return workload_problems(workload, k10_namespace=self._k10_namespace, ours=own_volumes(self._options))

    def _trial(self, workload: Manifest) -> Trial:
        spec = pod_spec_of(add_sidecar(workload, options=self._options)) if not is_foreign(workload) else (
            pod_spec_of(workload))
        image = str((sidecar_of(spec) or {}).get("image", self._options.image))
        if self._options.own_image:
            image = self._options.image
        names = [str(one.get("name")) for one in spec.get("imagePullSecrets") or []]
        return Trial(image, service_account_of(workload), tuple(dict.fromkeys([*names, *self._options.pull_secrets])))

    def _missing_objects(self) -> Iterator[str]:
        where = self._cluster.namespace
        for name in self._options.pull_secrets:
            try:
                kind = self._cluster.get(SECRET, name, namespace=where).get("type")
                if kind not in _PULL_TYPES:
                    yield f"Secret {name} is of type {kind}, not one to pull images with ({_PULL_TYPES[0]})"
            except errors.NotFound:
                yield f"there is no Secret {name} in namespace {where} (--pull-secret)"
            except errors.Forbidden as error:
                self._around.unread.append(f"whether Secret {name} is there is not known: {error.message}")
        name = self._options.ca_configmap
        try:
            if name and CA_KEY not in (self._cluster.get(CONFIG_MAP, name, namespace=where).get("data") or {}):
                yield f"ConfigMap {name} has no key {CA_KEY}, which Kasten's private CA is kept under"
        except errors.NotFound:
            yield f"there is no ConfigMap {name} in namespace {where} (--ca-configmap)"
        except errors.Forbidden as error:
            self._around.unread.append(f"whether ConfigMap {name} is there is not known: {error.message}")

    def _size_problems(self, workload: Manifest, scc: SccPlan) -> list[str]:
        record = read_record(add_sidecar(workload, options=self._options, scc=scc.wanted, pin=scc.pin))
        size = len(record_text(record).encode()) if record else 0
        if size <= LARGEST:
            return []
        return [f"its pod template is too big to be kept for the way back: {size} bytes of at most {LARGEST}"]


def _present_troubles(rollout: Rollout) -> list[str]:
    """A workload that does not come up by itself is not changed: its failure and ours could not be told apart."""
    if rollout.phase is Phase.FAILED:
        return [f"its pods do not come up as they are: {rollout.summary}"]
    return [f"its pods do not come up as they are: {trouble}" for trouble in rollout.troubles if trouble.stuck]
