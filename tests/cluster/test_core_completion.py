"""Completion in real shells, through the keyboard, and through kubectl's own completion of plugins."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from cluster.kubectl import Kubectl, Plugin, run
from cluster.manifests import claim
from cluster.terminals import terminal
from kubectl_rwx.main import root as rwx_root
from plugin_core.cli.completion_scripts import completer, script
from plugin_core.names import COMPLETION_SECONDS

PATIENT = {COMPLETION_SECONDS: "45"}
"""However slow the machine is."""
PACKAGES = ("bash-completion", "zsh", "fish")


@pytest.fixture(scope="session")
def shells() -> None:
    """The shells themselves, installed when root may (Debian)."""
    missing = [name for name in ("zsh", "fish") if not shutil.which(name)]
    if missing:
        for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *PACKAGES]):
            subprocess.run(["apt-get", *command], env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                           "DEBIAN_FRONTEND": "noninteractive"}, check=True, capture_output=True)


@pytest.fixture
def with_set(namespace: Kubectl, rwx: Plugin) -> Kubectl:
    """A namespace with the claims data and logs, and the set nightly-set of one snapshot, nightly-set-data."""
    namespace.apply(claim("data"), claim("logs"))
    rwx.ok("snapshot", "pvc/data", "--name", "nightly-set")
    return namespace


def test_names_from_the_cluster_in_every_shell(
    shells: None, cluster_environment: dict[str, str], with_set: Kubectl, tmp_path: Path
) -> None:
    environment = {**cluster_environment, **PATIENT, "TERM": "xterm", "HOME": str(tmp_path), "PS1": "$ "}
    start = {
        "bash": (["bash", "--norc", "--noprofile", "-i"], "source <(kubectl-rwx completion bash)\n"),
        "zsh": (["zsh", "-f", "-i"], "autoload -U compinit; compinit -u; source <(kubectl-rwx completion zsh)\n"),
        "fish": (["fish", "--private", "--no-config", "-i"], "kubectl-rwx completion fish | source\n"),
    }
    for shell, (argv, load) in start.items():
        with terminal(argv, environment=environment) as typed:
            typed.type(load + "echo lo''aded\n")
            typed.wait_for("loaded")
            seen = len(typed.shown)
            typed.type(f"echo kubectl-rwx; kubectl-rwx -n {with_set.name} restore night\t")
            typed.wait_for("restore nightly-set ", after=seen)
            typed.type(f"\x15kubectl-rwx -n {with_set.name} snapshot pvc/l\t")
            typed.wait_for("snapshot pvc/logs ", after=seen)
            typed.type("\x15kubectl-rwx --namespace=" + with_set.name[:9] + "\t")
            typed.wait_for(f"--namespace={with_set.name} ", after=seen)


def test_kubectl_completes_both_plugins(
    cluster_environment: dict[str, str], with_set: Kubectl, tmp_path: Path
) -> None:
    for executable in ("kubectl-rwx", "oc-gsb"):
        link = tmp_path / executable.replace("oc-", "kubectl-")  # the name that krew gives it
        link.symlink_to(str(shutil.which(executable, path=cluster_environment["PATH"])))
        file = tmp_path / completer(executable)
        file.write_text(script("kubectl", executable))
        file.chmod(0o755)
    environment = {**cluster_environment, **PATIENT, "PATH": f"{tmp_path}:{cluster_environment['PATH']}"}

    def kubectl_complete(*words: str) -> list[str]:
        done = run(["kubectl", "__complete", *words], environment=environment, check=True)
        return done.stdout.splitlines()

    scope = ["-n", with_set.name]
    assert kubectl_complete("rwx", "describe", *scope, "") == ["nightly-set", "vs/", ":4"]
    assert kubectl_complete("rwx", "describe", *scope, "vs/") == ["vs/nightly-set", ":4"]
    assert kubectl_complete("rwx", "snapshot", "pvc", *scope, "") == ["data", "logs", ":4"]
    assert "shared" in kubectl_complete("rwx", "verify", "sh")
    assert kubectl_complete("gsb", "inject", "st") == ["sts/", ":6"]
    assert with_set.name in kubectl_complete("gsb", "restore", "--to", with_set.name[:5])
    assert {line.partition("\t")[0] for line in kubectl_complete("rwx", "")} == {*rwx_root.commands, ":4"}


def test_a_cluster_that_is_away_or_refuses_gives_nothing_in_silence(
    cluster_environment: dict[str, str], kubectl: Kubectl, tmp_path: Path
) -> None:
    config = kubectl.json("config", "view", "--minify", "--raw")
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "interactiveMode": "IfAvailable",
              "args": ["-c", "echo who are you >&2; read name; sleep 60"]}
    broken = {
        "refusing": {"clusters": [{**config["clusters"][0], "cluster": {"server": "https://127.0.0.1:1"}}]},
        "asking": {"users": [{**config["users"][0], "user": {"exec": plugin}}]},
        "empty": {"clusters": [], "contexts": [], "users": []},
    }
    for name, change in broken.items():
        path = tmp_path / name
        path.write_text(json.dumps({**config, **change}))
        words = ["kubectl-rwx", "__complete", "--kubeconfig", str(path), "restore", ""]
        done = run(words, environment=cluster_environment, check=False)
        assert done.stdout == done.stderr == "", name
    static = run(["kubectl-rwx", "__complete", "--kubeconfig", str(tmp_path / "empty"), "list", "-o", "j"],
                 environment=cluster_environment, check=True)
    assert static.stdout == "json\n:4\n"
