"""Stop one process of a running sandbox, and start it again just as it was started: an outage made to order."""

import os
import signal
from typing import Callable

from sandbox import control_plane, definitions, waiting
from sandbox.errors import SandboxError
from sandbox.processes import Process, Supervisor, kill, recorded_processes
from sandbox.state import State

_PATIENCE = 2.0
"""Seconds a process has to end by itself before it is killed; the API server would wait a minute for its watches."""
_Ready = Callable[[State, Supervisor], bool]
_READY: dict[str, _Ready] = {"kube-apiserver": control_plane.apiserver_answers}


def stop(state: State, name: str) -> bool:
    """End a process the polite way, then the hard one; False when it had ended already."""
    with state.locked():
        process = _recorded(state, name)
        if not process.is_alive():
            return False
        os.kill(process.pid, signal.SIGTERM)
        try:
            waiting.wait_until(lambda: not process.is_alive(), what=f"the end of {name}", timeout=_PATIENCE)
        except SandboxError:
            kill(process.pid)
            waiting.wait_until(lambda: not process.is_alive(), what=f"the end of {name}")
    return True


def start(state: State, name: str) -> bool:
    """Start a stopped process with its recorded arguments, and return when it is ready; False when it runs."""
    with state.locked():
        process = _recorded(state, name)
        if process.is_alive():
            return False
        supervisor = Supervisor(state, python_path=[definitions.stubs_folder()])
        ready = _READY.get(name)
        supervisor.start(
            name,
            process.arguments,
            env={"KUBECONFIG": str(state.kubeconfig)},  # stand-ins go by it, the others have a flag
            ready=(lambda: ready(state, supervisor)) if ready is not None else None,
        )
    return True


def _recorded(state: State, name: str) -> Process:
    processes = {process.name: process for process in recorded_processes(state)}
    if name not in processes:
        known = ", ".join(processes) or "none, it is not up"
        raise SandboxError(f"{name!r} is no process of the sandbox {state.name!r}; those are: {known}.")
    if name.endswith("-mounts"):
        raise SandboxError(f"{name!r} holds the mounts of a node that runs: stop the whole sandbox instead.")
    return processes[name]
