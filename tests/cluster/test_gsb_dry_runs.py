"""Every verb that writes: a dry run changes nothing and tells what the real run does; a second run changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from cluster.kubectl import Kubectl, Plugin
from cluster.scc_objects import application, own_base, rolled_out

MODES = ("client", "server")
NAMESPACED = "deploy,sts,rs,pods,pvc,configmaps,secrets,serviceaccounts,roles,rolebindings,resourcequotas"
CLUSTER_WIDE = "scc,clusterroles,clusterrolebindings"
LOOKED = ("ready", "pods", "scc", "exitCode", "hint", "message")
"""Fields about pods and time, which a dry run cannot know."""


@pytest.fixture
def base(kubectl: Kubectl, namespace: Kubectl) -> Iterator[str]:
    with own_base(kubectl, namespace) as name:
        yield name


class Watched:
    """Every object that a command of ours could touch here, by its resourceVersion as kubectl shows it."""

    def __init__(self, kubectl: Kubectl, namespace: Kubectl, gsb: Plugin) -> None:
        self.kubectl, self.namespace, self.gsb = kubectl, namespace, gsb

    def versions(self) -> dict[str, str]:
        """Cluster-wide objects are those with the namespace in their name: the base, its copy, roles and bindings."""
        path = "jsonpath={range .items[*]}{.kind}/{.metadata.name} {.metadata.resourceVersion}{'\\n'}{end}"
        lines = self.namespace("get", NAMESPACED, "-o", path).stdout.splitlines()
        lines += [line for line in self.kubectl("get", CLUSTER_WIDE, "-o", path).stdout.splitlines()
                  if self.namespace.name in line]
        return dict(line.split() for line in lines)

    def settled(self) -> dict[str, str]:
        """The versions once nothing moves any more: rolled out, no pod going, two looks alike."""
        rolled_out(self.namespace, "deploy/web")
        seen: list[dict[str, str]] = [{}]

        def quiet() -> bool:
            seen.append(self.versions())
            pods = self.namespace.json("get", "pods")["items"]
            return seen[-1] == seen[-2] and not any("deletionTimestamp" in one["metadata"] for one in pods)

        self.namespace.wait_until(quiet, "the namespace to come to rest")
        return seen[-1]

    def does(self, *words: str, again: str = "unchanged") -> None:
        """Dry runs by client and server, the real run, and a second one. again: results of that one."""
        told: dict[str, list[Any]] = {}
        for mode in MODES:
            before = self.settled()
            told[mode] = self._run(*words, f"--dry-run={mode}")
            assert self.settled() == before, f"{words} --dry-run={mode} changed something"
        done = self._run(*words)
        assert told["client"] == told["server"] == done, f"{words} does something else than its dry run said"
        assert any(item["result"] != "unchanged" for item in done), f"{words} did nothing"
        before = self.settled()
        assert {item["result"] for item in self._run(*words)} <= {again}
        assert self.settled() == before, f"a second {words} changed something"

    def _run(self, *words: str) -> list[Any]:
        done = self.gsb(*words, "-o", "json")
        assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
        items = [item for item in json.loads(done.stdout)["items"]
                 if self.namespace.name in (item.get("namespace") or item["name"])]
        return [{key: value for key, value in item.items() if key not in LOOKED} for item in items]


def test_sidecar_and_scc_commands(namespace: Kubectl, kubectl: Kubectl, gsb: Plugin, base: str) -> None:
    namespace.apply(*application())
    rolled_out(namespace, "deploy/web")
    watched, copy = Watched(kubectl, namespace, gsb), f"{base}-gsb"
    watched.does("inject", "deploy/web")
    watched.does("upgrade", "deploy/web", "--image", "sandbox.local/kanister-tools:2")
    watched.does("uninject", "deploy/web")
    watched.does("scc", "create", "deploy/web")
    watched.does("scc", "grant", "deploy/web", "--timeout", "1s")
    watched.does("scc", "grant", "deploy/web", "--group")
    watched.does("scc", "grant", "deploy/web", "--group", "--cluster-wide")
    watched.does("scc", "revoke", "--scc", copy, "--group")
    watched.does("scc", "revoke", "deploy/web")
    watched.does("scc", "delete", copy)
    gsb.ok("scc", "create", "deploy/web")
    gsb.ok("scc", "grant", "deploy/web")
    watched.does("cleanup", "--yes", "--older-than", "0s")
