"""Every way to reach a cluster and to prove who one is, with the frozen executables."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cluster.kubectl import Kubectl, run
from cluster.manifests import claim, deployment
from cluster.proxies import connect_proxy_to

Config = dict[str, Any]
AWAY = "https://cluster.invalid:6443"
"""A server that only a proxy can reach: the name does not resolve."""


@pytest.fixture
def config(kubectl: Kubectl) -> Config:
    """The cluster's kubeconfig, with its one cluster, user and context."""
    return kubectl.json("config", "view", "--minify", "--raw", "--flatten")


@pytest.fixture
def server(cluster_environment: dict[str, str], tmp_path: Path) -> Callable[..., str]:
    """Asks for the server's version with a kubeconfig (or several), and returns it; the words when there is none."""

    def ask(*configs: Config, **environment: str) -> str:
        paths = [tmp_path / f"config{number}" for number in range(len(configs))]
        for path, content in zip(paths, configs):
            path.write_text(json.dumps(content))
        every = {**cluster_environment, **environment, "KUBECONFIG": ":".join(map(str, paths))}
        shown = run(["kubectl-rwx", "version", "-o", "json"], environment=every, check=True)
        found = {item["component"]: item for item in json.loads(shown.stdout)["items"]}["Kubernetes"]
        return str(found["version"] or found["found"])

    return ask


def part(config: Config, section: str) -> Config:
    """The one cluster or user, to be changed."""
    return config[section][0][section.removesuffix("s")]  # type: ignore[no-any-return]


def test_kubeconfig_of_many_files(config: Config, server: Callable[..., str]) -> None:
    rest = {key: value for key, value in config.items() if key not in ("clusters", "users", "contexts")}
    pieces = [{**rest, "current-context": "", section: config[section]} for section in ("clusters", "users")]
    assert server(*pieces, {**rest, "contexts": config["contexts"]}).startswith("v1.")


def test_client_certificates_and_authority_as_files(config: Config, server: Callable[..., str], tmp_path: Path) -> None:
    files = {"client-certificate": "users", "client-key": "users", "certificate-authority": "clusters"}
    for key, section in files.items():
        entry = part(config, section)
        (tmp_path / f"{key}.pem").write_bytes(base64.b64decode(entry.pop(f"{key}-data")))
        entry[key] = f"{key}.pem"  # relative to the kubeconfig
    assert server(config).startswith("v1.")


def test_an_authority_that_did_not_sign_and_none_at_all(config: Config, server: Callable[..., str]) -> None:
    strange = copy.deepcopy(config)
    strange["clusters"][0]["cluster"]["certificate-authority-data"] = part(config, "users")["client-certificate-data"]
    del part(config, "clusters")["certificate-authority-data"]
    for broken in (strange, config):
        assert "certificate" in server(broken).lower()


def test_token_file(config: Config, server: Callable[..., str], namespace: Kubectl, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(namespace("create", "token", "default").stdout)
    config["users"][0]["user"] = {"tokenFile": "token"}
    assert server(config).startswith("v1.")
    (tmp_path / "token").write_text("not.a.token")
    assert "Unauthorized" in server(config)


def test_credential_plugin_runs_with_its_own_libraries(
    config: Config, server: Callable[..., str], tmp_path: Path
) -> None:
    user = part(config, "users")
    certificate, key = (base64.b64decode(user[f"client-{name}-data"]).decode() for name in ("certificate", "key"))
    credential = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
                  "status": {"clientCertificateData": certificate, "clientKeyData": key}}
    (tmp_path / "credential").write_text(json.dumps(credential))
    plugin = tmp_path / "plugin"
    plugin.write_text(f'#!/bin/sh\necho "$LD_LIBRARY_PATH|$TOLD" > {tmp_path}/seen\ncat {tmp_path}/credential\n')
    plugin.chmod(0o755)
    config["users"][0]["user"] = {"exec": {
        "apiVersion": "client.authentication.k8s.io/v1", "command": str(plugin), "interactiveMode": "Never",
        "env": [{"name": "TOLD", "value": "so"}]}}
    assert server(config, LD_LIBRARY_PATH="/opt/theirs").startswith("v1.")
    assert (tmp_path / "seen").read_text() == "/opt/theirs|so\n"
    plugin.write_text("#!/bin/sh\necho log in first >&2\nexit 1\n")
    assert "gave no credentials" in server(config)


def test_proxies(config: Config, server: Callable[..., str]) -> None:
    behind = copy.deepcopy(config)
    cluster = part(behind, "clusters")
    cluster.update({"server": AWAY, "tls-server-name": "127.0.0.1"})
    with connect_proxy_to(part(config, "clusters")["server"]) as proxy:
        assert server(behind, HTTPS_PROXY=proxy.url).startswith("v1.")
        assert set(proxy.asked) == {"cluster.invalid:6443"}
        assert not server(behind, HTTPS_PROXY=proxy.url, NO_PROXY="cluster.invalid").startswith("v1.")
        cluster["proxy-url"] = proxy.url
        assert server(behind).startswith("v1.")
        seen = len(proxy.asked)
        assert server(config, HTTPS_PROXY=proxy.url).startswith("v1."), "no proxy for this very machine, as in kubectl"
        assert len(proxy.asked) == seen
    assert "proxy" in server(behind).lower()


def test_exit_codes_of_pods_over_a_websocket_through_a_proxy(
    config: Config, cluster_environment: dict[str, str], namespace: Kubectl, tmp_path: Path
) -> None:
    namespace.apply(claim("data"), deployment("web", {"data": "/data"}))
    namespace("rollout", "status", "deployment/web", "--timeout=90s")
    with connect_proxy_to(part(config, "clusters")["server"]) as proxy:
        part(config, "clusters").update({"server": AWAY, "tls-server-name": "127.0.0.1", "proxy-url": proxy.url})
        (tmp_path / "behind").write_text(json.dumps(config))
        command = ["kubectl-rwx", "--kubeconfig", str(tmp_path / "behind"), "-n", namespace.name, "snapshot",
                   "pvc/data", "--quiesce=hook", "--name", "frozen-set", "--thaw", "rm -f /tmp/frozen"]
        refused = run([*command, "--freeze", "echo not now >&2; exit 7"], environment=cluster_environment, check=False)
        assert refused.returncode == 3, refused.stderr
        assert "exit code 7: not now" in refused.stderr
        run([*command, "--freeze", "touch /tmp/frozen"], environment=cluster_environment, check=True)
        assert proxy.asked
    made = namespace.json("get", "volumesnapshots")["items"]
    assert [item["metadata"]["annotations"]["kubectl-rwx.io/consistency"] for item in made] == ["quiesced"]


def test_in_a_pod_with_its_service_account(config: Config, namespace: Kubectl, installed: Path) -> None:
    """The pod borrows this machine's C library and reaches the API server at its real address: the sandbox's images
    have neither glibc nor a service network. Token, authority and namespace are those the kubelet mounts."""
    program = (installed / "kubectl-rwx").resolve()
    host, port = part(config, "clusters")["server"].removeprefix("https://").split(":")
    namespace("create", "role", "looker", "--verb=get,list,watch", "--resource=volumesnapshots,volumesnapshotclasses")
    namespace("create", "rolebinding", "looker", "--role=looker", f"--serviceaccount={namespace.name}:default")
    borrowed = {"/lib": "/usr/lib", "/lib64": "/usr/lib64", "/plugin": str(program.parent)}
    namespace.apply({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "inside"},
        "spec": {
            "hostNetwork": True, "restartPolicy": "Never", "terminationGracePeriodSeconds": 0,
            "containers": [{
                "name": "plugin", "image": "sandbox.local/tools:1", "command": ["sh", "-c", (
                    f"/plugin/{program.name} list -o json && /plugin/{program.name} list -n kube-system")],
                "env": [{"name": "KUBERNETES_SERVICE_HOST", "value": host},
                        {"name": "KUBERNETES_SERVICE_PORT", "value": port}],
                "volumeMounts": [{"name": f"v{number}", "mountPath": inside, "readOnly": True}
                                 for number, inside in enumerate(borrowed)],
            }],
            "volumes": [{"name": f"v{number}", "hostPath": {"path": outside}}
                        for number, outside in enumerate(borrowed.values())],
        },
    })
    phase = namespace.wait_until(
        lambda: namespace.jsonpath("get", "pod/inside", path="{.status.phase}") in ("Succeeded", "Failed"), "its end")
    log = namespace("logs", "inside").stdout
    assert phase and '"kind": "SnapshotList"' in log, log
    assert f"system:serviceaccount:{namespace.name}:default" in log, "refused elsewhere, by name"
    code = namespace.jsonpath("get", "pod/inside", path="{.status.containerStatuses[0].state.terminated.exitCode}")
    assert code == "5"
