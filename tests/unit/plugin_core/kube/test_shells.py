"""One shell for several scripts: a real sh behind the websocket, and the ways in which it can end too soon."""

from __future__ import annotations

import pytest

from plugin_core import errors
from plugin_core.kube.cluster import DryRun
from unit.plugin_core.kube.websockets import CLOSE, RESET, STDOUT, ExecServer, ShellServer, exited, frame


@pytest.fixture
def shell(cluster_at):
    server = ShellServer()
    shell = cluster_at(server.url).shell("web", namespace="app", container="tools")
    yield shell
    shell.close()
    assert server.ended.wait(10), "the shell outlives its connection"
    assert "/api/v1/namespaces/app/pods/web/exec?command=sh&stdout=true&stderr=true&stdin=true" in server.head
    server.close()


def scripted(cluster_at, *frames):
    return cluster_at(ExecServer(frames).url).shell("web", namespace="app")


def test_scripts_follow_each_other_with_their_own_output_and_exit_code(shell):
    first = shell.run("echo one; echo oops >&2; exit 3", [], seconds=10)
    assert (first.exit_code, first.stdout, first.stderr) == (3, "one\n", "oops\n")
    second = shell.run("set -eu\nfalse\necho never", [], seconds=10)
    assert (second.exit_code, second.stdout, second.stderr) == (1, "", "")
    third = shell.run("echo two", [], seconds=10)
    assert (third.exit_code, third.stdout, third.stderr) == (0, "two\n", "")
    assert shell.idle_seconds < 5


def test_arguments_come_as_they_are(shell):
    awkward = ["a b", "it's", "$(exit 9)", "", "-x", "caf\u00e9\nline"]
    done = shell.run('for one; do echo "<$one>"; done', awkward, seconds=10)
    assert done.stdout == "".join(f"<{one}>\n" for one in awkward)
    assert shell.run('echo "$#"', [], seconds=10).stdout == "0\n", "arguments of the script before are forgotten"


def test_a_script_has_no_input_and_leaves_nothing_behind(shell):
    assert shell.run("cat; cd /; kept=1", [], seconds=10).stdout == ""
    done = shell.run("echo \"${kept-gone}\"; pwd", [], seconds=10)
    assert done.stdout.startswith("gone\n") and done.stdout != "gone\n/\n"


def test_long_output_is_whole(shell):
    script = "n=0; while [ $n -lt 3000 ]; do echo line $n; n=$((n+1)); done"
    assert shell.run(script, [], seconds=30).stdout.splitlines() == [f"line {n}" for n in range(3000)]


def test_a_script_that_does_not_end_times_out(shell):
    with pytest.raises(errors.TimedOut, match="the command did not end within 0.2s: sleep 2"):
        shell.run("sleep 2", [], seconds=0.2)


@pytest.mark.parametrize("frames", [(RESET,), (frame(STDOUT, "half"), RESET), (frame(STDOUT, "half"), CLOSE),
                                    (frame(STDOUT, "half"), exited(0), CLOSE), (exited(137), CLOSE)])
def test_an_end_without_the_mark_is_no_success(cluster_at, frames):
    with pytest.raises(errors.ConnectionFailed):
        scripted(cluster_at, *frames).run("true", [], seconds=5)


def test_no_shell_under_a_dry_run(cluster_at):
    with pytest.raises(errors.UsageError, match="nothing is executed"):
        cluster_at("http://127.0.0.1:1", dry_run=DryRun.SERVER).shell("web", namespace="app")
