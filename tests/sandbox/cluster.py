"""Bring a sandbox up, in parallel where nothing depends on anything else."""

import importlib
import importlib.util
import os
import signal
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import Any, Callable

from sandbox import (
    build,
    cleanup,
    control_plane,
    definitions,
    images,
    machine,
    nodes,
    storage,
    toolchain,
    waiting,
)
from sandbox.certificates import CertificateAuthority
from sandbox.context import Context
from sandbox.errors import SandboxError
from sandbox.processes import Supervisor, recorded_processes
from sandbox.progress import say, timed
from sandbox.state import NODES, State

STAND_INS = ("openshift", "kasten")


def prepare() -> None:
    """Check the machine and build what is not built."""
    toolchain.require_root()
    toolchain.require_packages()
    build.build_programs()
    definitions.crds_folder()
    definitions.stubs_folder()
    images.images_archive()


def is_up(state: State) -> bool:
    """Did ``up`` finish, and does everything it started still run?"""
    processes = recorded_processes(state)
    return bool(state.fact("up") and processes) and all(process.is_alive() for process in processes)


def up(state: State, *, without: frozenset[str] = frozenset()) -> bool:
    """Bring the sandbox up; False when it was up already. Remains of a crashed one are removed first.

    Interrupted, it removes what it had started. Failing, it stops that and leaves the logs to be read.
    """
    toolchain.require_root()
    with state.locked():
        if is_up(state):
            return False
        prepare()
        if state.exists():
            say("removing the remains of a sandbox that was not taken down")
            cleanup.remove(state)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _interrupt)
        try:
            state.create()
            machine.enter(state.directory)
            _start_everything(state, without)
            state.record("up", True)
        except KeyboardInterrupt:
            say("interrupted: stopping what was started")
            waiting.interrupted.clear()
            cleanup.remove(state)
            raise
        except BaseException:
            waiting.interrupted.clear()
            cleanup.stop_processes(state)
            say(f"everything was stopped; the logs are in {state.logs}")
            raise
    return True


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _start_everything(state: State, without: frozenset[str]) -> None:
    supervisor = Supervisor(state, python_path=[definitions.stubs_folder()])
    authority = control_plane.issue_certificates(state, supervisor)
    (state.bin / "kubectl").symlink_to(build.find_program("kubectl"))
    kubectl = [str(build.find_program("kubectl")), f"--kubeconfig={state.kubeconfig}"]
    has_storage = storage.driver_exists() and "csi" not in without
    with ThreadPoolExecutor(max_workers=16) as pool:
        try:
            api = pool.submit(_start_api, state, supervisor)
            runtimes = {
                node: pool.submit(_start_runtime, state, supervisor, node, has_storage) for node in NODES
            }
            api.result()
            defined = pool.submit(storage.define_resources, kubectl)
            ready = [pool.submit(_start_node, state, supervisor, node, runtimes[node]) for node in NODES]
            control_plane.start_controllers(state, supervisor)
            _finish(defined)
            storage.start_snapshot_controller(state, supervisor)
            classes = pool.submit(storage.create_classes, kubectl)
            _finish(*ready, classes)
            stand_ins = _install_stand_ins(pool, _context(state, supervisor, authority), without)
            if has_storage:
                storage.start_sidecars(state, supervisor)
                with timed("CSI drivers registered"):
                    storage.wait_until_registered(kubectl)
            _finish(*stand_ins)
        except BaseException:
            waiting.interrupted.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _finish(*futures: Future[Any]) -> None:
    for future in futures:
        future.result()


def _start_api(state: State, supervisor: Supervisor) -> None:
    with timed("etcd and API server ready"):
        control_plane.start_etcd(state, supervisor)
        control_plane.start_apiserver(state, supervisor)


def _start_runtime(state: State, supervisor: Supervisor, node: str, has_storage: bool) -> None:
    with timed(f"{node}: containerd ready, images there"):
        nodes.start_runtime(state, supervisor, node)
    if has_storage:
        with timed(f"{node}: CSI drivers serving"):
            storage.start_drivers(state, supervisor, node)


def _start_node(state: State, supervisor: Supervisor, node: str, runtime: Future[None]) -> None:
    runtime.result()
    with timed(f"{node}: kubelet Ready"):
        nodes.start_kubelet(state, supervisor, node)
        nodes.admit_node(state, build.find_program("kubectl"), node)


def _context(state: State, supervisor: Supervisor, authority: CertificateAuthority) -> Context:
    return Context(
        name=state.name,
        kubeconfig=state.kubeconfig,
        state_dir=state.directory,
        kubectl=build.find_program("kubectl"),
        python=Path(sys.executable),
        ca=authority,
        supervisor=supervisor,
    )


def _install_stand_ins(
    pool: ThreadPoolExecutor, context: Context, without: frozenset[str]
) -> list[Future[None]]:
    installing = []
    for name in STAND_INS:
        if name not in without and importlib.util.find_spec(f"sandbox.{name}") is not None:
            install = getattr(importlib.import_module(f"sandbox.{name}"), "install", None)
            if install is not None:
                installing.append(pool.submit(_install_stand_in, name, install, context))
    return installing


def _install_stand_in(name: str, install: Callable[[Context], None], context: Context) -> None:
    with timed(f"{name} stand-in ready"):
        try:
            install(context)
        except subprocess.CalledProcessError as error:
            said = (error.stderr or error.stdout or "").strip()
            raise SandboxError(f"installing the {name} stand-in: {error} {said[-1500:]}") from error


def environment(state: State) -> dict[str, str]:
    """What a user's commands need to work on this sandbox: KUBECONFIG, and kubectl on PATH."""
    if not state.fact("up"):
        raise SandboxError(f"the sandbox {state.name!r} is not up.", hint="Start it: make sandbox-up")
    return {
        "KUBECONFIG": str(state.kubeconfig),
        "PATH": f"{state.bin}{os.pathsep}{os.environ.get('PATH', '')}",
    }
