"""oc gsb rbac: each command does its whole work as a user who has exactly what is printed, and uses all of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from cluster.gsb_objects import start
from cluster.kasten_objects import K10, PROFILE, Application, make_token, own_profile, tidy
from cluster.kubectl import Kubectl, Plugin
from cluster.manifests import deployment
from cluster.rights_seen import Right, granted_rights, never_used, used_rights
from cluster.scc_objects import ACCOUNT, application, own_base, rolled_out

ASKED_EVERYWHERE_FIRST = {f"GET /apis/actions.kio.kasten.io/v1alpha1/{kind} -> 403"
                          for kind in ("backupactions", "exportactions")}
"""A run's children may be in any namespace; who may not look there sees those of the namespace."""
WORKLOADS = ("deploy/deploy", "sts/sts", "dc/dc")


_SLOW = {("delete", "pods"), ("watch", "pods"), ("list", "events")}
"""StatefulSet pods that a failed rollout left standing; pods that take their time to go; pods in trouble."""
_AGAIN = {("create", "clusterroles"), ("create", "rolebindings"), ("create", "securitycontextconstraints")}
"""A grant that someone begins to need while it is being removed is put back."""
_OTHERS = {("list", "daemonsets"), ("list", "jobs")}
"""Pods of these beside the workload; scc plan has them."""
OTHERWISE: dict[str, set[tuple[str, str]]] = {
    "inject": _SLOW, "upgrade": _SLOW, "uninject": _SLOW | _AGAIN, "scc-delete": _AGAIN, "cleanup": _AGAIN,
    "verify": {("list", "events")}, "scc-create": _OTHERS, "scc-grant": _OTHERS,
    "scc-revoke": _OTHERS | {("patch", "rolebindings"), ("patch", "clusterrolebindings")},
}
"""What only circumstances need that do not arise here."""


class Bound:
    """A user of the test's own, with the rights that `oc gsb rbac COMMAND` prints and no others."""

    def __init__(self, kubectl: Kubectl, gsb: Plugin) -> None:
        self.kubectl, self.gsb, self.name = kubectl, gsb, gsb.namespace
        self.commands: tuple[str, ...] = ()
        self.used: set[Right] = set()
        self.granted: set[Right] = set()
        self.idle: dict[tuple[str, ...], list[Right]] = {}

    def may(self, *commands: str, without: str = "") -> None:
        """Binds what is printed for these commands, in place of what was bound before. without: a verb left out."""
        roles = [role for role in yaml.safe_load_all(self.gsb.ok("rbac", *commands)) if role]
        self._note_idle()
        self.commands, self.granted, self.used = commands, granted_rights(roles), set()
        manifests: list[dict[str, Any]] = []
        for role in roles:
            for rule in role["rules"]:
                rule["verbs"] = [verb for verb in rule["verbs"] if verb != without]
            role["rules"] = [rule for rule in role["rules"] if rule["verbs"]]
            where = {key: value for key, value in role["metadata"].items() if key == "namespace"}
            role["metadata"] = {"name": self.name, **where}
            reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": role["kind"], "name": self.name}
            subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": self.name}
            manifests += [role, {"apiVersion": role["apiVersion"], "kind": f"{role['kind']}Binding",
                                 "metadata": {"name": self.name, **where}, "roleRef": reference, "subjects": [subject]}]
        self.forget()
        self.kubectl.apply(*manifests)

    def forget(self) -> None:
        self.kubectl("delete", "clusterrole,clusterrolebinding", self.name, "--ignore-not-found")
        for where in (self.name, K10):
            self.kubectl.within(where)("delete", "role,rolebinding", self.name, "--ignore-not-found")

    def does(self, *words: str, stdin: str | None = None, code: int = 0) -> str:
        """stderr of the command run as this user, with nothing forbidden on its way when it succeeds."""
        done = self.gsb("--as", self.name, "-v", *words, stdin=stdin)
        assert done.returncode == code, f"{words}\n{done.stdout}{done.stderr}"
        refused = {line for line in done.stderr.splitlines() if line.endswith("-> 403")} - ASKED_EVERYWHERE_FIRST
        assert code or not refused, f"{words}\n{refused}\n{done.stderr}"
        self.used |= used_rights(done.stderr)
        return done.stderr

    def all_used(self) -> None:
        """Every right that was granted to any command was used by it."""
        self._note_idle()
        assert not self.idle, f"granted and never used: {self.idle}"

    def _note_idle(self) -> None:
        otherwise = {right for command in self.commands for right in OTHERWISE.get(command, ())}
        found = sorted(one for one in never_used(self.granted, self.used) if (one[0], one[2]) not in otherwise)
        if found:
            self.idle[self.commands] = found


@pytest.fixture
def bound(kubectl: Kubectl, gsb: Plugin) -> Iterator[Bound]:
    user = Bound(kubectl, gsb)
    yield user
    user.forget()


def controller(kind: str) -> dict[str, Any]:
    """A Job or DaemonSet of one sleeping container."""
    template = deployment(kind.lower(), {})["spec"]["template"]
    spec: dict[str, Any] = {"template": template}
    if kind == "Job":
        template["spec"]["restartPolicy"] = "Never"
    else:
        spec["selector"] = {"matchLabels": template["metadata"]["labels"]}
    version = "batch/v1" if kind == "Job" else "apps/v1"
    return {"apiVersion": version, "kind": kind, "metadata": {"name": kind.lower()}, "spec": spec}


def test_whoever_only_looks(bound: Bound, namespace: Kubectl, gsb: Plugin) -> None:
    start(namespace, "deploy", "sts", "dc")
    for kind in ("Job", "DaemonSet"):
        namespace.apply(controller(kind))
    namespace.wait_until(lambda: {"Job", "DaemonSet"} <= {
        owner["kind"] for pod in namespace.json("get", "pods")["items"] for owner in
        pod["metadata"].get("ownerReferences", [])}, "a pod of a Job and one of a DaemonSet")
    for command, *runs in (
        ("discover", ["discover"]), ("scc-plan", ["scc", "plan", *WORKLOADS], ["scc", "plan", "--all"]),
        ("render", ["render", *WORKLOADS], ["render", "--all"]),
    ):
        bound.may(command)
        for words in runs:
            bound.does(*words)
    gsb.ok("inject", "--all")
    for command, *runs in (
        ("status", ["status"]), ("verify", ["verify", *WORKLOADS], ["verify", "--all"]), ("images", ["images"]),
        ("token-cluster-id", ["token", "cluster-id"]),
    ):
        bound.may(command)
        for words in runs:
            bound.does(*words)
    bound.all_used()


def test_injection_and_its_way_back(bound: Bound, namespace: Kubectl, kubectl: Kubectl) -> None:
    with own_base(kubectl, namespace):
        namespace.apply(*application(access_mode="ReadWriteOnce"))
        start(namespace, "deploy", "sts", "dc")
        rolled_out(namespace, "deploy/web")
        bound.may("inject", without="use")
        refused = bound.does("inject", "deploy/web", code=5)
        assert "clusterroles" in refused and "attempting to grant RBAC permissions not currently held" in refused
        bound.may("inject")
        bound.idle.clear()
        bound.does("inject", "deploy/web", *WORKLOADS)
        bound.does("inject", "--all")
        bound.may("upgrade")
        bound.does("upgrade", "deploy/web", *WORKLOADS, "--image", "sandbox.local/kanister-tools:2")
        bound.does("upgrade", "--all")
        bound.may("uninject")
        bound.does("uninject", "deploy/web", *WORKLOADS)
        bound.does("uninject", "--all")
        bound.all_used()


def test_scc_step_by_step(bound: Bound, namespace: Kubectl, kubectl: Kubectl, gsb: Plugin) -> None:
    with own_base(kubectl, namespace) as base:
        # another test's uninject takes a copy of a shared SCC away while nobody is granted it
        namespace.apply(*application())
        start(namespace, "sts", "dc", account=ACCOUNT)
        rolled_out(namespace, "deploy/web")
        copy, all_three = f"{base}-gsb", ("deploy/web", "sts/sts", "dc/dc")
        for command, *runs in (
            ("scc-create", ["scc", "create", *all_three], ["scc", "create", "--all"]),
            ("scc-grant", ["scc", "grant", *all_three], ["scc", "grant", "--all"],
             ["scc", "grant", "deploy/web", "--group", "--cluster-wide"]),
            ("scc-revoke", ["scc", "revoke", "--scc", copy, "--group"], ["scc", "revoke", *all_three],
             ["scc", "revoke", "--all"]),
            ("scc-delete", ["scc", "delete", copy]),
        ):
            bound.may(command)
            for words in runs:
                bound.does(*words)
        gsb.ok("scc", "create", "deploy/web")
        gsb.ok("scc", "grant", "deploy/web")
        bound.may("cleanup")
        bound.does("cleanup", "--yes", "--older-than", "0s")
        assert kubectl("get", "scc", copy, check=False).returncode, "cleanup had nothing to do"
        bound.all_used()


@pytest.mark.xdist_group("kasten")
def test_kastens_commands_from_the_token_to_a_restore(
    bound: Bound, namespace: Kubectl, kubectl: Kubectl, gsb: Plugin
) -> None:
    """That the rights are enough; which of them are needed depends on how long things take."""
    Application(namespace).install()
    gsb.ok("inject", "deploy/web")
    policy, slow = f"{namespace.name}-gsb", f"slow-{namespace.name}"
    try:
        bound.may("token-set")
        bound.does("token", "set", "--token-file", "-", "--no-overridepubkey", "--abort-running",
                   stdin=make_token(kubectl))
        bound.may("token-status")
        bound.does("token", "status")
        with own_profile(kubectl, slow, **{"sandbox.rwx/seconds-per-volume": "60"}):
            gsb.ok("backup", "--profile", slow, "--no-export", "--no-wait")
            bound.may("policy-cancel")
            bound.does("policy", "cancel", policy)
            bound.may("policy-delete")
            bound.does("policy", "delete", policy, "--yes")
        bound.may("policy-create")
        bound.does("policy", "create", "--no-export", "--profile", PROFILE)
        bound.does("policy", "create", "--replace")
        bound.may("policy-run")
        bound.does("policy", "run", policy)
        bound.may("backup")
        bound.does("backup", "--no-export", "--policy", f"{policy}-2", "--profile", PROFILE)
        bound.does("backup")
        bound.may("policy-status")
        bound.does("policy", "status")
        bound.does("policy", "status", policy)
        bound.may("restorepoints")
        bound.does("restorepoints")
        bound.may("restore")
        lost = bound.does("restore", "--yes", code=5)
        assert "back as they were backed up" in lost, "the point has the Role as it was for backup"
        gsb.ok("restore", "--yes")
        bound.forget()
        gsb.ok("backup")
        bound.may("restore")
        bound.does("restore", "--yes")
    finally:
        tidy(kubectl, namespace.name)
