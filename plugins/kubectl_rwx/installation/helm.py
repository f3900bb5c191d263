"""helm as a program: found, run with the same connection as we have, its words passed on.

It runs in a session of its own, so that a Ctrl-C is passed to it once, and by us: it then marks its release as failed,
from which the next run goes on.
"""

from __future__ import annotations

import itertools
import json
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plugin_core import errors
from plugin_core.kube.connection import ConnectionOptions
from plugin_core.model.durations import Deadline, format_duration
from plugin_core.model.manifests import Manifest

GRACE = 30.0
"""Seconds helm has to put its release in order after a Ctrl-C."""


@dataclass(frozen=True)
class Chart:
    """place: a folder, a .tgz, oci://…, or a repository's https address (then `name` is looked up in it)."""

    place: str
    name: str
    version: str

    @property
    def arguments(self) -> list[str]:
        if self.place.startswith(("http://", "https://")) and not self.place.endswith(".tgz"):
            return [self.name, "--repo", self.place, *self._pinned]
        return [self.place, *(self._pinned if self.place.startswith("oci://") else [])]

    @property
    def _pinned(self) -> list[str]:
        return ["--version", self.version] if self.version else []


@dataclass(frozen=True)
class Release:
    """status: helm's word. revision: counted by helm."""

    status: str
    revision: int


def find_helm(named: str) -> str:
    """The executable. named: --helm; "" looks on PATH. Raises UsageError with where it is to be had."""
    found = shutil.which(named or "helm")
    if not found:
        what = f"{named} (--helm) cannot be run" if named else "there is no helm on PATH"
        raise errors.UsageError(
            f"{what}, and csi-driver-nfs is installed with it",
            hint="install helm 3.8 or newer (https://helm.sh/docs/intro/install), or name it with --helm FILE; where "
                 "the driver was installed by other means, kubectl rwx setup class makes the classes",
        )
    return found


class Helm:
    """One helm on one cluster and namespace. Raises PluginError with helm's words; Forbidden where it is refused."""

    def __init__(self, executable: str, connection: ConnectionOptions, *, namespace: str, deadline: Deadline) -> None:
        self._executable, self._namespace, self._deadline = executable, namespace, deadline
        self._connection = _connection_arguments(connection)

    def show_values(self, chart: Chart) -> Manifest:
        return self._yaml("show", "values", *chart.arguments)

    def show_chart(self, chart: Chart) -> Manifest:
        """Chart.yaml: name, version, appVersion."""
        return self._yaml("show", "chart", *chart.arguments)

    def template(self, release: str, chart: Chart, values: Mapping[str, Any], *, files: Sequence[str],
                 kube_version: str) -> str:
        """The objects as YAML. kube_version: of the server; "" for helm's own idea."""
        version = ["--kube-version", kube_version] if kube_version else []
        return self.run("template", release, *chart.arguments, *_values(files), *version, "--skip-tests",
                        stdin=json.dumps(values))

    def status(self, release: str) -> Release | None:
        """None: there is no release of that name."""
        try:
            answer = json.loads(self.run("status", release, "-o", "json", connected=True))
        except errors.PluginError as error:
            if "not found" in error.message:
                return None
            raise
        return Release(str(answer.get("info", {}).get("status", "")), int(answer.get("version") or 0))

    def upgrade(self, release: str, chart: Chart, values: Mapping[str, Any], *, files: Sequence[str]) -> None:
        """Installs or upgrades; does not wait for pods."""
        self.run("upgrade", "--install", release, *chart.arguments, *_values(files), "--history-max", "5",
                 stdin=json.dumps(values), connected=True)

    def rollback(self, release: str) -> None:
        self.run("rollback", release, connected=True)

    def uninstall(self, release: str) -> None:
        """Returns when the objects are gone."""
        seconds = f"{max(1, int(self._deadline.left))}s"
        self.run("uninstall", release, "--wait", "--timeout", seconds, connected=True)

    def run(self, *words: str, stdin: str = "", connected: bool = False) -> str:
        """stdout of a helm command. connected: with the flags of the connection."""
        told = " ".join(["helm", *itertools.takewhile(lambda word: not word.startswith("-"), words)])
        command = [self._executable, *words, "--namespace", self._namespace, *(self._connection if connected else [])]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )
        try:
            output, said = process.communicate(stdin, timeout=max(1.0, self._deadline.left))
        except subprocess.TimeoutExpired:
            _stop(process)
            raise errors.TimedOut(
                f"{told} was not done within {format_duration(self._deadline.seconds)} (--timeout)",
                hint="the same command with a longer --timeout",
            ) from None
        except KeyboardInterrupt:
            _stop(process)
            raise
        if process.returncode:
            raise _failure(f"{told}: {_last_words(said)}")
        return output

    def _yaml(self, *words: str) -> Manifest:
        import yaml

        content: Manifest = yaml.safe_load(self.run(*words)) or {}
        return content


def _values(files: Sequence[str]) -> list[str]:
    """Ours from stdin first: the user's files win."""
    return ["--values", "-", *(word for file in files for word in ("--values", file))]


def _connection_arguments(options: ConnectionOptions) -> list[str]:
    if options.cluster or options.user:
        raise errors.UsageError("helm knows neither --cluster nor --user",
                                hint="name a context that has both: --context, kubectl config set-context")
    words = []
    for flag, value in (("--kubeconfig", options.kubeconfig), ("--kube-context", options.context),
                        ("--kube-as-user", options.as_user)):
        words += [flag, value] if value else []
    for group in options.as_groups:
        words += ["--kube-as-group", group]
    return words + (["--kube-insecure-skip-tls-verify"] if options.insecure_skip_tls_verify else [])


def _stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.communicate(timeout=GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def _last_words(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    told = [line for line in lines if line.startswith("Error:")] or lines[-3:]
    return " ".join(told).removeprefix("Error: ") or "it said nothing"


def _failure(message: str) -> errors.PluginError:
    if "forbidden" in message.lower():
        return errors.Forbidden(message, hint="ask for the rights: kubectl rwx rbac setup-nfs", status=403)
    return errors.PluginError(message)
