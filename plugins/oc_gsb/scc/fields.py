"""The remaining rules of an SCC: privileged, host access, privilege escalation, root file system, sysctls, hostUsers.

Source: openshift/apiserver-library-go pkg/securitycontextconstraints/{sccmatching,sysctl}.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from oc_gsb.scc.pods import pod_context, set_in_container, walk_containers
from oc_gsb.scc.violations import Object, Violation

# (pod field, SCC field, name in messages)
HOST_FIELDS = (
    ("hostNetwork", "allowHostNetwork", "network"),
    ("hostPID", "allowHostPID", "PID"),
    ("hostIPC", "allowHostIPC", "IPC"),
)
# sysctls any pod may set (Kubernetes' own list, k8s.io/kubernetes pkg/kubelet/sysctl)
SAFE_SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_syncookies",
    }
)


def check_pod(scc: Object, pod: Object) -> Iterator[Violation]:
    """Host namespaces, user namespace and sysctls of the pod."""
    for field, _, message in _denied_host_fields(scc, pod):
        yield Violation(field, f"spec.securityContext.{field}", True, message)
    host_users = pod["spec"].get("hostUsers")
    if scc.get("userNamespaceLevel") == "RequirePodLevel" and host_users is not False:
        yield Violation("hostUsers", "spec.securityContext.hostUsers", host_users, "Host Users must be set to false")
    yield from _check_sysctls(scc, pod)


def _denied_host_fields(scc: Object, pod: Object) -> Iterator[tuple[str, str, str]]:
    for field, allowed_by, shown in HOST_FIELDS:
        if pod["spec"].get(field) and not scc.get(allowed_by):
            yield field, allowed_by, f"Host {shown} is not allowed to be used"


def _check_sysctls(scc: Object, pod: Object) -> Iterator[Violation]:
    for index, sysctl in enumerate(pod_context(pod).get("sysctls") or ()):
        name = sysctl["name"]
        if _matches(name, scc.get("forbiddenSysctls") or ()):
            message = f'sysctl "{name}" is not allowed'
        elif name in SAFE_SYSCTLS or _matches(name, scc.get("allowedUnsafeSysctls") or ()):
            continue
        else:
            message = f'unsafe sysctl "{name}" is not allowed'
        field = f"pod.spec.securityContext.sysctls[{index}]"
        yield Violation("sysctls", field, "", message, kind="Forbidden", scoped=False)


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(name.startswith(p[:-1]) if p.endswith("*") else name == p for p in patterns)


def default_root_filesystem(scc: Object, container: dict[str, Any]) -> None:
    """Make the root file system read-only where the SCC wants it and the container says nothing."""
    if scc.get("readOnlyRootFilesystem") and _own(container, "readOnlyRootFilesystem") is None:
        set_in_container(container, "readOnlyRootFilesystem", True)


def default_escalation(scc: Object, container: dict[str, Any]) -> None:
    """Set allowPrivilegeEscalation where the SCC has a default or forbids it and the container says nothing."""
    default = scc.get("defaultAllowPrivilegeEscalation")
    if default is not None and _own(container, "allowPrivilegeEscalation") is None:
        # the API refuses privileged, or this capability in this spelling, together with "no escalation"
        adds = (_own(container, "capabilities") or {}).get("add") or ()
        if not _own(container, "privileged") and "CAP_SYS_ADMIN" not in adds:
            set_in_container(container, "allowPrivilegeEscalation", default)
    if _forbids_escalation(scc) and _own(container, "allowPrivilegeEscalation") is None:
        set_in_container(container, "allowPrivilegeEscalation", False)


def check_privileged(scc: Object, container: Object, path: str) -> Iterator[Violation]:
    """A privileged container where the SCC allows none."""
    if _own(container, "privileged") and not scc.get("allowPrivilegedContainer"):
        yield Violation("privileged", f"{path}.privileged", True, "Privileged containers are not allowed")


def check_container(scc: Object, pod: Object, container: Object, path: str) -> Iterator[Violation]:
    """Host access, root file system and escalation of one container.

    Host namespaces and host ports are the whole pod's; OpenShift names them again for every container.
    """
    denied = {field: message for field, _, message in _denied_host_fields(scc, pod)}
    if "hostNetwork" in denied:
        yield Violation("hostNetwork", f"{path}.hostNetwork", True, denied["hostNetwork"])
    if not scc.get("allowHostPorts"):
        for other_path, other in walk_containers(pod):
            for port in other.get("ports") or ():
                if port.get("hostPort"):
                    field = f"{path}.{other_path}.hostPort"
                    yield Violation("hostPort", field, port["hostPort"], "Host ports are not allowed to be used")
    for field in ("hostPID", "hostIPC"):
        if field in denied:
            yield Violation(field, f"{path}.{field}", True, denied[field])
    if scc.get("readOnlyRootFilesystem") and not _own(container, "readOnlyRootFilesystem"):
        message = "ReadOnlyRootFilesystem must be set to true"
        yield Violation("readOnlyRootFilesystem", f"{path}.readOnlyRootFilesystem", False, message)
    if _forbids_escalation(scc) and _own(container, "allowPrivilegeEscalation"):
        message = "Allowing privilege escalation for containers is not allowed"
        yield Violation("allowPrivilegeEscalation", f"{path}.allowPrivilegeEscalation", True, message)


def _forbids_escalation(scc: Object) -> bool:
    # unset means allowed
    return scc.get("allowPrivilegeEscalation") is False


def _own(container: Object, field: str) -> Any:
    return (container.get("securityContext") or {}).get(field)
