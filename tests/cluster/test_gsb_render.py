"""oc gsb render: what kubectl makes of the printed YAML is what inject makes of the workload."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.kubectl import Kubectl, Plugin
from cluster.manifests import claim
from cluster.scc_objects import application, own_base, rolled_out, scc_of


@pytest.fixture
def base(kubectl: Kubectl, namespace: Kubectl) -> Iterator[str]:
    with own_base(kubectl, namespace) as name:
        yield name


def template(namespace: Kubectl, target: str) -> Any:
    return namespace.json("get", target)["spec"]["template"]


def in_any_order(made: Any) -> Any:
    """The template with containers and volumes sorted by name; the order has no meaning to pods."""
    for key in ("containers", "volumes"):
        made["spec"][key].sort(key=lambda one: one["name"])
    return made


def apply_server_side(namespace: Kubectl, rendered: str) -> None:
    namespace("apply", "--server-side", "--field-manager=gsb", "--validate=false", "-f", "-", stdin=rendered)


@pytest.mark.parametrize("kind, target", [("Deployment", "deployment/web"), ("StatefulSet", "statefulset/web")])
def test_applied_it_is_what_inject_makes(namespace: Kubectl, gsb: Plugin, base: str, kind: str, target: str) -> None:
    namespace.apply(*application(kind=kind))
    rolled_out(namespace, target)
    rendered = gsb.ok("render", target)
    gsb.ok("inject", target)
    injected = template(namespace, target)
    assert gsb.ok("render", target).split("kind: ")[-1] == rendered.split("kind: ")[-1], "from the record, the same"
    gsb.ok("uninject", target)
    apply_server_side(namespace, rendered)
    assert template(namespace, target) == injected
    rolled_out(namespace, target)
    namespace.wait_until(lambda: scc_of(namespace, "app=web") == {f"{base}-gsb"}, "the copy on the new pod")
    assert gsb("status").returncode == 0
    namespace("delete", target)


def test_as_a_kubectl_patch_and_in_a_kustomization(
    namespace: Kubectl, gsb: Plugin, base: str, tmp_path: Path
) -> None:
    made = application()
    namespace.apply(*made)
    rolled_out(namespace, "deploy/web")
    patch = gsb.ok("render", "deploy/web", "--only", "patch")
    gsb.ok("inject", "deploy/web")
    injected = template(namespace, "deploy/web")
    gsb.ok("uninject", "deploy/web")
    (tmp_path / "patch.yaml").write_text(patch)
    dry = namespace.json("patch", "deploy", "web", "--type=strategic", f"--patch-file={tmp_path / 'patch.yaml'}",
                         "--dry-run=server")
    assert in_any_order(dry["spec"]["template"]) == in_any_order(injected), "kubectl patch puts new items first"
    (tmp_path / "web.yaml").write_text(namespace("get", "deploy", "web", "-o", "yaml").stdout)
    (tmp_path / "kustomization.yaml").write_text("resources: [web.yaml]\npatches: [{path: patch.yaml}]\n")
    built = namespace("kustomize", str(tmp_path)).stdout
    assert built.count("name: kanister-sidecar") == 1 and "name: app\n" in built


def test_nothing_is_changed(namespace: Kubectl, kubectl: Kubectl, gsb: Plugin, base: str) -> None:
    namespace.apply(claim("more", storage_class="nosnap"), *application())
    rolled_out(namespace, "deploy/web")
    before = namespace.json("get", "deploy", "web")["metadata"]["generation"]
    gsb.ok("render", "deploy/web")
    assert namespace.json("get", "deploy", "web")["metadata"]["generation"] == before
    assert kubectl("get", "scc", f"{base}-gsb", check=False).returncode
