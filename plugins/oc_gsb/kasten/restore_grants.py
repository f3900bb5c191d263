"""The grants a restored namespace needs: made before the restore, and kept right while it runs."""

from __future__ import annotations

from collections.abc import Sequence

from oc_gsb.kasten.restore_steps import Step
from oc_gsb.sidecar.grants import Grant, binding_manifest, ensure_grant
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import EVENT, ROLE_BINDING
from plugin_core.model.manifests import Manifest, part_of
from plugin_core.model.progress import Progress

REFUSED = "unable to validate against any security context constraint"
"""What admission says when no SCC fits; Kasten's action meanwhile only goes on running (facts 3.4)."""


class GrantKeeper:
    """Kasten restores RoleBindings too, with the subjects they were backed up with: in another namespace they name the
    old one's service account. look() mends those it is about."""

    def __init__(
        self, cluster: Cluster, grants: Sequence[tuple[Grant, Manifest | None]], progress: Progress, *,
        namespace: str, created: bool,
    ) -> None:
        """created: the namespace is new, so that nothing in it can be in place already."""
        self._cluster, self._grants, self._progress = cluster, tuple(grants), progress
        self._namespace, self._created = namespace, created

    def ensure(self) -> list[Step]:
        """SCC, ClusterRole and RoleBinding of each grant; what was made."""
        steps = []
        for grant, copy in self._grants:
            steps.append(Step("grant", self._ensure(grant, copy), f"{grant.scc} to {grant.account}"))
        return steps

    def _ensure(self, grant: Grant, copy: Manifest | None) -> str:
        """In a namespace that was there, whoever may not look at grants goes on with those it has."""
        created: list[Manifest] = []
        try:
            ensure_grant(self._cluster, grant, copy=copy, created=created, progress=self._progress)
            self._mend(grant)
        except errors.Forbidden as error:
            if self._created:
                raise
            self._progress.warn(f"whether {grant.account} may use {grant.scc} is not known: {error.message}")
            return "not checked"
        return "created" if created else "unchanged"

    def look(self) -> str:
        """Mends what was overwritten; then why pods are refused, in the server's words, "" when none is."""
        for grant, _ in self._grants:
            try:
                self._mend(grant)
            except errors.ApiFailure as error:
                self._progress.warn(f"the grant of {grant.scc} cannot be kept: {error.message}")
        return self._refusal()

    def _mend(self, grant: Grant) -> None:
        if self._cluster.dry_run.on:
            return
        wanted = binding_manifest(grant)
        try:
            there = self._cluster.get(ROLE_BINDING, grant.binding, namespace=grant.namespace)
        except errors.NotFound:
            self._cluster.create(wanted)
            self._progress.note(f"rolebinding/{grant.binding} created again")
            return
        if [_plain(one) for one in there.get("subjects") or []] != [_plain(one) for one in wanted["subjects"]]:
            subjects = {"subjects": wanted["subjects"]}
            self._cluster.patch(ROLE_BINDING, grant.binding, subjects, namespace=grant.namespace)
            self._progress.note(f"rolebinding/{grant.binding} mended: its subject was of another namespace")

    def _refusal(self) -> str:
        try:
            events = self._cluster.list_all(EVENT, namespace=self._namespace).items
        except errors.Forbidden:
            return ""
        refused = [one for one in events if REFUSED in str(one.get("message", ""))]
        made = [one for one in events if one.get("reason") == "SuccessfulCreate"]
        last = max(refused, key=_when, default=None)
        if last is None or any(_when(one) >= _when(last) for one in made
                               if part_of(one, "involvedObject", "uid") == part_of(last, "involvedObject", "uid")):
            return ""
        return f"pods are refused: {last.get('message')}"


def _plain(subject: Manifest) -> tuple[str, str, str]:
    return str(subject.get("kind")), str(subject.get("namespace", "")), str(subject.get("name"))


def _when(event: Manifest) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or "")
