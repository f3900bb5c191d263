"""What is offered at the cursor, and that no parameter that takes a name is forgotten."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import kubectl_rwx.completions
import kubectl_rwx.main
import oc_gsb.completions
import oc_gsb.main
from fakes.cluster import FakeCluster
from plugin_core.cli import completion, completion_names, sessions
from plugin_core.cli.completion_scripts import completer, script

PLUGINS = {
    "kubectl-rwx": (kubectl_rwx.main.root, kubectl_rwx.completions.SOURCES),
    "oc-gsb": (oc_gsb.main.root, oc_gsb.completions.SOURCES),
}
FREE = {
    "as_groups", "as_user", "cache_size", "chart_version", "container", "controller_image", "controller_memory",
    "cpu", "cpu_limit", "env", "expires", "freeze", "freeze_timeout", "image", "keep_last", "keep_within",
    "lose_snapshots", "max_backup_age", "memory", "memory_limit", "mount_options", "name", "node_selector",
    "older_than", "parallel", "patience", "pull_secrets", "registry", "request_timeout", "run_id", "selector",
    "server", "share", "size", "source", "subject", "suffix", "surplus", "test_server_image", "thaw", "timeout",
    "to", "tolerations", "user", "verify_class",
}
"""What a user invents, measures or copies from elsewhere."""


def parameters(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Parameter]]:
    for parameter in command.params:
        yield path, parameter
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            yield from parameters(below, (*path, name))


@pytest.mark.parametrize("executable", sorted(PLUGINS))
def test_every_parameter_is_completed_or_known_to_be_free(executable):
    root, sources = PLUGINS[executable]
    for path, parameter in parameters(root):
        completed = (
            completion.source_of(path, parameter, sources) or isinstance(parameter.type, (click.Choice, click.File))
            or getattr(parameter, "is_flag", False) or parameter.name in FREE
        )
        assert completed, f"{' '.join(path)}: {parameter.name}"


@pytest.mark.parametrize("executable", sorted(PLUGINS))
def test_every_source_belongs_to_a_parameter(executable):
    root, sources = PLUGINS[executable]
    there = {key for path, parameter in parameters(root)
             for key in (parameter.name, f"{' '.join(path)} {parameter.name}")}
    own = set(sources) - set(completion_names.SHARED)
    assert own <= there, own - there


def a(kind, name, namespace="app", **labels):
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"kind": kind[1], "apiVersion": kind[0], "metadata": metadata}


CLAIM, SNAPSHOT = ("v1", "PersistentVolumeClaim"), ("snapshot.storage.k8s.io/v1", "VolumeSnapshot")


@pytest.fixture
def offered(monkeypatch):
    """Words → candidates of kubectl-rwx, on a cluster with two claims, a set of one snapshot, and a lone snapshot."""
    cluster = FakeCluster([
        a(CLAIM, "data"), a(CLAIM, "logs"), a(SNAPSHOT, "lone"), a(CLAIM, "other", "elsewhere"),
        a(SNAPSHOT, "nightly-data", **{"kubectl-rwx.io/set": "nightly"}),
    ])

    def connect(options, **more):
        return cluster.in_namespace(options.namespace or "app")

    monkeypatch.setattr(sessions, "connect", connect)
    root, sources = PLUGINS["kubectl-rwx"]

    def candidates(*words):
        return [item.value for item in completion.candidates(root, words, name="kubectl-rwx", sources=sources)]

    return candidates


@pytest.mark.parametrize(("words", "expected"), [
    (["snapshot", "pvc/"], ["pvc/data", "pvc/logs"]),
    (["snapshot", "persistentvolumeclaims/l"], ["persistentvolumeclaims/logs"]),
    (["snapshot", "pvc", ""], ["data", "logs"]),
    (["snapshot", "pvc", "data", "l"], ["logs"]),
    (["snapshot", "d"], ["dc/", "deploy/", "ds/"]),
    (["-n", "elsewhere", "snapshot", "pvc/"], ["pvc/other"]),
    (["snapshot", "-n", "elsewhere", "pvc/"], ["pvc/other"]),
    (["snapshot", "-A", "pvc/"], ["pvc/data", "pvc/logs"]),
    (["snapshot", "svc/"], []),
    (["clone", ""], ["pvc/data", "pvc/logs"]),
    (["clone", "pvc/data", ""], []),
    (["restore", ""], ["nightly", "vs/"]),
    (["restore", "vs/l"], ["vs/lone"]),
    (["restore", "vs/lone", ""], ["vs/lone", "vs/nightly-data"]),
    (["list", "-o", "j"], ["json"]),
    (["list", "--output=w"], ["wide"]),
    (["restore", "--access-mode", "RWO"], ["RWO", "RWOP"]),
    (["completion", ""], ["bash", "fish", "kubectl", "zsh"]),
])
def test_candidates(offered, words, expected):
    assert [value for value in offered(*words) if not value.startswith("-")] == expected


def test_directives(capsys, monkeypatch):
    monkeypatch.setattr(completion, "_be_quiet", lambda: None)
    root, sources = PLUGINS["kubectl-rwx"]
    for words, last in ((["snapshot", "dep"], ":6"), (["--kubeconfig", "x"], ":0"), (["sna"], ":4"), ([], ":4")):
        completion.answer(root, words, name="kubectl-rwx", sources=sources)
        assert capsys.readouterr().out.splitlines()[-1] == last, words


def test_contexts_of_every_kubeconfig_file(monkeypatch, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).write_text(
            f"clusters: [{{name: c, cluster: {{server: 'https://x'}}}}]\ncontexts: [{{name: {name}, context: {{}}}}]\n")
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path / 'one'}:{tmp_path / 'two'}")
    root, sources = PLUGINS["oc-gsb"]
    found = completion.candidates(root, ["--context", ""], name="oc-gsb", sources=sources)
    assert [item.value for item in found] == ["one", "two"]


def test_static_completion_loads_no_client():
    code = ("import sys; sys.argv = ['kubectl-rwx', '__complete', 'li']\n"
            "from kubectl_rwx.main import main; main(); sys.stdout.flush()\n"
            "print(sorted({'kubernetes', 'yaml', 'rich'} & set(sys.modules)))")
    folder = Path(completion.__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(folder)}, capture_output=True, text=True)
    assert done.stdout.splitlines()[1:] == [":4", "[]"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "kubectl"])
@pytest.mark.parametrize("executable", sorted(PLUGINS))
def test_scripts_name_the_executable_they_are_for(shell, executable):
    text = script(shell, executable)
    assert executable in text and "__complete" in text
    assert not {"EXECUTABLE", "PLUGIN", "FUNCTION", "COMPLETER"} & set(text.replace("_", " ").split())
    assert completer(executable) == f"kubectl_complete-{executable[-3:]}"
