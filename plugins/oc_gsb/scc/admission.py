"""SCC admission of a new pod, predicted: which SCC it gets and how it is changed, or why it is refused.

Source: openshift/apiserver-library-go pkg/securitycontextconstraints/sccadmission/admission.go.  Covers creation only.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from oc_gsb.scc.allocations import UnusableConstraint, missing_annotation, resolve
from oc_gsb.scc.assignment import assign
from oc_gsb.scc.order import sort_sccs
from oc_gsb.scc.usable import Usable
from oc_gsb.scc.violations import Object, Violation, aggregate, not_usable

REQUIRED_SCC = "openshift.io/required-scc"
SCC = "openshift.io/scc"
SUBJECT_TYPE = "security.openshift.io/validated-scc-subject-type"

# admission answers nothing until these exist
STANDARD_SCCS = frozenset(
    {
        "anyuid",
        "hostaccess",
        "hostmount-anyuid",
        "hostnetwork",
        "hostnetwork-v2",
        "nonroot",
        "nonroot-v2",
        "privileged",
        "restricted",
        "restricted-v2",
    }
)

NO_SCC_FITS = "no-scc-fits"
NO_USABLE_SCC = "no-usable-scc"
REQUIRED_SCC_NOT_FOUND = "required-scc-not-found"
NAMESPACE_ANNOTATION_MISSING = "namespace-annotation-missing"
STANDARD_SCCS_MISSING = "standard-sccs-missing"
WINDOWS_POD = "windows-pod-not-checked"


@dataclass(frozen=True)
class Decision:
    """What SCC admission does with a pod.

    ``scc`` and ``subject_type`` are None when the pod is refused or not checked; ``reason`` is None when an SCC was
    found, otherwise one of this module's words or of ``allocations``.  ``order`` lists all SCCs as they are tried, and
    is empty when admission ended before trying any; ``not_usable`` and ``too_restrictive`` hold those passed over.
    ``pod`` is the pod as stored (None when refused), ``error`` the API server's message (None when allowed).
    """

    allowed: bool
    scc: str | None = None
    subject_type: str | None = None
    reason: str | None = None
    order: tuple[str, ...] = ()
    not_usable: tuple[str, ...] = ()
    too_restrictive: Mapping[str, tuple[Violation, ...]] = field(default_factory=dict)
    pod: dict[str, Any] | None = None
    error: str | None = None


def predict(
    pod: Object,
    *,
    sccs: Iterable[Object],
    namespace_annotations: Object,
    usable: Usable,
    namespace: str = "",
) -> Decision:
    """Decide on creating ``pod``.

    ``pod`` is as the API server hands it over: use ``pods.with_api_defaults`` on one from a file or a template.
    ``sccs`` are all SCCs of the cluster, with API defaults filled in.  ``usable`` says through whom an SCC is usable,
    see ``usable.usable_by``; it is called lazily, in order.  ``namespace`` is used in messages only; empty takes the
    pod's own.  Nothing is changed and nothing is raised for a bad pod, SCC or namespace: that is a refusal.
    """
    if (pod["spec"].get("os") or {}).get("name") == "windows":
        return Decision(allowed=True, reason=WINDOWS_POD, pod=dict(pod))
    by_name = {scc["metadata"]["name"]: scc for scc in sccs}
    if absent := STANDARD_SCCS - by_name.keys():
        message = f"securitycontextconstraints.security.openshift.io cache is missing {', '.join(sorted(absent))}"
        return _refuse(pod, STANDARD_SCCS_MISSING, message)
    required = (pod["metadata"].get("annotations") or {}).get(REQUIRED_SCC)
    if required and required not in by_name:
        unknown = f'securitycontextconstraints.security.openshift.io "{required}" not found'
        return _refuse(pod, REQUIRED_SCC_NOT_FOUND, f'failed to retrieve the required SCC "{required}": {unknown}')
    namespace = namespace or pod["metadata"].get("namespace") or ""
    if missing := missing_annotation(namespace_annotations):
        message = f'error fetching namespace "{namespace}": unable to find annotation {missing}'
        return _refuse(pod, NAMESPACE_ANNOTATION_MISSING, message)
    tried = [by_name[required]] if required else sort_sccs(by_name.values())
    resolved, faults = [], []
    for scc in tried:
        try:
            resolved.append(resolve(scc, namespace_annotations, namespace=namespace))
        except UnusableConstraint as fault:
            faults.append(fault)
    if faults:
        return _refuse(pod, faults[0].reason, aggregate(str(fault) for fault in faults))
    return _walk(pod, resolved, usable)


def _walk(pod: Object, resolved: list[dict[str, Any]], usable: Usable) -> Decision:
    """Take the first SCC that is usable and fits; the pod it gives must then pass validation unchanged."""
    denied: list[str] = []
    too_restrictive: dict[str, tuple[Violation, ...]] = {}
    messages: list[str] = []
    order = tuple(scc["metadata"]["name"] for scc in resolved)
    for scc in resolved:
        name = scc["metadata"]["name"]
        subject_type = usable(scc)
        if subject_type is None:
            denied.append(name)
            messages.append(not_usable(name))
            continue
        admitted, violations = assign(scc, pod)
        if violations:
            too_restrictive[name] = violations
            messages += [violation.text(name) for violation in violations]
            continue
        notes = {SCC: name, SUBJECT_TYPE: subject_type}
        admitted["metadata"]["annotations"] = {**(admitted["metadata"].get("annotations") or {}), **notes}
        seen = (tuple(denied), dict(too_restrictive))
        refusals = _validate(admitted, resolved, usable)
        if refusals is not None:
            message = f"unable to validate against any security context constraint: [{' '.join(refusals)}]"
            return _refuse(pod, NO_SCC_FITS, message, order, *seen)
        return Decision(True, name, subject_type, None, order, *seen, pod=admitted)
    if "restricted-v2" in order and "restricted" in denied:
        base = next(scc for scc in resolved if scc["metadata"]["name"] == "restricted")
        if not assign(base, pod)[1]:
            messages.append(
                "no access to scc/restricted: Forbidden: the pod fails to validate against the `restricted-v2` "
                "security context constraint, but would validate successfully against the `restricted` "
                "security context constraint"
            )
    reason = NO_SCC_FITS if too_restrictive else NO_USABLE_SCC
    message = f"unable to validate against any security context constraint: {aggregate(messages)}"
    return _refuse(pod, reason, message, order, tuple(denied), too_restrictive)


def _validate(pod: Object, resolved: list[dict[str, Any]], usable: Usable) -> list[str] | None:
    """Admission's second pass: some usable SCC must take the finished pod without changing it again.

    None when one does, else the refusals.  An SCC whose first seccomp profile is spelled ``docker/default`` fails here:
    it writes that annotation, then wants it rewritten.
    """
    chosen = pod["metadata"]["annotations"][SCC]
    refusals = []
    for scc in sorted(resolved, key=lambda scc: scc["metadata"]["name"] != chosen):
        name = scc["metadata"]["name"]
        if usable(scc) is None:
            refusals.append(not_usable(name))
            continue
        again, violations = assign(scc, pod)
        if not violations and again == pod:
            return None
        refusals += [violation.text(name) for violation in violations]
    return refusals


def _refuse(
    pod: Object,
    reason: str,
    message: str,
    order: tuple[str, ...] = (),
    denied: tuple[str, ...] = (),
    too_restrictive: Mapping[str, tuple[Violation, ...]] | None = None,
) -> Decision:
    name = pod["metadata"].get("name") or pod["metadata"].get("generateName") or "Unknown"
    return Decision(
        allowed=False,
        reason=reason,
        order=order,
        not_usable=denied,
        too_restrictive=too_restrictive or {},
        error=f'pods "{name}" is forbidden: {message}',
    )
