"""``python -m sandbox.csi``: all drivers of one node, until SIGTERM."""

import argparse
import logging
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sandbox.csi.drivers import Driver
from sandbox.csi.servers import SocketServer, make_driver_server, make_registration_server
from sandbox.csi.variants import VARIANTS

WORKERS = 64
GRACE = 5.0


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox.csi", description="The sandbox's CSI drivers on one node.")
    parser.add_argument("--node", required=True, help="name of the node, and its CSI node id")
    parser.add_argument("--kubelet-dir", type=Path, required=True, help="the kubelet's root folder")
    parser.add_argument("--data-dir", type=Path, required=True, help="volumes and snapshots; shared by all nodes")
    parser.add_argument("--socket-dir", type=Path, required=True, help="where <driver name>.sock is made")
    parser.add_argument(
        "--serve",
        action="append",
        required=True,
        type=_parse_serve,
        metavar="DRIVERNAME=VARIANT",
        help=f"a driver to serve; variants: {', '.join(VARIANTS)}",
    )
    return parser.parse_args(arguments)


def _parse_serve(text: str) -> tuple[str, str]:
    name, _, variant = text.partition("=")
    if not name or variant not in VARIANTS:
        raise argparse.ArgumentTypeError(f"{text!r} is not DRIVERNAME=VARIANT with one of {', '.join(VARIANTS)}")
    return name, variant


def make_servers(options: argparse.Namespace, *, workers: ThreadPoolExecutor) -> list[SocketServer]:
    """The servers in the order they are to start: the kubelet calls a driver as soon as it is registered."""
    drivers, registrations = [], []
    registry = options.kubelet_dir.absolute() / "plugins_registry"
    for name, variant in options.serve:
        driver = Driver(
            name=name, variant=VARIANTS[variant], node=options.node, data_dir=options.data_dir.absolute()
        )
        endpoint = options.socket_dir.absolute() / f"{name}.sock"
        drivers.append(make_driver_server(driver, endpoint, workers=workers))
        registrations.append(make_registration_server(driver, endpoint, registry, workers=workers))
    return [*drivers, *registrations]


def main() -> int:
    options = parse_arguments()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    # Blocked before any thread exists, so that only the wait below receives them.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    servers = make_servers(options, workers=ThreadPoolExecutor(WORKERS))
    for server in servers:
        server.start()
    logging.info("node %s serves %s", options.node, ", ".join(name for name, _ in options.serve))
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    # Registrations first: the kubelet then knows that the drivers are going.
    for stopped in [server.stop(grace=GRACE) for server in reversed(servers)]:
        stopped.wait()
    return 0


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    # Not sys.exit: it would wait for a copy that outlasts the grace. Such a copy is not recorded, so it never was.
    os._exit(code)
