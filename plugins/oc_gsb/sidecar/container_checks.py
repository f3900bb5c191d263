"""Checks inside the sidecar of running pods, by exec: /proc, exit codes, and nothing the specification claims."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from oc_gsb.scc import SIDECAR_CAPABILITIES
from oc_gsb.sidecar.containers import KOPIA_VOLUMES, SidecarMount, sidecar_of
from oc_gsb.sidecar.measurements import COMMAND, Measurement, missing_bits, parse_measurement
from oc_gsb.sidecar.mounting import plan_mounts
from oc_gsb.sidecar.proofs import prove_files
from plugin_core import errors
from plugin_core.kube.cluster import Cluster, ExecResult
from plugin_core.model.checks import Check, Verdict
from plugin_core.model.manifests import Manifest, name_of, namespace_of, part_of
from plugin_core.names import SIDECAR_CONTAINER

AT_ONCE = 5
"""Pods measured at a time."""
_WORST_FIRST = (Verdict.FAIL, Verdict.WARN, Verdict.SKIP, Verdict.OK)
_NO_START = "see capabilities-bounding, and whether the image has kopia"
_DIRECT, _SHELL = ("kopia", "--version"), ("bash", "-c", "kopia --version")


def check_sidecar(
    cluster: Cluster, workload: Manifest, pods: Sequence[Manifest], *, seconds: float
) -> Iterator[Check]:
    """Each check over all the pods, several measured at a time: the worst verdict, and where it was seen."""
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        measured = list(pool.map(lambda pod: list(_check_pod(cluster, workload, pod, seconds=seconds)), pods))
    finally:
        # after an interrupt too: what is being measured is left only when it has cleaned up
        pool.shutdown(cancel_futures=True)
    names = list(dict.fromkeys(check.name for checks in measured for check in checks))
    for name in names:
        found = [(check, pod) for checks, pod in zip(measured, pods) for check in checks if check.name == name]
        yield _worst(found, pods=len(pods))


def _worst(found: list[tuple[Check, Manifest]], *, pods: int) -> Check:
    check, pod = min(found, key=lambda pair: _WORST_FIRST.index(pair[0].verdict))
    same = all(other.observed == check.observed for other, _ in found) and len(found) == pods
    where = "" if pods == 1 else f" ({pods} pods)" if same else f" (pod/{name_of(pod)})"
    return Check(check.name, check.verdict, check.observed + where, check.advice)


def _check_pod(cluster: Cluster, workload: Manifest, pod: Manifest, *, seconds: float) -> Iterator[Check]:
    yield _check_requested(pod)
    try:
        answer = cluster.execute(name_of(pod), COMMAND, namespace=namespace_of(pod), container=SIDECAR_CONTAINER,
                                 seconds=seconds)
    except (errors.ApiFailure, errors.TimedOut) as error:
        if isinstance(error, errors.Forbidden):
            raise
        yield Check("exec", Verdict.FAIL, error.message, "the sidecar does not run; see oc describe of its pod")
        return
    measurement = parse_measurement(answer.stdout)
    yield _check_bounding(measurement)
    yield _check_effective(measurement)
    yield _check_no_new_privileges(measurement)

    def run(command: Sequence[str]) -> ExecResult:
        return cluster.execute(name_of(pod), command, namespace=namespace_of(pod), container=SIDECAR_CONTAINER,
                               seconds=seconds)

    direct = _check_start("kopia-direct", run, _DIRECT, failing=Verdict.FAIL)
    yield direct
    by_shell = _check_start("kopia-by-shell", run, _SHELL, failing=Verdict.WARN)
    powerless = by_shell.verdict is Verdict.OK and measurement.no_new_privileges
    yield replace(by_shell, observed=f"{by_shell.observed}, without its capabilities") if powerless else by_shell
    mounts = _expected_mounts(workload, pod)
    for mount in mounts:
        yield _check_mount(mount, measurement)
    claims = [mount for mount in mounts if mount.volume not in KOPIA_VOLUMES and mount.path in measurement.mounts]
    limit = part_of(sidecar_of(pod.get("spec") or {}) or {}, "resources", "limits", "memory") or ""
    yield from prove_files(run, claims=claims, starts=direct.verdict is Verdict.OK, memory_limit=str(limit))


def _check_requested(pod: Manifest) -> Check:
    container = sidecar_of(pod.get("spec") or {}) or {}
    asked = part_of(container, "securityContext", "capabilities", "add") or []
    lacks = [name for name in SIDECAR_CAPABILITIES if name not in asked]
    observed = f"add {', '.join(asked) or 'nothing'}"
    if lacks:
        return Check("capabilities-requested", Verdict.FAIL, observed, f"not asked for: {', '.join(lacks)}")
    return Check("capabilities-requested", Verdict.OK, observed)


def _check_bounding(measurement: Measurement) -> Check:
    if measurement.bounding is None:
        return Check("capabilities-bounding", Verdict.SKIP, "/proc/self/status shows no CapBnd")
    lacks, shown = missing_bits(measurement.bounding), f"CapBnd {measurement.bounding:#x}"
    if lacks:
        return Check("capabilities-bounding", Verdict.FAIL, f"{shown}, without {', '.join(lacks)}",
                     "kopia cannot start: its file capabilities are outside the bounding set; an SCC or Pod Security "
                     "took them")
    return Check("capabilities-bounding", Verdict.OK, f"{shown}, with CHOWN, DAC_OVERRIDE, FOWNER")


def _check_effective(measurement: Measurement) -> Check:
    if measurement.effective is None:
        return Check("capabilities-effective", Verdict.SKIP, "/proc/self/status shows no CapEff")
    shown = f"CapEff {measurement.effective:#x} as user {measurement.user}"
    if missing_bits(measurement.effective):
        shown += ": a plain process has none; kopia gets them from its file when started directly"
    return Check("capabilities-effective", Verdict.OK, shown)


def _check_no_new_privileges(measurement: Measurement) -> Check:
    if measurement.no_new_privileges is None:
        return Check("no-new-privileges", Verdict.SKIP, "/proc/self/status shows no NoNewPrivs")
    if measurement.no_new_privileges and missing_bits(measurement.effective or 0):
        return Check(
            "no-new-privileges", Verdict.WARN, "NoNewPrivs 1",
            "privilege escalation is forbidden, so kopia has its capabilities only when started directly; started by a "
            "shell it runs without them and cannot read other users' files",
        )
    return Check("no-new-privileges", Verdict.OK, f"NoNewPrivs {int(measurement.no_new_privileges)}")


def _check_start(
    name: str, run: Callable[[Sequence[str]], ExecResult], command: Sequence[str], *, failing: Verdict
) -> Check:
    words = " ".join(command)
    try:
        done = run(command)
    except errors.Forbidden:
        raise
    except (errors.ApiFailure, errors.TimedOut) as error:
        refusal = error.server_message if isinstance(error, errors.ApiFailure) else error.message
        return Check(name, failing, f"{words}: {refusal}", _NO_START)
    said = next(iter((done.stdout + done.stderr).strip().splitlines()), "")
    if done.exit_code == 0:
        return Check(name, Verdict.OK, f"{words}: {said}")
    return Check(name, failing, f"{words}: exit code {done.exit_code}: {said}", _NO_START)


def _expected_mounts(workload: Manifest, pod: Manifest) -> list[SidecarMount]:
    """Claims by the application's own mounts, then kopia's folders; a sidecar is no user of a volume here."""
    own = [one for one in part_of(workload, "spec", "template", "spec", "containers") or []
           if one.get("name") != SIDECAR_CONTAINER]
    spec = {**workload["spec"]["template"]["spec"], "containers": own}
    volumes = [one for one in spec.get("volumes") or [] if one.get("name") not in KOPIA_VOLUMES]
    bare = {**workload, "spec": {**workload["spec"], "template": {"spec": {**spec, "volumes": volumes}}}}
    chosen = {one["name"]: str(one["mountPath"]) for one in (sidecar_of(pod.get("spec") or {}) or {})
              .get("volumeMounts") or []}
    mounts = [SidecarMount(mount.volume, chosen.get(mount.volume, mount.path)) for mount in plan_mounts(bare).mounts]
    return mounts + [SidecarMount(name, path) for name, path in KOPIA_VOLUMES.items()]


def _check_mount(mount: SidecarMount, measurement: Measurement) -> Check:
    name, kind = f"mount {mount.volume}", measurement.mounts.get(mount.path)
    if not measurement.mounts:
        return Check(name, Verdict.SKIP, "/proc/self/mountinfo shows nothing")
    if kind is None:
        return Check(name, Verdict.FAIL, f"nothing is mounted at {mount.path}",
                     "the volume would not be backed up: uninject and inject again")
    return Check(name, Verdict.OK, f"{mount.path} ({kind})")
