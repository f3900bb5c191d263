"""The control plane: etcd, API server, controller manager, scheduler; and the kubeconfigs of its clients."""

import base64
from pathlib import Path

import yaml

from sandbox import build, waiting
from sandbox.certificates import CertificateAuthority
from sandbox.context import ServerCertificate
from sandbox.processes import Supervisor
from sandbox.state import NODES, State

CLIENT_LIMITS = ("--kube-api-qps=300", "--kube-api-burst=600")
"""By default clients limit themselves to 5 to 20 requests a second: a hundred snapshots take minutes."""
ADMIN = "admin"
_SERVICE_NETWORK = "10.96.0.0/16"
"""Addresses are handed out of it, yet lead nowhere: there is no kube-proxy here."""


def api_url(supervisor: Supervisor) -> str:
    return f"https://127.0.0.1:{supervisor.free_port('kube-apiserver')}"


def issue_certificates(state: State, supervisor: Supervisor) -> CertificateAuthority:
    """Make the authority, everybody's certificate, and the kubeconfig of each client."""
    authority = CertificateAuthority(state.directory / "pki")
    authority.make_key_pair("service-account")
    authority.issue_server("kube-apiserver")
    authority.issue_client("kubelet-client", user="kube-apiserver-kubelet-client", group="system:masters")
    clients = {
        ADMIN: ("kubernetes-admin", "system:masters"),
        "kube-controller-manager": ("system:kube-controller-manager", None),
        "kube-scheduler": ("system:kube-scheduler", None),
        **{node: (f"system:node:{node}", "system:nodes") for node in NODES},
    }
    for name, (user, group) in clients.items():
        certificate = authority.issue_client(name, user=user, group=group)
        _write_kubeconfig(
            kubeconfig_of(state, name), api_url(supervisor), certificate, cluster=f"sandbox-{state.name}"
        )
    for node in NODES:
        authority.issue_server(f"{node}-serving")
    return authority


def kubeconfig_of(state: State, client: str) -> Path:
    """A client's kubeconfig; the admin's is the one users see."""
    return state.kubeconfig if client == ADMIN else state.directory / "pki" / f"{client}.kubeconfig"


def start_etcd(state: State, supervisor: Supervisor) -> None:
    client, peer = supervisor.free_port("etcd"), supervisor.free_port("etcd-peer")
    supervisor.start(
        "etcd",
        [
            str(build.find_program("etcd")),
            "--name=sandbox",
            f"--data-dir={state.directory}/etcd",
            "--unsafe-no-fsync",
            f"--listen-client-urls=http://127.0.0.1:{client}",
            f"--advertise-client-urls=http://127.0.0.1:{client}",
            f"--listen-peer-urls=http://127.0.0.1:{peer}",
            f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
            f"--initial-cluster=sandbox=http://127.0.0.1:{peer}",
            "--log-level=warn",
        ],
        ready=lambda: waiting.answers_http(f"http://127.0.0.1:{client}/health"),
    )


def start_apiserver(state: State, supervisor: Supervisor) -> None:
    pki = state.directory / "pki"
    supervisor.start(
        "kube-apiserver",
        [
            str(build.find_program("kube-apiserver")),
            f"--etcd-servers=http://127.0.0.1:{supervisor.free_port('etcd')}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={supervisor.free_port('kube-apiserver')}",
            # A loopback address may not be an endpoint of the service "kubernetes", and nothing here uses
            # that service.
            "--endpoint-reconciler-type=none",
            f"--tls-cert-file={pki}/kube-apiserver.crt",
            f"--tls-private-key-file={pki}/kube-apiserver.key",
            f"--client-ca-file={pki}/ca.crt",
            f"--kubelet-client-certificate={pki}/kubelet-client.crt",
            f"--kubelet-client-key={pki}/kubelet-client.key",
            f"--service-account-key-file={pki}/service-account.pub",
            f"--service-account-signing-key-file={pki}/service-account.key",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-cluster-ip-range={_SERVICE_NETWORK}",
            "--authorization-mode=Node,RBAC",
            "--allow-privileged",
            "--enable-admission-plugins=NodeRestriction",
            "--profiling=false",
        ],
        ready=lambda: apiserver_answers(state, supervisor),
    )


def apiserver_answers(state: State, supervisor: Supervisor) -> bool:
    """Is the API server ready to serve everything?"""
    return waiting.answers_https(f"{api_url(supervisor)}/readyz", state.directory / "pki" / "ca.crt")


def start_controllers(state: State, supervisor: Supervisor) -> None:
    """Start what acts on the API; they need not be ready for others to go on."""
    pki = state.directory / "pki"
    for name, extra in {
        "kube-controller-manager": [
            "--use-service-account-credentials",
            f"--service-account-private-key-file={pki}/service-account.key",
            f"--root-ca-file={pki}/ca.crt",
            "--concurrent-deployment-syncs=10",
            "--concurrent-replicaset-syncs=10",
            "--pvclaimbinder-sync-period=5s",
        ],
        "kube-scheduler": [],
    }.items():
        client = kubeconfig_of(state, name)
        supervisor.start(
            name,
            [
                str(build.find_program(name)),
                f"--kubeconfig={client}",
                f"--authentication-kubeconfig={client}",
                f"--authorization-kubeconfig={client}",
                "--bind-address=127.0.0.1",
                f"--secure-port={supervisor.free_port(name)}",
                "--leader-elect=false",
                "--profiling=false",
                *CLIENT_LIMITS,
                *extra,
            ],
        )


def _write_kubeconfig(path: Path, url: str, client: ServerCertificate, *, cluster: str) -> None:
    def inline(file: Path) -> str:
        return base64.b64encode(file.read_bytes()).decode()

    user = {"client-certificate-data": inline(client.certificate), "client-key-data": inline(client.key)}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": cluster,
        "clusters": [
            {
                "name": cluster,
                "cluster": {"server": url, "certificate-authority-data": inline(client.ca_bundle)},
            }
        ],
        "users": [{"name": cluster, "user": user}],
        "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": cluster}}],
    }
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(content))
