"""What an SCC takes from the namespace: user ids, groups and the SELinux level, from annotations.

Source: openshift/apiserver-library-go pkg/securitycontextconstraints/sccmatching/matcher.go and
openshift/library-go pkg/security/uid.
"""

import copy
import re
from typing import Any

from oc_gsb.scc.violations import Object

UID_RANGE = "openshift.io/sa.scc.uid-range"
SUPPLEMENTAL_GROUPS = "openshift.io/sa.scc.supplemental-groups"
MCS = "openshift.io/sa.scc.mcs"

ANNOTATION_INVALID = "namespace-annotation-invalid"
BROKEN_SCC = "broken-scc"

_UINT32 = 2**32


class UnusableConstraint(ValueError):
    """An SCC from which no rule can be made; admission then refuses every pod it lists the SCC for.

    ``reason`` is ANNOTATION_INVALID or BROKEN_SCC.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def missing_annotation(annotations: Object) -> str | None:
    """The first annotation without which no pod is admitted in a namespace, None when both are there."""
    return next((name for name in (UID_RANGE, MCS) if name not in annotations), None)


def parse_block(text: str) -> tuple[int, int]:
    """First and last id of ``start/size`` or ``start-end``; what follows the second number is ignored.

    Raises ValueError with the words of the Go scanner OpenShift uses.
    """
    separator = "/" if "/" in text else "-"
    start, rest = _scan_number(text)
    if not rest:
        raise ValueError("unexpected EOF")
    if rest[0] != separator:
        raise ValueError("input does not match format")
    second, _ = _scan_number(rest[1:])
    return (start, (start + second - 1) % _UINT32) if separator == "/" else (start, second)


def _scan_number(text: str) -> tuple[int, str]:
    text = text.lstrip(" \t")
    if not text:
        raise ValueError("unexpected EOF")
    match = re.match(r"[0-9]+", text)
    if match is None:
        raise ValueError("expected integer")
    if int(match[0]) >= _UINT32:
        raise ValueError(f"unsigned integer overflow on token {match[0]}")
    return int(match[0]), text[match.end():]


def uid_range(annotations: Object) -> tuple[int, int]:
    """The namespace's user ids.  Raises ValueError when the annotation is missing, empty or malformed."""
    return parse_block(_value(annotations, UID_RANGE))


def selinux_level(annotations: Object) -> str:
    """The namespace's SELinux level.  Raises ValueError when the annotation is missing or empty."""
    return _value(annotations, MCS)


def group_blocks(annotations: Object) -> list[tuple[int, int]]:
    """The namespace's groups, from its own annotation or else the user ids'.

    Raises ValueError when the one that counts is empty or malformed.
    """
    text = annotations.get(SUPPLEMENTAL_GROUPS, annotations.get(UID_RANGE))
    if not text:
        raise ValueError(f"unable to find groups using {SUPPLEMENTAL_GROUPS} and {UID_RANGE} annotations")
    return [parse_block(block) for block in text.split(",")]


def _value(annotations: Object, name: str) -> str:
    if name not in annotations:
        raise ValueError(f"unable to find annotation {name}")
    if not annotations[name]:
        raise ValueError(f"found annotation {name} but it was empty")
    return str(annotations[name])


def resolve(scc: Object, annotations: Object, *, namespace: str) -> dict[str, Any]:
    """A copy of ``scc`` in which what it leaves to the namespace is filled in from ``annotations``.

    Raises UnusableConstraint when an annotation it needs cannot be read or a strategy lacks its values.
    """
    result: dict[str, Any] = copy.deepcopy(dict(scc))
    for strategy in ("runAsUser", "seLinuxContext", "fsGroup", "supplementalGroups"):
        result[strategy] = result.get(strategy) or {}
    name, filling = result["metadata"]["name"], "uid"
    try:
        user = result["runAsUser"]
        if user.get("type") == "MustRunAsRange" and user.get("uidRangeMin") is None and user.get("uidRangeMax") is None:
            user["uidRangeMin"], user["uidRangeMax"] = uid_range(annotations)
        filling = "mcs"
        selinux = result["seLinuxContext"]
        if selinux.get("type") == "MustRunAs" and not (selinux.get("seLinuxOptions") or {}).get("level"):
            selinux["seLinuxOptions"] = {**(selinux.get("seLinuxOptions") or {}), "level": selinux_level(annotations)}
        filling = "group"
        if _wants_groups(result["fsGroup"]):
            first = group_blocks(annotations)[0][0]
            result["fsGroup"]["ranges"] = [{"min": first, "max": first}]
        if _wants_groups(result["supplementalGroups"]):
            blocks = group_blocks(annotations)
            result["supplementalGroups"]["ranges"] = [{"min": first, "max": last} for first, last in blocks]
    except ValueError as error:
        raise UnusableConstraint(
            ANNOTATION_INVALID,
            f"unable to find pre-allocated {filling} annotation for namespace {namespace} "
            f"while trying to configure SCC {name}: {error}",
        ) from error
    if fault := _strategy_fault(result):
        raise UnusableConstraint(
            BROKEN_SCC, f"error creating provider for SCC {name} in namespace {namespace}: {fault}"
        )
    return result


def _wants_groups(strategy: Object) -> bool:
    return strategy.get("type") == "MustRunAs" and not strategy.get("ranges")


def _strategy_fault(scc: Object) -> str | None:
    user = scc["runAsUser"]
    if user.get("type") == "MustRunAs" and user.get("uid") is None:
        return "MustRunAs requires a UID"
    if user.get("type") == "MustRunAsRange":
        for bound, shown in (("uidRangeMin", "UIDRangeMin"), ("uidRangeMax", "UIDRangeMax")):
            if user.get(bound) is None:
                return f"MustRunAsRange requires a {shown}"
    known = {
        "runAsUser": ("RunAsUser", {"MustRunAs", "MustRunAsRange", "MustRunAsNonRoot", "RunAsAny"}),
        "seLinuxContext": ("SELinuxContext", {"MustRunAs", "RunAsAny"}),
        "fsGroup": ("FSGroup", {"MustRunAs", "RunAsAny"}),
        "supplementalGroups": ("SupplementalGroups", {"MustRunAs", "RunAsAny"}),
    }
    for key, (shown, types) in known.items():
        kind = scc[key].get("type") or ""
        if kind not in types:
            return f"Unrecognized {shown} strategy type {kind}"
    return None
