"""Findings about StorageClasses and the registration of their drivers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubectl_rwx.readiness.class_checks import ClassCheck, is_default_class, registered_nodes
from kubectl_rwx.readiness.findings import Finding, Severity
from kubectl_rwx.readiness.observations import Observations
from plugin_core.model.manifests import name_of
from plugin_core.storage.verifications import FAILED


def lint_classes(seen: Observations, checks: Sequence[ClassCheck], *, every_class: bool) -> Iterator[Finding]:
    """every_class: the checks are of all classes, so that one may count defaults."""
    for check in checks:
        yield from _lint_registration(check, seen)
        yield from _lint_record(check)
    defaults = [check.name for check in checks if is_default_class(check.manifest)]
    if every_class and len(defaults) > 1:
        yield Finding(
            Severity.WARN, "several-default-classes", "storageclasses", f"default: {', '.join(defaults)}",
            "a claim that names no class gets the newest of them, and older clusters refuse it",
            f"kubectl annotate storageclass {defaults[-1]} storageclass.kubernetes.io/is-default-class-",
        )


def _lint_registration(check: ClassCheck, seen: Observations) -> Iterator[Finding]:
    if not seen.nodes or seen.drivers is None or (check.driver and not check.driver.csi):
        return
    nodes = registered_nodes(seen.nodes, check.provisioner) or ()
    announced = any(name_of(item) == check.provisioner for item in seen.drivers)
    if not nodes:
        yield Finding(
            Severity.FAIL, "driver-on-no-node", f"driver/{check.provisioner}",
            f"{'a CSIDriver object, but' if announced else 'no CSIDriver object, and'} on no node (CSINode)",
            f"pods cannot mount volumes of class {check.name}: the driver is not installed, or its node plugin is down",
            "kubectl get csinodes -o yaml",
        )
    elif len(nodes) < len(seen.nodes):
        lacking = [name_of(node) for node in seen.nodes if name_of(node) not in nodes]
        shown = ", ".join(lacking[:5]) + (f" and {len(lacking) - 5} more" if len(lacking) > 5 else "")
        yield Finding(
            Severity.NOTE, "driver-on-some-nodes", f"driver/{check.provisioner}",
            f"on {len(nodes)} of {len(seen.nodes)} nodes, not on {shown}",
            f"pods that use class {check.name} do not start on the others", "kubectl get csinodes",
        )


def _lint_record(check: ClassCheck) -> Iterator[Finding]:
    recorded = check.verification
    if recorded is None:
        return
    subject, again = f"storageclass/{check.name}", f"kubectl rwx verify {check.name}"
    if check.stale:
        yield Finding(
            Severity.NOTE, "proof-stale", subject, f"verified on {recorded.day} ({recorded.result}), but {check.stale}",
            "the record no longer counts", again,
        )
    elif recorded.result == FAILED:
        yield Finding(
            Severity.FAIL, "proof-failed", subject, f"kubectl rwx verify failed on {recorded.day}: {recorded.reason}",
            "what failed there cannot be relied on", again,
        )
