"""Who a pod runs as: user ids, fsGroup, supplemental groups and SELinux, defaulted and checked by an SCC.

All functions take an SCC that went through ``allocations.resolve``.
Source: openshift/apiserver-library-go pkg/securitycontextconstraints/{user,group,selinux}.
"""

import copy
from collections.abc import Iterator
from typing import Any

from oc_gsb.scc.pods import effective, pod_context, set_in_container, writable_context
from oc_gsb.scc.violations import Object, Violation


def default_pod(scc: Object, pod: dict[str, Any]) -> None:
    """Fill in the pod's groups and SELinux options where it sets none and the SCC prescribes them."""
    context = writable_context(pod)
    if context.get("supplementalGroups") is None and scc["supplementalGroups"]["type"] == "MustRunAs":
        context["supplementalGroups"] = [scc["supplementalGroups"]["ranges"][0].get("min", 0)]
    if context.get("fsGroup") is None and scc["fsGroup"]["type"] == "MustRunAs":
        context["fsGroup"] = scc["fsGroup"]["ranges"][0].get("min", 0)
    if context.get("seLinuxOptions") is None and scc["seLinuxContext"]["type"] == "MustRunAs":
        context["seLinuxOptions"] = copy.deepcopy(scc["seLinuxContext"]["seLinuxOptions"])


def check_pod(scc: Object, pod: Object) -> Iterator[Violation]:
    """The pod's groups against the SCC's ranges."""
    context = pod_context(pod)
    fs_group = context.get("fsGroup")
    yield from _check_groups(scc, "fsGroup", [] if fs_group is None else [fs_group])
    yield from _check_groups(scc, "supplementalGroups", context.get("supplementalGroups") or [])


def check_pod_selinux(scc: Object, pod: Object) -> Iterator[Violation]:
    """The pod's own SELinux options against the SCC's."""
    yield from _check_selinux(scc, "spec.securityContext", pod_context(pod).get("seLinuxOptions"))


def default_container(scc: Object, pod: Object, container: dict[str, Any]) -> None:
    """Fill in user id, SELinux options and runAsNonRoot where neither container nor pod set them."""
    rule = scc["runAsUser"]
    if effective(pod, container, "runAsUser") is None and rule["type"] in ("MustRunAs", "MustRunAsRange"):
        default = rule["uid"] if rule["type"] == "MustRunAs" else rule["uidRangeMin"]
        set_in_container(container, "runAsUser", default)
    if effective(pod, container, "seLinuxOptions") is None and scc["seLinuxContext"]["type"] == "MustRunAs":
        set_in_container(container, "seLinuxOptions", copy.deepcopy(scc["seLinuxContext"]["seLinuxOptions"]))
    if effective(pod, container, "runAsNonRoot") is None:
        uid = effective(pod, container, "runAsUser")
        # a uid above 0 is marked too: Pod Security's "restricted" profile asks for the mark
        if (uid is None and rule["type"] == "MustRunAsNonRoot") or (uid is not None and uid > 0):
            set_in_container(container, "runAsNonRoot", True)


def check_container(scc: Object, pod: Object, container: Object, path: str) -> Iterator[Violation]:
    """User id and SELinux options of one container, found at ``path``."""
    yield from _check_user(scc["runAsUser"], pod, container, path)
    yield from _check_selinux(scc, path, effective(pod, container, "seLinuxOptions"))


def _check_user(rule: Object, pod: Object, container: Object, path: str) -> Iterator[Violation]:
    uid = effective(pod, container, "runAsUser")
    if rule["type"] == "MustRunAsNonRoot":
        if effective(pod, container, "runAsNonRoot") is False:
            yield Violation("runAsNonRoot", f"{path}.runAsNonRoot", False, "must be true")
        elif uid == 0:
            yield Violation("runAsUser", f"{path}.runAsUser", 0, "running with the root UID is forbidden")
    elif rule["type"] == "MustRunAs" and uid != rule["uid"]:
        yield Violation("runAsUser", f"{path}.runAsUser", uid, f"must be: {rule['uid']}")
    elif rule["type"] == "MustRunAsRange" and not rule["uidRangeMin"] <= uid <= rule["uidRangeMax"]:
        message = f"must be in the ranges: [{rule['uidRangeMin']}, {rule['uidRangeMax']}]"
        yield Violation("runAsUser", f"{path}.runAsUser", uid, message)


def _check_groups(scc: Object, field: str, groups: list[int]) -> Iterator[Violation]:
    rule = scc[field]
    if rule["type"] != "MustRunAs":
        return
    path = f"spec.securityContext.{field}"
    if not groups:
        yield Violation(field, path, groups, "unable to validate empty groups against required ranges")
    for group in groups:
        if not any(block.get("min", 0) <= group <= block.get("max", 0) for block in rule["ranges"]):
            yield Violation(field, path, groups, f"{group} is not an allowed group")


def _check_selinux(scc: Object, path: str, options: Object | None) -> Iterator[Violation]:
    if scc["seLinuxContext"]["type"] != "MustRunAs":
        return
    wanted = scc["seLinuxContext"]["seLinuxOptions"]
    options = options or {}
    for key in ("level", "role", "type", "user"):
        expected, actual = wanted.get(key) or "", options.get(key) or ""
        same = same_level(expected, actual) if key == "level" else expected == actual
        if not same:
            yield Violation("seLinuxOptions", f"{path}.seLinuxOptions.{key}", actual, f"must be {expected}")


def same_level(one: str, other: str) -> bool:
    """Whether two SELinux levels are equal; the order of the categories does not matter."""
    if one == other:
        return True
    first, second = one.split(":", 1), other.split(":", 1)
    if len(first) != 2 or len(second) != 2:
        return False
    return first[0] == second[0] and sorted(first[1].split(",")) == sorted(second[1].split(","))
