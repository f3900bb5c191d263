"""Who may use an SCC: named in the SCC itself, or allowed by RBAC in the pod's namespace.

Source: openshift/apiserver-library-go pkg/securitycontextconstraints/sccadmission/scc_authz_check.go.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from oc_gsb.scc.violations import Object

SERVICE_ACCOUNT = "serviceaccount"
USER = "user"


@dataclass(frozen=True)
class Subject:
    """An identity as admission sees it: the full user name and its groups."""

    name: str
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Grant:
    """A binding that lets a subject ``use`` an SCC.

    ``kind`` is User, Group or ServiceAccount; ``subject_namespace`` belongs to a ServiceAccount.  ``namespace`` is
    where the RoleBinding lies, None means a ClusterRoleBinding.  ``scc`` may be ``*`` for any SCC.
    """

    scc: str
    kind: str
    name: str
    subject_namespace: str | None = None
    namespace: str | None = None

    def reaches(self, subject: Subject) -> bool:
        """Whether the grant's subject is ``subject`` or one of its groups."""
        if self.kind == "Group":
            return self.name in subject.groups
        if self.kind == "ServiceAccount":
            return subject.name == f"system:serviceaccount:{self.subject_namespace}:{self.name}"
        return subject.name == self.name


MayUse = Callable[[Subject, str], bool]
"""Answers, as a SubjectAccessReview in the pod's namespace does, whether a subject may use the named SCC."""

Usable = Callable[[Object], str | None]
"""Answers through whom an SCC is usable: SERVICE_ACCOUNT, USER, or None when it is not."""


def service_account_subject(namespace: str, name: str) -> Subject:
    """The pod's service account as admission builds it.

    It is not in ``system:authenticated``, so what is granted to that group reaches a pod only through the requester.
    """
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
    return Subject(f"system:serviceaccount:{namespace}:{name}", groups)


def controller_subject(controller: str) -> Subject:
    """The requester of pods made by a built-in controller, such as ``replicaset-controller``."""
    account = service_account_subject("kube-system", controller)
    return Subject(account.name, (*account.groups, "system:authenticated"))


def may_use_by_grants(grants: Iterable[Grant], *, namespace: str) -> MayUse:
    """RBAC's answers for pods of ``namespace`` when ``grants`` is everything that is granted."""
    counted = [grant for grant in grants if grant.namespace in (None, namespace)]

    def may_use(subject: Subject, scc_name: str) -> bool:
        return any(grant.scc in ("*", scc_name) and grant.reaches(subject) for grant in counted)

    return may_use


def usable_by(*, service_account: Subject | None, requester: Subject | None, may_use: MayUse) -> Usable:
    """A function that tells through whom an SCC is usable.

    ``service_account`` is asked first, then ``requester``; None leaves that one out.  ``may_use`` is called only where
    the SCC's own ``users`` and ``groups`` do not settle it.
    """
    asked = ((SERVICE_ACCOUNT, service_account), (USER, requester))

    def usable(scc: Object) -> str | None:
        for subject_type, subject in asked:
            if subject is not None and _applies_to(scc, subject, may_use):
                return subject_type
        return None

    return usable


def _applies_to(scc: Object, subject: Subject, may_use: MayUse) -> bool:
    if subject.name in (scc.get("users") or ()):
        return True
    if set(subject.groups) & set(scc.get("groups") or ()):
        return True
    return may_use(subject, scc["metadata"]["name"])
