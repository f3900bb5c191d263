"""``python -m sandbox``: the sandbox's command line."""

import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import click

from sandbox import build, cleanup, cluster, definitions, restarts, toolchain
from sandbox.errors import SandboxError
from sandbox.processes import recorded_processes
from sandbox.progress import say
from sandbox.state import State

INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--name",
    envvar="SANDBOX_NAME",
    default="default",
    show_default=True,
    help="Which sandbox; several may run.",
)
@click.pass_context
def main(context: click.Context, name: str) -> None:
    """A real two-node Kubernetes cluster on this machine, for the demo and the tests."""
    context.obj = State.of(name)


@main.command()
@click.option(
    "--without", multiple=True, type=click.Choice(["csi", *cluster.STAND_INS]), help="Leave a part out."
)
@click.pass_obj
def up(state: State, without: tuple[str, ...]) -> None:
    """Start it, building what is not built; does nothing when it is up."""
    started = time.monotonic()
    if not cluster.up(state, without=frozenset(without)):
        say(f"sandbox {state.name!r} is up already")
        return
    say(f"sandbox {state.name!r} is up after {time.monotonic() - started:.1f} s")
    say(f"export KUBECONFIG={state.kubeconfig}")


@main.command()
@click.pass_obj
def down(state: State) -> None:
    """Stop it and remove every trace of it, whatever condition it is in."""
    toolchain.require_root()
    with state.locked():
        existed = state.exists()
        cleanup.remove(state)
    say(f"sandbox {state.name!r} " + ("is down" if existed else "was not up"))


@main.command()
@click.pass_obj
def status(state: State) -> None:
    """Show every process and both nodes; exit code 1 unless all are well."""
    well = cluster.is_up(state)
    for process in recorded_processes(state):
        click.echo(f"{process.name:<28} {process.pid:>8}  {'running' if process.is_alive() else 'ended'}")
    if not state.fact("up"):
        click.echo(f"sandbox {state.name!r} is not up")
        sys.exit(1)
    kubectl = [str(state.bin / "kubectl"), "--kubeconfig", str(state.kubeconfig), "--request-timeout=5s"]
    listed = subprocess.run([*kubectl, "get", "nodes", "--no-headers"], capture_output=True, text=True)
    click.echo((listed.stdout or listed.stderr).strip())
    ready = [line.split()[1] == "Ready" for line in listed.stdout.splitlines()]
    sys.exit(0 if well and len(ready) == 2 and all(ready) else 1)


@main.command()
@click.argument("process")
@click.pass_obj
def stop(state: State, process: str) -> None:
    """End one PROCESS of those that "status" lists, to see what its clients do."""
    say(f"{process} " + ("is stopped" if restarts.stop(state, process) else "was not running"))


@main.command()
@click.argument("process")
@click.pass_obj
def start(state: State, process: str) -> None:
    """Start one stopped PROCESS as it was started before; returns when the API server answers again."""
    say(f"{process} " + ("is started" if restarts.start(state, process) else "runs already"))


@main.command()
@click.pass_obj
def env(state: State) -> None:
    """Print the lines that point a shell at it: eval "$(python -m sandbox env)"."""
    cluster.environment(state)
    click.echo(f"export KUBECONFIG={shlex.quote(str(state.kubeconfig))}")
    click.echo(f'export PATH={shlex.quote(str(state.bin))}:"$PATH"')


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_obj
def exec(state: State, command: tuple[str, ...]) -> None:
    """Run COMMAND with KUBECONFIG and PATH set for it."""
    _become(state, list(command))


@main.command()
@click.pass_obj
def shell(state: State) -> None:
    """Open a shell with KUBECONFIG and PATH set for it."""
    _become(state, [os.environ.get("SHELL", "/bin/sh")])


@main.command("build")
@click.argument("what", nargs=-1)
def build_command(what: tuple[str, ...]) -> None:
    """Build WHAT ("stubs", or programs by name; all that "up" needs when not given) and print where it is."""
    if not what:
        cluster.prepare()
    for path in _built(what):
        click.echo(path)


def _built(what: tuple[str, ...]) -> list[Path]:
    stubs = [definitions.stubs_folder()] if "stubs" in what else []
    programs = [name for name in what if name != "stubs"]
    return stubs + (build.build_programs(*programs) if programs or not what else [])


def _become(state: State, command: list[str]) -> None:
    environment = {**os.environ, **cluster.environment(state)}
    os.environ["PATH"] = environment["PATH"]
    try:
        os.execvpe(command[0], command, environment)
    except OSError as error:
        raise SandboxError(f"cannot run {command[0]}: {error.strerror}.") from error


def run() -> None:
    """Run the command line; every expected failure is a sentence and an exit code."""
    try:
        main(prog_name="python -m sandbox", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(INTERRUPTED)
    except SandboxError as error:
        say(f"error: {error}" + (f"\n{error.hint}" if error.hint else ""))
        sys.exit(error.exit_code)


if __name__ == "__main__":
    run()
