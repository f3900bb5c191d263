"""kubectl rwx check: do I have shared storage whose snapshots I can trust?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kubectl_rwx.diagnosis.snapshot_controllers import judge_controller
from kubectl_rwx.protection.answers import Answer
from kubectl_rwx.readiness.chain_lints import lint_chain
from kubectl_rwx.readiness.check_reports import check_report
from kubectl_rwx.readiness.class_checks import ClassCheck, Verdict, check_class
from kubectl_rwx.readiness.class_lints import lint_classes
from kubectl_rwx.readiness.findings import worst_first
from kubectl_rwx.readiness.observations import Observations, observe
from kubectl_rwx.readiness.snapshot_class_lints import lint_snapshot_classes
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.manifests import Manifest, name_of
from plugin_core.model.progress import Progress
from plugin_core.storage.snapshot_classes import driver_of_class
from plugin_core.storage.verdicts import Level


@dataclass(frozen=True)
class CheckRequest:
    """classes: StorageClasses to look at; () means every one."""

    classes: tuple[str, ...] = ()


def check_storage(cluster: Cluster, request: CheckRequest, progress: Progress) -> Answer:
    """Reads everything once and judges it.

    The failure is NotReady when no class is usable, Forbidden when none may be seen. Raises NotFound for a named class
    that does not exist.
    """
    progress.phase("looking at classes, drivers, volumes and snapshots")
    seen = observe(cluster, named=request.classes)
    controller = judge_controller(seen)
    chosen = _choose(seen, request.classes)
    checks = _best_first([check_class(item, seen, controller) for item in chosen])
    drivers = _drivers(seen, checks, every_class=not request.classes)
    findings = worst_first([
        *lint_chain(seen, controller),
        *lint_classes(seen, checks, every_class=not request.classes),
        *lint_snapshot_classes(seen, checks, drivers=drivers),
    ])
    report = check_report(seen, controller, checks, findings, drivers=drivers)
    return Answer(report=report, failure=_failure(seen, checks, request))


def _choose(seen: Observations, names: Sequence[str]) -> list[Manifest]:
    classes = list(seen.classes or ())
    if not names:
        return classes
    by_name = {name_of(item): item for item in classes}
    absent = [name for name in dict.fromkeys(names) if name not in by_name]
    if absent and seen.classes is not None:
        there = ", ".join(by_name) or "none"
        raise errors.NotFound(
            f"there is no StorageClass {', '.join(absent)}; there are: {there}",
            hint="kubectl get storageclasses", status=404,
        )
    return [by_name[name] for name in dict.fromkeys(names) if name in by_name]


def _best_first(checks: Sequence[ClassCheck]) -> list[ClassCheck]:
    verdicts, levels = list(Verdict), list(Level)
    return sorted(checks, key=lambda check: (verdicts.index(check.verdict), levels.index(check.level), check.name))


def _drivers(seen: Observations, checks: Sequence[ClassCheck], *, every_class: bool) -> list[str]:
    """The CSI drivers spoken about: those of the classes, and, when all are looked at, any other that left a trace."""
    found = [check.provisioner for check in checks if not (check.driver and not check.driver.csi)]
    if every_class:
        found += [name_of(item) for item in seen.drivers or ()]
        found += [driver_of_class(item) for item in seen.snapshot_classes or ()]
    return list(dict.fromkeys(found))


def _failure(seen: Observations, checks: Sequence[ClassCheck], request: CheckRequest) -> errors.PluginError | None:
    if any(check.verdict is Verdict.USABLE for check in checks):
        return None
    if seen.classes is None:
        return errors.Forbidden(
            "no StorageClass may be read, so nothing can be said about any",
            hint="kubectl rwx check CLASS needs get on storageclasses.storage.k8s.io, kubectl rwx check needs list",
            status=403,
        )
    whose = "none of the classes named" if request.classes else "no StorageClass"
    unknown = [check.name for check in checks if check.verdict is Verdict.UNKNOWN]
    if unknown:
        return errors.NotReady(
            f"{whose} is known to do shared (ReadWriteMany) volumes with snapshots; not known: {', '.join(unknown)}",
            hint=f"prove it: kubectl rwx verify {unknown[0]}",
        )
    return errors.NotReady(
        f"{whose} can do shared (ReadWriteMany) volumes with snapshots",
        hint="ask your storage provider, or build it on an NFS server: kubectl rwx setup nfs",
    )
