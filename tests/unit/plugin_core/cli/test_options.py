"""Shared flags before and after the subcommand, and the values they take."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from plugin_core import errors
from plugin_core.cli import sessions
from plugin_core.cli.options import (
    Size,
    all_option,
    dry_run_option,
    output_option,
    selector_option,
    shared_options,
    timeout_option,
    yes_option,
)
from plugin_core.cli.sessions import current_session
from plugin_core.kube.cluster import DryRun


@click.group()
@shared_options
def root():
    pass


@root.command()
@shared_options
@output_option
@dry_run_option
@selector_option
@all_option
@yes_option
@timeout_option("10m", "the wait")
@click.option("--size", type=Size())
@click.pass_context
def command(context, selector, everything, yes, timeout, size):
    context.find_root().meta["seen"] = (current_session(), selector, everything, yes, timeout, size)


@pytest.fixture
def run():
    def call(line):
        seen = {}
        with root.make_context("kubectl-rwx", line.split()) as context:
            root.invoke(context)
            seen = context.meta["seen"]
        return seen
    return call


@pytest.mark.parametrize("line, settings", [
    ("command", {}),
    ("-n a command", {"namespace": "a"}),
    ("command -n a", {"namespace": "a"}),
    ("-n a command -n b", {"namespace": "b"}),
    ("--namespace=a -v command", {"namespace": "a", "verbose": True}),
    ("-A command", {"all_namespaces": True}),
    ("--as jane --as-group a --as-group b command", {"as_user": "jane", "as_groups": ("a", "b")}),
    ("--as-group a command --as-group b", {"as_groups": ("b",)}),
    ("command --request-timeout 1m30s", {"request_timeout": 90.0}),
    ("--kubeconfig f --context c --cluster k --user u command --insecure-skip-tls-verify",
     {"kubeconfig": "f", "context": "c", "cluster": "k", "user": "u", "insecure_skip_tls_verify": True}),
    ("command -o yaml --dry-run=server -q --debug",
     {"output": "yaml", "dry_run": "server", "quiet": True, "debug": True}),
])
def test_settings_from_anywhere_on_the_line(run, line, settings):
    assert run(line)[0].settings == settings


@pytest.mark.parametrize("line, expected", [
    ("command", ("", False, False, 600.0, None)),
    ("command -l app=web --all --yes --timeout 5s --size 10Gi", ("app=web", True, True, 5.0, 10 * 1024**3)),
])
def test_a_commands_own_options(run, line, expected):
    assert run(line)[1:] == expected


@pytest.mark.parametrize("line, dry_run", [
    ("command", DryRun.NONE), ("command --dry-run none", DryRun.NONE), ("command --dry-run=client", DryRun.CLIENT),
    ("command --dry-run=server", DryRun.SERVER),
])
def test_dry_run(run, line, dry_run):
    assert run(line)[0].dry_run is dry_run


@pytest.mark.parametrize("size, words", [
    ("10", "has no unit: write 10Gi or 10Mi"), ("1.5", "has no unit"), ("ten", "is not a Kubernetes quantity"),
    ("0Gi", "is no size"), ("-1Gi", "is no size"), ("9Ei", "more than Kubernetes can count"),
])
def test_sizes_that_cannot_be_meant(size, words):
    result = CliRunner().invoke(root, ["command", f"--size={size}"])
    assert result.exit_code == 2
    assert words in result.output


@pytest.mark.parametrize("flag, value", [("--timeout", "soon"), ("--timeout", "-5s"), ("--request-timeout", "1 m")])
def test_durations_that_cannot_be_meant(flag, value):
    result = CliRunner().invoke(root, ["command", flag, value])
    assert result.exit_code == 2 and "is not a duration" in result.output


def test_connect_takes_the_connection_flags_and_nothing_else(run, monkeypatch):
    seen = []
    monkeypatch.setattr(sessions, "connect", lambda options, **more: seen.append((options, more)))
    run("-n a --context c command -q -o json --dry-run=client")[0].connect()
    options, more = seen[0]
    assert (options.namespace, options.context, options.user) == ("a", "c", "")
    assert more == {"dry_run": DryRun.CLIENT, "field_manager": "kubectl-rwx"}


def test_all_namespaces_is_refused_by_commands_that_cannot(run, monkeypatch):
    monkeypatch.setattr(sessions, "connect", lambda options, **more: options)
    session = run("command -A")[0]
    with pytest.raises(errors.UsageError, match="--all-namespaces does not fit"):
        session.connect()
    session.connect(all_namespaces=True)


@pytest.mark.parametrize("namespace", ["..", "a/b", "A", "a b", "a.b", "-a", "a" * 64])
def test_namespaces_that_cannot_be(run, namespace):
    session = run("command")[0]
    session.settings["namespace"] = namespace
    with pytest.raises(errors.UsageError, match="is not a name a namespace can have"):
        session.connect()


@pytest.mark.parametrize("line, words", [
    ("--help", "Kubeconfig context to use"), ("command --help", "--dry-run client|server"),
])
def test_help_names_the_flags(line, words):
    assert words in CliRunner().invoke(root, line.split()).output
