"""What the scc verbs are asked to do; each request checks itself without a cluster."""

from __future__ import annotations

from dataclasses import dataclass, field

from oc_gsb.access.bindings import account_grant, group_grant
from oc_gsb.scc import Grant
from oc_gsb.sidecar.selection import Selection
from plugin_core import errors
from plugin_core.model.manifests import Manifest

DEFAULT = "default"


@dataclass(frozen=True)
class Reach:
    """Whom the SCC is to be granted to. accounts: () for the workload's own. with_default: the account `default` too.

    group: all service accounts of the namespace, present and future. everywhere: that group in every namespace, which
    is what `oc adm policy add-scc-to-group` makes of it.
    """

    accounts: tuple[str, ...] = ()
    with_default: bool = False
    group: bool = False
    everywhere: bool = False

    def __post_init__(self) -> None:
        if self.group and (self.accounts or self.with_default):
            raise errors.UsageError("--group reaches every service account of the namespace already",
                                    hint="leave --service-account and --with-default out")
        if self.everywhere and not self.group:
            raise errors.UsageError("--cluster-wide goes with --group only",
                                    hint="a service account needs the SCC in its own namespace and nowhere else")

    def grants(self, scc: str, *, namespace: str, account: str) -> tuple[Grant, ...]:
        """account: the workload's own service account; "" when there is no workload."""
        if self.group:
            return (group_grant(scc, namespace=namespace, everywhere=self.everywhere),)
        names = [*(self.accounts or ((account,) if account else ())), *((DEFAULT,) if self.with_default else ())]
        return tuple(account_grant(scc, namespace=namespace, account=name) for name in dict.fromkeys(names))

    def consequences(self, scc: str, *, namespace: str) -> tuple[str, ...]:
        """What the reader must know about a grant that goes beyond one account."""
        if self.everywhere:
            return (f"every service account of namespace {namespace}, present and future, may use SCC {scc} in ANY "
                    "namespace of the cluster where it can create pods: this is what oc adm policy add-scc-to-group "
                    "makes, whatever its -n says",)
        if self.group:
            return (f"every service account of namespace {namespace}, present and future, may use SCC {scc} there; "
                    "whoever can create a pod in the namespace can have the capabilities. It stays inside the "
                    "namespace, unlike oc adm policy add-scc-to-group, which ignores its -n and makes a "
                    "ClusterRoleBinding (--cluster-wide does the same)",)
        return ()


@dataclass(frozen=True)
class PlanRequest:
    """selection: workloads of the cluster; None when manifests were given, which need not exist there."""

    selection: Selection | None = None
    manifests: tuple[Manifest, ...] = ()
    reach: Reach = field(default_factory=Reach)

    def __post_init__(self) -> None:
        if bool(self.manifests) == (self.selection is not None):
            raise errors.UsageError("name workloads or give a file with -f, one of the two",
                                    hint="oc gsb scc plan deploy/web, or oc gsb scc plan -f web.yaml")


@dataclass(frozen=True)
class CopyRequest:
    """Either workloads, whose pods' SCCs are copied, or bases by name."""

    selection: Selection | None = None
    bases: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if bool(self.bases) == (self.selection is not None):
            raise errors.UsageError("name workloads, or SCCs to copy with --base, one of the two",
                                    hint="oc gsb scc create deploy/web, or oc gsb scc create --base restricted-v2")


@dataclass(frozen=True)
class GrantRequest:
    """Either workloads, which say SCC and account, or an SCC and whom it is for. timeout: seconds for Pod Security.

    force: grant although pods would come back under another SCC.
    """

    selection: Selection | None = None
    scc: str = ""
    reach: Reach = field(default_factory=Reach)
    force: bool = False
    timeout: float = 120.0

    def __post_init__(self) -> None:
        if bool(self.scc) == (self.selection is not None):
            raise errors.UsageError("name workloads, or an SCC with --scc, one of the two",
                                    hint="for example: deploy/web, or --scc restricted-v2-gsb --service-account web")
        if self.scc and not self.reach.grants(self.scc, namespace="namespace", account=""):
            raise errors.UsageError(f"whom SCC {self.scc} is for is not said",
                                    hint="add --service-account NAME, --with-default or --group")


@dataclass(frozen=True)
class DeleteRequest:
    """names: the SCC copies."""

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.names:
            raise errors.UsageError("name the SCC copies to delete", hint="oc gsb scc delete restricted-v2-gsb")
