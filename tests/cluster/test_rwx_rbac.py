"""kubectl rwx rbac on a real cluster: what it prints is enough for each command, and each part of it is needed.

Commands run as a user who is bound to exactly what is printed; the requests that -v shows are compared with it.
"""

from __future__ import annotations

import copy
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cluster.kubectl import Kubectl, Plugin
from cluster.manifests import claim, deployment
from cluster.rights_seen import Right, granted_rights, never_used, used_rights
from cluster.rwx_objects import bind_claims
from plugin_core.storage.verifications import Verification, hash_parameters

IMAGE = ("--image", "sandbox.local/tools:1")
Granter = Callable[[list[dict[str, Any]]], None]
_RESOURCES = re.compile(r"^(?:[A-Z]+ https?://[^/]+/apis?/|exec /api)")


class Bound:
    """A user of the test's own, with the rights that `rbac COMMAND` prints and no others."""

    def __init__(self, kubectl: Kubectl, rwx: Plugin) -> None:
        self.kubectl, self.rwx, self.name = kubectl, rwx, rwx.namespace
        self.granted: set[Right] = set()
        self.used: set[Right] = set()
        self._roles: list[tuple[str, str]] = []

    def may(self, *words: str) -> None:
        """Binds what is printed for these words, in place of what was bound before."""
        self.forget()
        done = self.rwx("rbac", *words, "--bind-to", f"user/{self.name}", "-o", "json")
        items = json.loads(done.stdout)["items"]
        roles = [{**item, "rules": [rule for rule in item["rules"] if "resources" in rule]}
                 for item in items if "rules" in item]
        self.granted, self.used = granted_rights(roles), set()
        for item in items:
            item["metadata"]["name"] = self.name
            if "roleRef" in item:
                item["roleRef"]["name"] = self.name
            self._roles.append((item["kind"], item["metadata"].get("namespace", "")))
        if items:
            self.kubectl.apply(*items)

    def does(self, *words: str, code: int | None = 0, whole: bool = False) -> None:
        """Runs it as this user. code None: any. whole: nothing may be forbidden on its way."""
        done = self.rwx("--as", self.name, "-v", *words)
        assert code is None or done.returncode == code, f"{words}\n{done.stdout}{done.stderr[-3000:]}"
        assert not whole or "-> 403" not in done.stderr, done.stderr
        self.used |= used_rights("\n".join(filter(_RESOURCES.match, done.stderr.splitlines())))

    def used_all(self, *, but: set[tuple[str, str]] = frozenset()) -> None:  # type: ignore[assignment]
        """Every right that was granted was used. but: verb and resource that only other circumstances need.

        A watch follows a list, unless all is as awaited at the first look.
        """
        listed = {("watch", *right[1:]) for right in self.used if right[0] == "list"}
        idle = {right for right in never_used(self.granted, self.used | listed) if (right[0], right[2]) not in but}
        assert not idle, f"granted and never used: {sorted(idle)}"

    def forget(self) -> None:
        for kind, space in self._roles:
            self.kubectl.within(space)("delete", kind, self.name, "--ignore-not-found")
        self._roles = []


@pytest.fixture
def bound(kubectl: Kubectl, rwx: Plugin) -> Iterator[Bound]:
    user = Bound(kubectl, rwx)
    yield user
    user.forget()


def start_killable(rwx: Plugin, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([rwx.executable, "-n", rwx.namespace, *arguments], env=rwx.environment, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.fixture
def grant(kubectl: Kubectl, namespace: Kubectl) -> Iterator[Granter]:
    """grant(items of `rbac`) applies them under names of this test's own; a later call replaces the earlier one."""
    def apply(items: list[dict[str, Any]]) -> None:
        own = copy.deepcopy(items)
        for item in own:
            item["metadata"]["name"] = namespace.name
            if "roleRef" in item:
                item["roleRef"]["name"] = namespace.name
        kubectl.apply(*own)

    yield apply
    kubectl("delete", "clusterrole,clusterrolebinding", namespace.name, "--ignore-not-found")


def printed(rwx: Plugin, *commands: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = rwx.json("rbac", *commands, "--bind-to", f"user/{rwx.namespace}")["items"]
    return items


def act(rwx: Plugin, *arguments: str) -> Any:
    return rwx("--as", rwx.namespace, *arguments)


@pytest.fixture
def proven_class(kubectl: Kubectl, namespace: Kubectl) -> Iterator[str]:
    """A StorageClass of this test's own with a record of verify."""
    kubectl.apply({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": namespace.name},
                   "provisioner": "shared.csi.sandbox.local"})
    manifest = kubectl.json("get", "storageclass", namespace.name)
    record = Verification(
        date="2026-11-21T12:00:00Z", access_mode="ReadWriteMany", result="passed", driver="shared.csi.sandbox.local",
        uid=manifest["metadata"]["uid"], parameters_hash=hash_parameters(manifest),
        proved={"rwx": True, "snapshot": True},
    )
    [(key, value)] = record.annotation().items()
    kubectl("annotate", "storageclass", namespace.name, f"{key}={value}")
    yield namespace.name
    kubectl("delete", "storageclass", namespace.name)


def test_what_is_printed_is_enough_for_verify_and_every_part_is_needed(rwx: Plugin, grant: Granter) -> None:
    items = printed(rwx, "verify")
    grant(items)
    done = act(rwx, "verify", "shared", *IMAGE)
    assert done.returncode == 0, done.stderr
    assert "not written" in done.stdout
    for position, item in enumerate(items):
        for number, rule in enumerate(item.get("rules", [])):
            for verb in rule["verbs"]:
                less = copy.deepcopy(items)
                less[position]["rules"][number]["verbs"].remove(verb)
                if not less[position]["rules"][number]["verbs"]:
                    del less[position]["rules"][number]
                grant(less)
                refused = act(rwx, "verify", "shared", *IMAGE, "--dry-run=server")
                assert refused.returncode == 5, f"{verb} {rule['resources']}: {refused.stdout}{refused.stderr}"


def test_what_is_printed_for_check_and_provision(
    rwx: Plugin, namespace: Kubectl, bound: Bound, proven_class: str
) -> None:
    bound.may("check")
    bound.does("check", proven_class)
    bound.used_all()
    bound.may("check", "--full")
    bound.does("check", whole=True)
    bound.used_all(but={("list", "storageprofiles")})  # KubeVirt's kind, used where it is served: test_rwx_lints.py
    bound.may("provision")
    bound.does("provision", "backup", "--size", "1Gi", "--class", proven_class)
    bound.used_all()
    bound.may("feature-gates")
    assert bound.granted == set()
    bound.does("feature-gates")
    bound.may("feature-gates", "--full")
    bound.does("feature-gates", whole=True)
    bound.used_all(but={("get", "featuregates")})  # OpenShift's own kind, which the sandbox does not serve


def test_what_is_printed_for_snapshots(rwx: Plugin, namespace: Kubectl, bound: Bound) -> None:
    bind_claims(namespace, claim("data", size="16Mi"))
    bound.may("snapshot")
    bound.does("snapshot", "pvc/data", "--name", "one")
    bound.does("snapshot", "--all", "--name", "all")
    bound.used_all(but={("watch", "persistentvolumeclaims")})  # of a claim that is not Bound yet
    for command, *runs in (
        ("list", ["list"]), ("describe", ["describe", "vs/one"], ["describe", "all"]),
        ("clone", ["clone", "pvc/data", "copy"]),
        ("restore", ["restore", "vs/one", "--to", "first"], ["restore", "all"]),
    ):
        for flags in ([], ["--full"]):
            bound.may(command, *flags)
            for words in runs:
                bound.does(*words, whole=bool(flags))
            if not flags:
                bound.used_all()
            namespace("delete", "pvc", "copy", "first", "data-restored", "--ignore-not-found")
        # contents are listed for more than a few snapshots, events explain what is not ready, and the namespace's own
        # claims are listed by who may not list those of all namespaces
        bound.used_all(but={("list", "volumesnapshotcontents"), ("list", "events"), ("list", "persistentvolumeclaims")})
    bound.may("list")
    assert act(rwx, "describe", "vs/one").returncode == 5


def test_what_is_printed_for_waiting_and_removal(rwx: Plugin, namespace: Kubectl, bound: Bound) -> None:
    bind_claims(namespace, claim("data", size="16Mi"), claim("broken", storage_class="failing", size="16Mi"))
    namespace.apply(claim("pending", storage_class="late", size="16Mi"))
    rwx.ok("snapshot", "pvc/broken", "--name", "broken", "--no-wait")
    bound.may("wait")
    bound.does("wait", "vs/broken", "--timeout", "1s", code=None)
    bound.does("wait", "broken", "--timeout", "1s", code=None)
    bound.does("wait", "pvc/data")
    bound.does("wait", "pvc/pending", "--timeout", "1s", code=None)
    bound.used_all()
    for name in ("one", "two", "three"):
        rwx.ok("snapshot", "pvc/data", "--name", name)
    for command, *runs in (
        ("delete", ["delete", "one", "--yes"], ["delete", "vs/broken", "--yes"]),
        ("prune", ["prune", "pvc/data", "--keep-last", "1"]),
    ):
        bound.may(command)
        for words in runs:
            bound.does(*words)
        bound.used_all()
    # two and three may have been cut in one second, and then either is the last
    (left,) = namespace("get", "vs", "-o", "name").stdout.split()
    assert left.rpartition("/")[2] in ("two", "three")


def test_what_is_printed_for_a_restore_elsewhere(
    rwx: Plugin, namespace: Kubectl, bound: Bound, make_namespace: Callable[..., Kubectl]
) -> None:
    target = make_namespace()
    bind_claims(namespace, claim("data", size="16Mi"))
    rwx.ok("snapshot", "pvc/data", "--name", "good")
    bound.may("restore", "--to-namespace", target.name)
    bound.does("restore", "vs/good", "--to-namespace", target.name)
    bound.does("restore", "good", "--to-namespace", target.name, "--to", "again")
    bound.used_all()


def test_what_is_printed_for_a_restore_in_place(rwx: Plugin, namespace: Kubectl, bound: Bound) -> None:
    bind_claims(namespace, claim("data", size="16Mi"), claim("other", size="16Mi"))
    namespace.apply(deployment("web", {"data": "/data"}), deployment("db", {"other": "/data"}, kind="StatefulSet"))
    namespace("rollout", "status", "deployment/web", "--timeout=90s")
    namespace("rollout", "status", "statefulset/db", "--timeout=90s")
    rwx.ok("snapshot", "pvc/data", "pvc/other", "--name", "good")
    bound.may("restore", "--in-place")
    bound.does("restore", "good", "--in-place", "--yes")
    # snapshots are got by name, and deleted on the way back only
    bound.used_all(but={("delete", "volumesnapshots"), ("get", "volumesnapshots")})


def test_what_is_printed_for_thaw_and_cleanup(rwx: Plugin, namespace: Kubectl, bound: Bound) -> None:
    """The client is killed under its freeze: thaw runs the hook again, and cleanup sweeps a killed verify."""
    bind_claims(namespace, claim("data", storage_class="slow", size="16Mi"), claim("other", storage_class="slow"))
    slowly_stopped = deployment("db", {"other": "/data"}, kind="StatefulSet")
    slowly_stopped["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 10
    namespace.apply(deployment("web", {"data": "/data"}), slowly_stopped)
    namespace("rollout", "status", "deployment/web", "--timeout=90s")
    namespace("rollout", "status", "statefulset/db", "--timeout=90s")
    hook = ("--quiesce", "hook", "--freeze", "true", "--thaw", "true", "--hold-until", "ready")
    for kind, claimed, quiesce, record in (
        ("deployment/web", "pvc/data", hook, "kubectl-rwx.io/frozen"),
        ("statefulset/db", "pvc/other", ("--quiesce", "scale"), "kubectl-rwx.io/scaled-down"),
    ):
        held = start_killable(rwx, "snapshot", claimed, *quiesce)
        namespace.wait_until(lambda: record in namespace("get", kind, "-o", "yaml").stdout, f"{record} on {kind}")
        if quiesce == hook:
            namespace.wait_until(lambda: namespace("get", "vs", "-o", "name").stdout, "a snapshot")
        held.kill()
        held.communicate()
    bound.may("thaw")
    bound.does("thaw", "deploy/web")
    bound.does("thaw", "--all")
    assert "kubectl-rwx.io/frozen" not in namespace("get", "deployment/web", "statefulset/db", "-o", "yaml").stdout
    # --all finds by lists; a snapshot that was not cut yet loses its promise to be quiesced
    bound.used_all(but={("get", "statefulsets"), ("patch", "volumesnapshots")})

    verifying = start_killable(rwx, "verify", "shared", *IMAGE, "--no-record")
    run = namespace.wait_until(lambda: namespace(
        "get", "vs", "-l", "kubectl-rwx.io/temporary=verify", "-o",
        r"jsonpath={.items[*].metadata.labels.kubectl-rwx\.io/run}").stdout, "a run to snapshot")
    verifying.kill()
    verifying.communicate()
    bound.may("cleanup")
    bound.does("cleanup", "--run", run, "--force", "--yes")
    bound.used_all()
    assert namespace("get", "pods,pvc,vs", "-l", "kubectl-rwx.io/temporary=verify", "-o", "name").stdout == ""
