"""Short-lived pods of our own that mount a claim and have a shell: what a namespace under strict rules still admits.

They satisfy the "restricted" Pod Security level, have requests and limits (a quota may demand both), need no more than
sh and coreutils or busybox, and end by themselves should we not come back for them.

On OpenShift an SCC assigns user and group from the namespace's range, and a fixed one is refused. Whoever is
cluster-admin may use `anyuid` too, which wins and assigns nobody; the pod then asks for restricted-v2 by annotation
(openshift.io/required-scc, OpenShift 4.14). SCCs from before 4.11 allow no seccomp profile to be named.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import POD, SCC_GROUP
from plugin_core.model.manifests import Manifest, part_of
from plugin_core.names import REQUIRED_SCC

DEFAULT_IMAGE = "docker.io/library/busybox:1.36.1"
IMAGE_VARIABLE = "KUBECTL_RWX_IMAGE"
"""Environment name of the image to take instead, for clusters without a way to Docker Hub."""

MOUNT = "/data"
CONTAINER = "tools"
WIDE = "1"
"""The processor limit of pods that are in a hurry: 200m stop a container for some 0.1 s when it starts, and again with
its first commands."""

_USER, _GROUP = 65532, 65533
_TOLERATION = re.compile(
    r"(?P<key>[^=:\s]*)(=(?P<value>[^:\s]*))?(:(?P<effect>NoSchedule|PreferNoSchedule|NoExecute))?"
)


@dataclass(frozen=True)
class HelperOptions:
    """What a user says about helper pods. user: 0 leaves it to us, or to the SCC."""

    image: str = DEFAULT_IMAGE
    pull_secrets: tuple[str, ...] = ()
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Manifest, ...] = ()
    user: int = 0

    def __post_init__(self) -> None:
        if not self.image or re.search(r"\s", self.image):
            raise errors.UsageError(f'"{self.image}" is no image', hint=f"for example: --image {DEFAULT_IMAGE}")
        if self.user < 0:
            raise errors.UsageError("--run-as-user must be a user's number, above 0 (pods must not run as root)")


@dataclass(frozen=True)
class Security:
    """One way to ask for little. fixed_user: set user and groups ourselves. scc: the SCC asked for, "" for none.

    cpu_limit: a quantity; "" for none.
    """

    fixed_user: bool = True
    seccomp: bool = True
    scc: str = ""
    cpu_limit: str = "200m"


ELSEWHERE = (Security(),)
ON_OPENSHIFT = (
    Security(fixed_user=False, scc="restricted-v2"), Security(fixed_user=False),
    Security(fixed_user=False, seccomp=False),
)


def parse_node_selector(words: Sequence[str]) -> dict[str, str]:
    """KEY=VALUE words. Raises UsageError."""
    pairs = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not (key and equals):
            raise errors.UsageError(f'"{word}" is not KEY=VALUE', hint="for example: --node-selector disk=ssd")
        pairs[key] = value
    return pairs


def parse_tolerations(words: Sequence[str]) -> tuple[Manifest, ...]:
    """Taints as kubectl writes them: KEY, KEY=VALUE, KEY:EFFECT, KEY=VALUE:EFFECT; ":" tolerates all."""
    found = []
    for word in words:
        match = _TOLERATION.fullmatch(word)
        if not match or not word:
            raise errors.UsageError(
                f'"{word}" is no toleration', hint="for example: --toleration dedicated=storage:NoSchedule"
            )
        toleration: Manifest = {"operator": "Exists" if match["value"] is None else "Equal"}
        for part in ("key", "value", "effect"):
            if match[part]:
                toleration[part] = match[part]
        found.append(toleration)
    return tuple(found)


def helper_pod(
    *, name: str, namespace: str, labels: Mapping[str, str], claim: str, options: HelperOptions, security: Security,
    seconds: float, affinity: Manifest | None = None,
) -> Manifest:
    """A pod that sleeps with the claim at MOUNT. seconds: its life, after which it ends and lets go of the claim."""
    life = max(1, round(seconds))
    container: dict[str, Any] = {
        "name": CONTAINER, "image": options.image,
        "command": ["sh", "-c", f"trap 'exit 0' TERM; sleep {life} & wait"],
        "resources": {
            "requests": {"cpu": "10m", "memory": "16Mi"},
            "limits": {**({"cpu": security.cpu_limit} if security.cpu_limit else {}), "memory": "64Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "claim", "mountPath": MOUNT}],
    }
    spec: dict[str, Any] = {
        "restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "activeDeadlineSeconds": life,
        "automountServiceAccountToken": False, "enableServiceLinks": False,
        "securityContext": _pod_security(options, security), "containers": [container],
        "volumes": [{"name": "claim", "persistentVolumeClaim": {"claimName": claim}}],
    }
    if options.pull_secrets:
        spec["imagePullSecrets"] = [{"name": secret} for secret in options.pull_secrets]
    if options.node_selector:
        spec["nodeSelector"] = dict(options.node_selector)
    if options.tolerations:
        spec["tolerations"] = [dict(toleration) for toleration in options.tolerations]
    if affinity:
        spec["affinity"] = affinity
    metadata: dict[str, Any] = {"name": name, "namespace": namespace, "labels": dict(labels)}
    if security.scc:
        metadata["annotations"] = {REQUIRED_SCC: security.scc}
    return {"apiVersion": POD.api_version, "kind": POD.name, "metadata": metadata, "spec": spec}


def _pod_security(options: HelperOptions, security: Security) -> dict[str, Any]:
    """OnRootMismatch: the kubelet must not rewrite owners and modes that somebody wants to compare."""
    context: dict[str, Any] = {"runAsNonRoot": True, "fsGroupChangePolicy": "OnRootMismatch"}
    if security.seccomp:
        context["seccompProfile"] = {"type": "RuntimeDefault"}
    if options.user:
        context["runAsUser"] = options.user
    elif security.fixed_user:
        context["runAsUser"] = context["runAsGroup"] = _USER
    if security.fixed_user:
        context["fsGroup"] = _GROUP
    return context


def choose_security(cluster: Cluster, build: Callable[[Security], Manifest]) -> Security:
    """The first way that the API server admits, asked with a server dry run of `build(way)`.

    Raises what it says of the first one when it admits none.
    """
    ways = ON_OPENSHIFT if cluster.versions_of(SCC_GROUP) else ELSEWHERE
    rehearsal, refusal = cluster.rehearsing(), None
    for way in ways:
        try:
            rehearsal.create(build(way))
            return way
        except (errors.Forbidden, errors.Invalid) as error:
            refusal = refusal or error
    assert refusal
    raise refusal


def widen(cluster: Cluster, build: Callable[[Security], Manifest], way: Security) -> Security:
    """The admitted way, its processor limit wide where that takes nothing from anybody, asked with server dry runs.

    Without any limit, a quota of limits refuses the pod (kubernetes pkg/quota/v1/evaluator/core/pods.go, Constraints),
    and a LimitRange gives it its own: then the small one stays.
    """
    rehearsal, wide = cluster.rehearsing(), replace(way, cpu_limit=WIDE)
    try:
        without = rehearsal.create(build(replace(way, cpu_limit="")))
        rehearsal.create(build(wide))
    except (errors.Forbidden, errors.Invalid):
        return way
    counted = any(part_of(container, "resources", "limits", "cpu")
                  for container in without["spec"]["containers"] if container["name"] == CONTAINER)
    return way if counted else wide
