"""plugin_core's connection against a real API server: lost connections, and what a server dry run leaves."""

from __future__ import annotations

import json
import threading
import urllib.parse

import pytest

from cluster.flaky_proxy import FlakyProxy
from plugin_core.kube.cluster import DryRun
from plugin_core.kube.connection import ConnectionOptions, connect
from plugin_core.kube.waiting import follow
from plugin_core.model.durations import Deadline
from plugin_core.model.kinds import CONFIG_MAP
from plugin_core.names import RUN_LABEL

OBJECTS = 20


@pytest.fixture
def kubeconfig(kubectl, tmp_path):
    """The cluster's kubeconfig as a dict, and where a changed one can be written."""
    return kubectl.json("config", "view", "--minify", "--raw"), tmp_path / "kubeconfig"


def config_map(name, namespace, **data):
    labels = {RUN_LABEL: "flaky"}
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"filler": "y" * 500, **data}}


def test_writes_and_a_watch_over_a_connection_that_keeps_breaking(kubeconfig, namespace):
    config, path = kubeconfig
    server = urllib.parse.urlparse(config["clusters"][0]["cluster"]["server"])
    proxy = FlakyProxy(server.hostname, server.port or 443, seed=1)
    config["clusters"][0]["cluster"].update({
        "server": f"https://127.0.0.1:{proxy.port}", "tls-server-name": server.hostname,
    })
    path.write_text(json.dumps(config))
    deadline = Deadline.after(120)
    cluster = connect(ConnectionOptions(kubeconfig=str(path))).within(deadline)
    cluster.server_version()
    made = []

    def write():
        for number in range(OBJECTS):
            name = f"m{number}"
            made.append(cluster.create(config_map(name, namespace.name))["metadata"]["uid"])
            cluster.patch(CONFIG_MAP, name, {"data": {"number": str(number)}}, namespace=namespace.name)
            if number % 4 == 0:
                cluster.delete(CONFIG_MAP, name, namespace=namespace.name)

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    expected = {f"m{number}": str(number) for number in range(OBJECTS) if number % 4}
    seen = {}
    for view in follow(
        cluster, CONFIG_MAP, deadline=deadline, namespace=namespace.name, labels=f"{RUN_LABEL}=flaky"
    ):
        seen = {name: item["data"].get("number") for (_, name), item in view.items()}
        if not writer.is_alive() and seen == expected:
            break
    proxy.close()
    assert seen == expected
    assert len(made) == len(set(made)) == OBJECTS, "nothing was made twice"
    assert proxy.cuts > 5
    there = namespace.json("get", "configmaps", "-l", f"{RUN_LABEL}=flaky")["items"]
    assert {item["metadata"]["name"] for item in there} == set(expected)


def test_a_server_dry_run_leaves_everything_as_it_was(kubeconfig, namespace):
    config, path = kubeconfig
    path.write_text(json.dumps(config))
    namespace.apply(config_map("there", namespace.name))
    before = namespace.json("get", "configmaps")["items"]
    dry = connect(ConnectionOptions(kubeconfig=str(path)), dry_run=DryRun.SERVER)
    dry.create(config_map("new", namespace.name))
    dry.apply(config_map("other", namespace.name))
    patched = dry.patch(CONFIG_MAP, "there", {"data": {"a": "1"}}, namespace=namespace.name)
    dry.delete(CONFIG_MAP, "there", namespace=namespace.name)
    assert patched["data"]["a"] == "1", "the server did look at it"
    assert namespace.json("get", "configmaps")["items"] == before
