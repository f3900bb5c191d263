"""A live cluster object whose other end is a scripted loopback server, with pauses between tries cut short."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from kubernetes.client import ApiClient, Configuration

from plugin_core.kube import retries, transport, waiting
from plugin_core.kube.cluster import DryRun
from plugin_core.kube.live import LiveCluster
from plugin_core.kube.transport import Transport
from unit.plugin_core.kube.servers import ScriptedServer, Step


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "_FIRST_PAUSE", 0.01)
    monkeypatch.setattr(retries, "_LONGEST_PAUSE", 0.05)
    monkeypatch.setattr(transport, "_SHORTEST_READ", 0.3)
    monkeypatch.setattr(waiting, "_SHORT_WATCH", 0.0)
    monkeypatch.delenv("HTTP_PROXY", raising=False)
    monkeypatch.delenv("http_proxy", raising=False)


@pytest.fixture
def serve() -> Iterator[Callable[..., ScriptedServer]]:
    """serve(step, step, …): a server that must get exactly these requests, or the test fails."""
    servers: list[ScriptedServer] = []

    def start(*steps: Step, certificate: tuple[str, str] | None = None) -> ScriptedServer:
        servers.append(ScriptedServer(steps, certificate=certificate))
        return servers[-1]

    yield start
    for server in servers:
        server.close()
    for server in servers:
        server.check()


@pytest.fixture
def cluster_at() -> Callable[..., LiveCluster]:
    """cluster_at(server): the connection under test."""

    def make(
        server: ScriptedServer | str, *, dry_run: DryRun = DryRun.NONE, request_timeout: float = 5.0,
        impersonation: tuple[tuple[str, str], ...] = (),
    ) -> LiveCluster:
        configuration = Configuration()
        configuration.host = server if isinstance(server, str) else server.url
        configuration.proxy = None
        client = ApiClient(configuration)
        client.user_agent = "kubectl-rwx"
        transport = Transport(client, request_timeout=request_timeout, impersonation=impersonation)
        return LiveCluster(transport, namespace="app", dry_run=dry_run, field_manager="kubectl-rwx")

    return make
