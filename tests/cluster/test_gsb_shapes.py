"""Workloads of every shape of volume: injected together, looked into through the sidecar, and back exactly."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from cluster.gsb_objects import pods_of, ready_columns, shown, wait_ready
from cluster.kubectl import Kubectl, Plugin
from cluster.manifests import claim, deployment
from plugin_core.workloads.shared_looks import EVERY

Json = dict[str, Any]

REFUSED = {
    "raw": "volume raw is a block device (used by container app); the sidecar can only copy files",
    "taken": "it already has a volume named kopia-log-volume, which the sidecar needs for itself",
}
SEEN = {
    "part": {"/data/srv/app": {"app/file": "in a subPath", "log/file": "in another"}},
    "many": {"/own/own": {"file": "of its own"}, "/a/a": {"file": "shared"}, "/fixed/fixed": {"file": "of init"},
             "/first/first": {"x/file": "twice"}, "/second/second": {"x/file": "twice"}},
    "fleeting": {"/brief/brief": {"file": "for a while"}},
    "seed": {"/seed/seed": {"file": "of init"}, "/fixed/fixed": {"file": "of init"}},
    "clash": {"/gsb.d/tmp/kopia-cache": {"file": "tmp"}, "/gsb.d/etc/ssl/certs": {"file": "etc"},
              "/gsb.d/proc/x": {"file": "proc"}},
    "named": {"/kanister-sidecar-ca/ca": {"file": "the application's"}},
}
"""Where the sidecar of each has its claims, and what the application or its init container wrote on them."""


def mount(volume: str, path: str, **more: Any) -> Json:
    return {"name": volume, "mountPath": path, **more}


def held(volume: str, name: str = "", **more: Any) -> Json:
    """A volume of the claim of the same name, or of another."""
    return {"name": volume, "persistentVolumeClaim": {"claimName": name or volume, **more}}


def app(name: str, mounts: Sequence[Json], volumes: Sequence[Json], *, writes: str = "", init: Sequence[Json] = (),
        prepares: str = "", kind: str = "Deployment", **spec: Any) -> Json:
    """writes: what its container does at first. init: the mounts of an init container, which does `prepares`."""
    made = deployment(name, {}, kind=kind, command=f"{writes or 'true'}; sleep infinity")
    pod = made["spec"]["template"]["spec"]
    main = pod["containers"][0]
    pod["volumes"] = list(volumes)
    if init:
        pod["initContainers"] = [{**main, "name": "prepare", "command": ["sh", "-c", prepares],
                                  "volumeMounts": list(init)}]
    main["volumeMounts"] = list(mounts)
    made["spec"].update(spec)
    return made


def every_shape() -> list[Json]:
    """The claims, a ConfigMap that can serve as a private CA's, and the workloads: SEEN's and REFUSED's."""
    raw = claim("raw", storage_class="block", access_mode="ReadWriteOnce")
    raw["spec"]["volumeMode"] = "Block"
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"},
                "data": {"custom-ca-bundle.pem": "not a real certificate"}}
    of_others = [
        {"name": "configured", "configMap": {"name": "settings"}}, {"name": "scratch", "emptyDir": {}},
        {"name": "projected", "projected": {"sources": [
            {"configMap": {"name": "settings"}},
            {"downwardAPI": {"items": [{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]}}]}}]
    device = app("raw", [], [held("raw")])
    device["spec"]["template"]["spec"]["containers"][0]["volumeDevices"] = [{"name": "raw", "devicePath": "/dev/raw"}]
    own = "kanister-sidecar-ca"
    return [
        *(claim(name) for name in ("data", "a", "twice", "fixed", "seed", "tmp", "etc", "proc", "named", "taken")), raw,
        settings, device, app("taken", [mount("kopia-log-volume", "/log")], [held("kopia-log-volume", "taken")]),
        app("part", [mount("data", "/srv/app", subPath="app"), mount("data", "/srv/log", subPathExpr="log")],
            [held("data")], writes="echo in a subPath > /srv/app/file; echo in another > /srv/log/file"),
        app("many", [mount("own", "/own"), mount("a", "/a"), mount("first", "/first", subPath="x"),
                     mount("second", "/second", readOnly=True), mount("fixed", "/fixed"),
                     *(mount(one["name"], f"/{one['name']}") for one in of_others)],
            [held("a"), held("first", "twice"), held("second", "twice"), held("fixed", readOnly=True), *of_others],
            writes="echo of its own > /own/file; echo shared > /a/file; echo twice > /first/file",
            kind="StatefulSet", volumeClaimTemplates=[claim("own")]),
        app("fleeting", [mount("brief", "/brief")],
            [{"name": "brief", "ephemeral": {"volumeClaimTemplate": {"spec": claim("")["spec"]}}}],
            writes="echo for a while > /brief/file"),
        app("seed", [], [held("seed"), held("fixed")], init=[mount("seed", "/seed"), mount("fixed", "/fixed")],
            prepares="echo of init | tee /seed/file > /fixed/file"),
        app("clash", [mount("tmp", "/kopia-cache"), mount("etc", "/ssl/certs"), mount("proc", "/x"),
                      mount("logs", "/tmp/kopia-log")],
            [held("tmp"), held("etc"), held("proc"), {"name": "logs", "emptyDir": {}}],
            writes="echo tmp > /kopia-cache/file; echo etc > /ssl/certs/file; echo proc > /x/file"),
        app("named", [mount(own, "/ca")], [held(own, "named")], writes="echo \"the application's\" > /ca/file"),
    ]


def kind_of(name: str) -> str:
    return "sts" if name == "many" else "deploy"


def test_every_shape_of_volume(gsb: Plugin, namespace: Kubectl) -> None:
    namespace.apply(*every_shape())
    for name in (*SEEN, "taken"):
        wait_ready(namespace, name, 1)
    before = {name: shown(namespace, kind_of(name), name) for name in (*SEEN, *REFUSED)}

    clash = gsb("inject", "deploy/named", "--ca-configmap", "settings")
    assert clash.returncode == 3 and "already has a volume named kanister-sidecar-ca" in clash.stderr, clash.stderr
    assert shown(namespace, "deploy", "named") == before["named"]

    began = time.monotonic()
    done = gsb("-v", "inject", "--all", "--parallel", "4", "-o", "json")
    looks = (time.monotonic() - began) / EVERY + 3
    asked = [line for line in done.stderr.splitlines() if line.startswith("GET ") and "/events?" in line]
    assert len(asked) <= looks, "those that are watched at once share one list of the namespace's events"
    items = {item["name"]: item for item in json.loads(done.stdout)["items"]}
    assert {name: item["result"] for name, item in items.items()} == {
        **dict.fromkeys(SEEN, "injected"), **dict.fromkeys(REFUSED, "refused")}, done.stderr
    assert done.returncode == 6
    assert {name: items[name]["problems"] for name in REFUSED} == {name: [words] for name, words in REFUSED.items()}
    assert {name: shown(namespace, "deploy", name) for name in REFUSED} == {name: before[name] for name in REFUSED}
    assert "deployment/fleeting: the claims of volume brief are ephemeral" in done.stderr

    for name, folders in SEEN.items():
        wait_ready(namespace, name, 1)
        assert ready_columns(namespace, name) == ["2/2"]
        pod = pods_of(namespace, name)[0]["metadata"]["name"]
        files = {f"{folder}/{path}": text for folder, within in folders.items() for path, text in within.items()}
        found = namespace.sh(pod, f"cat {' '.join(files)}", container="kanister-sidecar")
        assert found.splitlines() == list(files.values()), name
    many = pods_of(namespace, "many")[0]
    mounted = {one["name"] for one in many["spec"]["containers"][1]["volumeMounts"]}
    assert not mounted & {"configured", "projected", "scratch"}
    refused = namespace("exec", "many-0", "-c", "kanister-sidecar", "--", "touch", "/fixed/fixed/new", check=False)
    assert "Read-only file system" in refused.stderr

    checks = gsb.json("verify", *(f"{kind_of(name)}/{name}" for name in SEEN))["items"]
    assert "fail" not in {item["verdict"] for item in checks}
    measured = {(item["name"], item["observed"].split()[0]) for item in checks
                if item["check"].startswith("mount ") and item["verdict"] == "ok"}
    assert measured >= {(name, folder) for name, folders in SEEN.items() for folder in folders}

    back = gsb.json("uninject", "--all", "--parallel", "4")["items"]
    assert {item["name"]: item["result"] for item in back} == {
        **dict.fromkeys(SEEN, "uninjected"), **dict.fromkeys(REFUSED, "unchanged")}
    assert {name: shown(namespace, kind_of(name), name) for name in before} == before
