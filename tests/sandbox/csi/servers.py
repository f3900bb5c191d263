"""gRPC servers on unix sockets: one a driver, and one a driver's registration."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import csi_pb2_grpc
import grpc
import registration_pb2_grpc

from sandbox.csi.controllers import Controller
from sandbox.csi.drivers import Driver
from sandbox.csi.groups import GroupController
from sandbox.csi.identities import Identity
from sandbox.csi.nodes import Node
from sandbox.csi.refusals import Boundary
from sandbox.csi.registrations import Registration

LONGEST_PATH = 107
"""Bytes that Linux takes as the path of a unix socket."""


class SocketServer:
    """One server on one socket file, which exists exactly while it serves."""

    def __init__(self, socket: Path, *, label: str, workers: ThreadPoolExecutor) -> None:
        if len(str(socket).encode()) > LONGEST_PATH:
            raise ValueError(f"{socket} is too long for a unix socket: {LONGEST_PATH} bytes at most")
        self.socket = socket
        self.grpc = grpc.server(workers, interceptors=[Boundary(label)])

    def start(self) -> None:
        self.socket.parent.mkdir(parents=True, exist_ok=True)
        # Left by a process that was killed; nothing answers on it any more.
        self.socket.unlink(missing_ok=True)
        self.grpc.add_insecure_port(f"unix:{self.socket}")
        self.grpc.start()

    def stop(self, *, grace: float) -> threading.Event:
        """Take no more calls; the event is set when those that run are finished, or the grace is over."""
        self.socket.unlink(missing_ok=True)
        return self.grpc.stop(grace)


def make_driver_server(driver: Driver, socket: Path, *, workers: ThreadPoolExecutor) -> SocketServer:
    server = SocketServer(socket, label=driver.name, workers=workers)
    csi_pb2_grpc.add_IdentityServicer_to_server(Identity(driver), server.grpc)
    csi_pb2_grpc.add_ControllerServicer_to_server(Controller(driver), server.grpc)
    csi_pb2_grpc.add_NodeServicer_to_server(Node(driver), server.grpc)
    if driver.variant.groups:
        csi_pb2_grpc.add_GroupControllerServicer_to_server(GroupController(driver), server.grpc)
    return server


def make_registration_server(
    driver: Driver, endpoint: Path, registry: Path, *, workers: ThreadPoolExecutor
) -> SocketServer:
    server = SocketServer(registry / f"{driver.name}-reg.sock", label=f"{driver.name} registration", workers=workers)
    service = Registration(name=driver.name, endpoint=endpoint)
    registration_pb2_grpc.add_RegistrationServicer_to_server(service, server.grpc)
    return server
