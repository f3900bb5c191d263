"""What a stand-in is given when it is installed into a running sandbox.

``sandbox.openshift.install(context)`` and ``sandbox.kasten.install(context)`` are called once at the end
of ``up``, with the API server and both nodes ready, each in a thread of its own. They apply objects with
``context.run_kubectl`` and start processes with ``context.start_process``; what they start is stopped by
``down`` like everything else.
"""

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Mapping, Protocol, Sequence


@dataclass(frozen=True)
class ServerCertificate:
    """PEM files: what a server on 127.0.0.1 presents, its key, and the bundle its clients trust it with."""

    certificate: Path
    key: Path
    ca_bundle: Path


class Authority(Protocol):
    """The sandbox's certificate authority."""

    def issue_server(self, name: str) -> ServerCertificate:
        """Issue a certificate for 127.0.0.1, localhost and ``name``; asked again, the same files."""


class Supervisor(Protocol):
    """Starts recorded processes and hands out ports; see ``processes.Supervisor``."""

    def start(
        self,
        name: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        ready: Callable[[], bool] | None = None,
    ) -> int: ...

    def free_port(self, name: str) -> int: ...


@dataclass(frozen=True)
class Context:
    """One running sandbox, as a stand-in sees it."""

    name: str
    kubeconfig: Path
    """Cluster admin."""
    state_dir: Path
    """Removed by ``down`` with everything in it; keep files in a subfolder of your own."""
    kubectl: Path
    python: Path
    """The interpreter that runs us: the virtualenv's."""
    ca: Authority
    supervisor: Supervisor = field(repr=False)

    def start_process(
        self,
        name: str,
        argv: Sequence[str],
        env: Mapping[str, str] | None = None,
        ready: Callable[[], bool] | None = None,
    ) -> int:
        """Start a process that outlives ``up`` and is stopped by ``down``; return its pid.

        ``argv`` is an absolute command; ``env`` is added to the environment, in which PYTHONPATH already
        finds ``sandbox`` and the plugins' packages and KUBECONFIG is the sandbox's. Output goes to
        ``<state_dir>/logs/<name>.log``. With ``ready`` the call returns when it answers True, and fails
        with the end of the log when the process ends first or 60 seconds have passed.
        """
        return self.supervisor.start(
            name, argv, env={"KUBECONFIG": str(self.kubeconfig), **(env or {})}, ready=ready
        )

    def free_port(self, name: str) -> int:
        """A TCP port of 127.0.0.1 that no other sandbox has; the same one when asked again by that name."""
        return self.supervisor.free_port(name)

    def run_kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl as cluster admin, return its stdout; CalledProcessError (with stderr) on failure."""
        done = subprocess.run(
            [str(self.kubectl), *arguments],
            input=stdin,
            text=True,
            capture_output=True,
            check=True,
            env={**os.environ, "KUBECONFIG": str(self.kubeconfig)},
        )
        return done.stdout
