"""The error boundary, seen from outside: exit codes, streams and signals of a real process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from plugin_core import errors

PROGRAM = str(Path(__file__).with_name("program.py"))
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(errors.__file__).parents[1]), "PYTHONUTF8": "1"}
CLASSES = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, errors.PluginError)]


def run(*arguments, environment=None, stdin=""):
    return subprocess.run(
        [sys.executable, PROGRAM, *arguments], capture_output=True, text=True, input=stdin, timeout=20,
        env={**ENVIRONMENT, **(environment or {})},
    )


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_error_is_a_sentence_a_hint_and_its_exit_code(kind):
    ran = run("fail", kind.__name__)
    assert ran.returncode == kind.exit_code
    assert ran.stderr == "error: it is so\n  try: do this\n"
    assert ran.stdout == ""


def test_without_a_hint_there_is_no_try():
    assert run("hint-less").stderr == "error: no hint\n"


@pytest.mark.parametrize("arguments", [("fail", "NotFound", "--debug"), ("--debug", "fail", "NotFound")])
def test_debug_shows_the_trace(arguments):
    ran = run(*arguments)
    assert "Traceback" in ran.stderr and ran.stderr.endswith("error: it is so\n  try: do this\n")


def test_what_nobody_thought_of_is_a_sentence_too():
    ran = run("crash")
    assert ran.returncode == 1
    assert ran.stderr.startswith("error: this should not have happened: RuntimeError: boom\n")
    assert "Traceback" not in ran.stderr
    assert "Traceback" in run("crash", "--debug").stderr


@pytest.mark.parametrize("arguments", [
    ("--nonsense",), ("nonsense",), ("rows", "-o", "xml"), ("rows", "--dry-run=maybe"), ("rows", "extra"), ("-n",),
    ("rows", "--request-timeout", "soon"), ("fail",),
])
def test_usage_errors(arguments):
    ran = run(*arguments)
    assert ran.returncode == 2
    assert "Error: " in ran.stderr and "Traceback" not in ran.stderr
    assert ran.stdout == ""


def test_a_commands_own_exit_code():
    assert run("code").returncode == 6


def test_help():
    ran = run("--help")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "Usage: program" in ran.stdout


@pytest.mark.parametrize("stdin", ["n\n", ""])
def test_a_question_that_is_not_answered_with_yes(stdin):
    ran = run("ask", stdin=stdin)
    assert ran.returncode == 130
    assert "interrupted" in ran.stderr


def test_a_reader_that_leaves_early_is_no_failure():
    line = f"{sys.executable} {PROGRAM} rows | head -1; echo ${{PIPESTATUS[0]}}"
    ran = subprocess.run(["bash", "-c", line], capture_output=True, text=True, env=ENVIRONMENT, timeout=20)
    assert ran.stdout == "NAME\n0\n"
    assert ran.stderr == ""


def test_a_full_disk_is_a_sentence():
    with open("/dev/full", "w") as full:
        ran = subprocess.run([sys.executable, PROGRAM, "rows"], stdout=full, stderr=subprocess.PIPE, text=True,
                             env=ENVIRONMENT, timeout=20)
    assert ran.returncode == 1
    assert "No space left on device" in ran.stderr and "Traceback" not in ran.stderr


def test_names_the_terminal_cannot_show_do_not_end_the_command():
    ran = run("rows", environment={"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"})
    assert ran.returncode == 0
    assert "row-0-\\xfc" in ran.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_signal_lets_the_command_clean_up_and_a_second_only_reports(number):
    process = subprocess.Popen([sys.executable, PROGRAM, "wait"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, env=ENVIRONMENT)
    assert process.stdout.readline() == "up\n"
    process.send_signal(number)
    assert process.stderr.readline() == "cleaning up\n"
    process.send_signal(number)
    rest = process.stderr.read()
    assert process.wait(10) == 130
    assert rest.splitlines()[:2] == ["already stopping: what remains is said at the end", "clean"]
    assert rest.rstrip().endswith("interrupted")


@pytest.mark.parametrize(("where", "why"), [(">&-", "it is closed"), ("> /dev/full", "No space left on device")])
def test_an_answer_that_cannot_be_written_is_told_once(where, why):
    ran = subprocess.run(
        ["bash", "-c", f"{sys.executable} {PROGRAM} rows {where}"], capture_output=True, text=True, env=ENVIRONMENT)
    assert ran.returncode == errors.ExitCode.FAILED
    assert ran.stderr.startswith(f"error: the answer cannot be written to stdout: {why};")
    assert len(ran.stderr.splitlines()) == 2
