"""exec over a websocket: exit codes, channels, and every way the connection can end too soon."""

from __future__ import annotations

import base64
import json
import time
import urllib.parse

import pytest

from plugin_core import errors
from unit.plugin_core.kube.kubeconfigs import self_signed
from unit.plugin_core.kube.servers import status_object
from unit.plugin_core.kube.websockets import (
    CLOSE,
    PING,
    RESET,
    STATUS,
    STDERR,
    STDOUT,
    ExecServer,
    exited,
    frame,
)


@pytest.fixture
def serve_exec():
    servers = []

    def start(*frames, **more):
        servers.append(ExecServer(frames, **more))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def run(cluster, *command, seconds=2.0, container=""):
    return cluster.execute("web", command or ("true",), namespace="app", seconds=seconds, container=container)


@pytest.mark.parametrize("code", [0, 1, 137])
def test_exit_codes(serve_exec, cluster_at, code):
    result = run(cluster_at(serve_exec(frame(STDOUT, ""), exited(code), CLOSE).url))
    assert result.exit_code == code


def test_stdout_and_stderr_are_kept_apart(serve_exec, cluster_at):
    server = serve_exec(
        frame(STDOUT, "one\n"), PING, frame(STDERR, "oops\n"), frame(STDOUT, b"caf\xc3"), frame(STDOUT, b"\xa9 \xff"),
        frame(STDOUT, "x" * 1000), exited(0), CLOSE,
    )
    result = run(cluster_at(server.url))
    assert (result.stdout, result.stderr) == ("one\ncaf\u00e9 \ufffd" + "x" * 1000, "oops\n")


def test_the_request(serve_exec, cluster_at):
    server = serve_exec(exited(0), CLOSE)
    who = (("Impersonate-User", "jane"), ("Impersonate-Group", "dev"), ("Impersonate-Group", "ops"))
    run(cluster_at(server.url, impersonation=who), "sh", "-c", "echo a&b", container="app")
    target = server.head.split(" ")[1]
    path, _, query = target.partition("?")
    assert path == "/api/v1/namespaces/app/pods/web/exec"
    assert urllib.parse.parse_qsl(query) == [
        ("command", "sh"), ("command", "-c"), ("command", "echo a&b"), ("stdout", "true"), ("stderr", "true"),
        ("container", "app"),
    ]
    assert server.header("Sec-WebSocket-Protocol") == ["v4.channel.k8s.io"]
    assert server.header("User-Agent") == ["kubectl-rwx"]
    assert server.header("Accept") == ["*/*"], "a kubelet refuses exec to a client that wants JSON"
    assert server.header("Impersonate-User") == ["jane"]
    assert server.header("Impersonate-Group") == ["dev", "ops"]


@pytest.mark.parametrize("status, code, reason, words, expected", [
    ("403 Forbidden", 403, "Forbidden", 'User "jane" cannot create resource "pods/exec"', errors.Forbidden),
    ("404 Not Found", 404, "NotFound", 'pods "web" not found', errors.NotFound),
    ("400 Bad Request", 400, "BadRequest", "container x is not valid for pod web", errors.ApiFailure),
    ("500 Internal Server Error", 500, "InternalError", "container not found", errors.Unavailable),
])
def test_refusals_keep_the_servers_words(serve_exec, cluster_at, status, code, reason, words, expected):
    server = serve_exec(refusal=(status, json.dumps(status_object(code, reason, words))))
    with pytest.raises(expected) as caught:
        run(cluster_at(server.url))
    assert caught.value.server_message == words
    assert caught.value.message.startswith('cannot exec in pods "web" in namespace "app": ')


@pytest.mark.parametrize("frames", [
    (frame(STDOUT, "half"), RESET), (frame(STDOUT, "half"), CLOSE), (RESET,), (frame(STATUS, '{"status":'), CLOSE),
], ids=["reset", "closed without a status", "reset at once", "half a status"])
def test_a_connection_lost_before_the_status_is_no_exit_0(serve_exec, cluster_at, frames):
    with pytest.raises(errors.ConnectionFailed):
        run(cluster_at(serve_exec(*frames).url))


def test_a_failure_that_is_no_exit_code_is_told(serve_exec, cluster_at):
    words = "error executing command in container: no such file or directory"
    server = serve_exec(frame(STATUS, json.dumps(status_object(500, "InternalError", words))), CLOSE)
    with pytest.raises(errors.ApiFailure, match="no such file or directory"):
        run(cluster_at(server.url))


@pytest.mark.parametrize("frames", [(), (frame(STDOUT, "tick\n"),)])
def test_a_command_that_does_not_end_times_out(serve_exec, cluster_at, frames):
    began = time.monotonic()
    with pytest.raises(errors.TimedOut, match="did not end within 0.2s: sleep 60"):
        run(cluster_at(serve_exec(*frames).url), "sleep", "60", seconds=0.2)
    assert time.monotonic() - began < 1.9


def test_a_refused_connection_is_told(cluster_at):
    with pytest.raises(errors.ConnectionFailed, match="Connection refused"):
        run(cluster_at("http://127.0.0.1:1"))


def test_over_tls_the_same_authorities_count(serve_exec, cluster_at, tmp_path):
    certificate = self_signed(tmp_path)
    server = serve_exec(exited(3), CLOSE, certificate=certificate)
    cluster = cluster_at(server.url)
    cluster._transport.client.configuration.ssl_ca_cert = certificate[0]
    assert run(cluster).exit_code == 3


def test_over_tls_an_unknown_authority_is_refused(serve_exec, cluster_at, tmp_path):
    server = serve_exec(exited(0), CLOSE, certificate=self_signed(tmp_path))
    with pytest.raises(errors.ConnectionFailed, match="the TLS connection to .* failed: certificate verify failed"):
        run(cluster_at(server.url))


def test_over_tls_unchecked_on_request(serve_exec, cluster_at, tmp_path):
    server = serve_exec(exited(0), CLOSE, certificate=self_signed(tmp_path))
    cluster = cluster_at(server.url)
    cluster._transport.client.configuration.verify_ssl = False
    assert run(cluster).exit_code == 0


def test_a_proxy_is_asked_for_a_tunnel(serve_exec, cluster_at):
    proxy = serve_exec(refusal=("407 Proxy Authentication Required", ""))
    cluster = cluster_at("http://api.invalid:6443")
    cluster._transport.client.configuration.proxy = proxy.url.replace("http://", "http://me:p%40ss@")
    with pytest.raises(errors.ConnectionFailed):
        run(cluster)
    assert proxy.head.startswith("CONNECT api.invalid:6443 ")
    assert proxy.header("Proxy-Authorization") == ["Basic " + base64.b64encode(b"me:p@ss").decode()]


def test_the_environments_proxy_is_not_used_unless_the_connection_has_one(serve_exec, cluster_at, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    assert run(cluster_at(serve_exec(exited(0), CLOSE).url)).exit_code == 0
