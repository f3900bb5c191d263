"""Seccomp profiles under an SCC.  They live twice in a pod, as a field and as the annotation older nodes read.

Source: openshift/apiserver-library-go pkg/securitycontextconstraints/seccomp.
"""

from collections.abc import Iterator
from typing import Any

from oc_gsb.scc.pods import effective, pod_context, set_in_container, writable_context
from oc_gsb.scc.violations import Object, Violation

POD_ANNOTATION = "seccomp.security.alpha.kubernetes.io/pod"
CONTAINER_ANNOTATION = "container.seccomp.security.alpha.kubernetes.io/"

ANY = "*"
UNCONFINED = "unconfined"
LOCALHOST = "localhost/"
# the second is the old name of the first
RUNTIME_DEFAULTS = ("runtime/default", "docker/default")


def _listed(scc: Object) -> list[str]:
    return [profile for profile in scc.get("seccompProfiles") or () if profile != ANY]


def _annotations(pod: Object) -> Object:
    return pod["metadata"].get("annotations") or {}


def field_to_text(profile: Object) -> str:
    """A seccompProfile field as the annotation's text; empty for an unknown type."""
    kind = profile.get("type")
    if kind == "Localhost":
        local = profile.get("localhostProfile")
        return "" if local is None else LOCALHOST + str(local)
    return {"Unconfined": UNCONFINED, "RuntimeDefault": RUNTIME_DEFAULTS[0]}.get(str(kind), "")


def text_to_field(text: str) -> dict[str, Any] | None:
    """The annotation's text as a seccompProfile field; None for an unknown text."""
    if text == UNCONFINED:
        return {"type": "Unconfined"}
    if text in RUNTIME_DEFAULTS:
        return {"type": "RuntimeDefault"}
    if text.startswith(LOCALHOST) and text != LOCALHOST:
        return {"type": "Localhost", "localhostProfile": text.removeprefix(LOCALHOST)}
    return None


def default_pod(scc: Object, pod: dict[str, Any]) -> None:
    """Write the pod's profile as field and annotation: its own, or else the first the SCC lists."""
    context = writable_context(pod)
    if context.get("seccompProfile") is not None:
        text = field_to_text(context["seccompProfile"])
    else:
        text = _annotations(pod).get(POD_ANNOTATION) or next(iter(_listed(scc)), "")
    if not text:
        return
    pod["metadata"]["annotations"] = {**_annotations(pod), POD_ANNOTATION: text}
    field = text_to_field(text)
    if field is not None:
        context["seccompProfile"] = field
    else:
        context.pop("seccompProfile", None)


def default_container(pod: Object, container: dict[str, Any]) -> None:
    """Turn a container's seccomp annotation into its field."""
    text = _annotations(pod).get(CONTAINER_ANNOTATION + container["name"])
    if text is not None and text_to_field(text) != effective(pod, container, "seccompProfile"):
        set_in_container(container, "seccompProfile", text_to_field(text))


def check_pod(scc: Object, pod: Object) -> Iterator[Violation]:
    """The pod's profile against the SCC's list."""
    text = _annotations(pod).get(POD_ANNOTATION) or field_to_text(pod_context(pod).get("seccompProfile") or {})
    yield from _check(scc, text, POD_ANNOTATION)


def check_container(scc: Object, pod: Object, container: Object) -> Iterator[Violation]:
    """One container's profile, or the pod's where it has none, against the SCC's list."""
    key = CONTAINER_ANNOTATION + container["name"]
    own = (container.get("securityContext") or {}).get("seccompProfile")
    shared = pod_context(pod).get("seccompProfile")
    if own is not None:
        text = field_to_text(own)
    elif key in _annotations(pod):
        text = _annotations(pod)[key]
    elif shared is not None:
        text = field_to_text(shared)
    else:
        text = _annotations(pod).get(POD_ANNOTATION, "")
    yield from _check(scc, text, key)


def _check(scc: Object, text: str, annotation: str) -> Iterator[Violation]:
    if ANY in (scc.get("seccompProfiles") or ()):
        return
    allowed = _listed(scc)
    if text in allowed or (text in RUNTIME_DEFAULTS and set(RUNTIME_DEFAULTS) & set(allowed)):
        return
    if not allowed and not text:
        return
    message = "seccomp may not be set"
    if allowed:
        message = f"{text} is not an allowed seccomp profile. Valid values are [{' '.join(allowed)}]"
    field = f"pod.metadata.annotations[{annotation}]"
    yield Violation("seccomp", field, "", message, kind="Forbidden", scoped=False)
