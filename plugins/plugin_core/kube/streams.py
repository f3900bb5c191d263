"""Running a command in a container over a websocket, with the command's own exit code.

The client's own stream helper sends neither impersonation headers nor a connect timeout, so the frames are read here.
Protocol: k8s.io/apimachinery pkg/util/remotecommand, v4: one leading byte names the channel, 3 carries the status.
"""

from __future__ import annotations

import json
import logging
import re
import shlex
import ssl
import time
import urllib.parse
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from kubernetes.client import ApiClient, Configuration
from kubernetes.client.rest import should_bypass_proxies
from urllib3 import HTTPHeaderDict
from websocket import (
    ABNF,
    WebSocket,
    WebSocketBadStatusException,
    WebSocketConnectionClosedException,
    WebSocketException,
    WebSocketTimeoutException,
)

from plugin_core import errors
from plugin_core.kube.cluster import ExecResult
from plugin_core.kube.failures import api_failure, connection_failure
from plugin_core.model.durations import Deadline, format_duration

log = logging.getLogger(__name__)

_STDIN, _STDOUT, _STDERR, _STATUS = 0, 1, 2, 3
_PROTOCOL = "v4.channel.k8s.io"
_CONNECT_SECONDS = 10.0

Channels = dict[int, bytearray]
"""What came so far, by the number of its channel."""


def execute(
    client: ApiClient, path: str, command: Sequence[str], *, container: str, seconds: float,
    headers: HTTPHeaderDict, attempted: str,
) -> ExecResult:
    """Runs command (no shell in between) and reads its output to the end.

    container "": the pod's default container. Raises Forbidden, NotFound, ConnectionFailed, and TimedOut after
    `seconds`: the command may then still run in the container.
    """
    socket = _open(client, path, command, container=container, headers=headers, attempted=attempted)
    server = client.configuration.host
    try:
        with _told(attempted, server=server, seconds=seconds, command=" ".join(command)):
            channels = _read_channels(socket, deadline=Deadline.after(seconds))
    finally:
        socket.close(timeout=1)
    return ExecResult(
        exit_code=_exit_code(bytes(channels[_STATUS]), attempted=attempted, server=server),
        stdout=_text(channels[_STDOUT]), stderr=_text(channels[_STDERR]),
    )


class ShellStream:
    """One `sh` in a container that is sent scripts one after another: only the first costs the start of a process.

    Made like `execute`, which see for what is raised. When run() raises, the shell is of no more use.
    """

    def __init__(
        self, client: ApiClient, path: str, *, container: str, headers: HTTPHeaderDict, attempted: str
    ) -> None:
        self._path, self._attempted, self._server = path, attempted, client.configuration.host
        self._used = time.monotonic()
        self._socket = _open(client, path, ["sh"], container=container, headers=headers, attempted=attempted,
                             stdin=True)

    @property
    def idle_seconds(self) -> float:
        return time.monotonic() - self._used

    def run(self, script: str, arguments: Sequence[str], *, seconds: float) -> ExecResult:
        """The script in a subshell without input, $1… being the arguments. Its last line must be whole."""
        log.info("in %s: %s %s", self._path, script, arguments)
        mark = uuid.uuid4().hex
        words = " ".join(shlex.quote(argument) for argument in arguments)
        text = f"(set -- {words}\n{script}\n) </dev/null\necho {mark} $?; echo {mark} >&2\n"

        def answered(channels: Channels) -> bool:
            return bool(re.search(rf"{mark} \d+\n".encode(), channels[_STDOUT])
                        and f"{mark}\n".encode() in channels[_STDERR])

        with _told(self._attempted, server=self._server, seconds=seconds, command=script):
            self._socket.send_binary(bytes([_STDIN]) + text.encode())
            channels = _read_channels(self._socket, deadline=Deadline.after(seconds), until=answered)
        if not answered(channels):
            _exit_code(bytes(channels[_STATUS]), attempted=self._attempted, server=self._server)
            raise errors.ConnectionFailed(f"cannot {self._attempted}: its shell ended")
        self._used = time.monotonic()
        stdout, _, code = _text(channels[_STDOUT]).rpartition(f"{mark} ")
        return ExecResult(exit_code=int(code), stdout=stdout,
                          stderr=_text(channels[_STDERR]).rpartition(f"{mark}\n")[0])

    def close(self) -> None:
        """The shell ends with its connection. Repeated: nothing."""
        self._socket.close(timeout=1)


def _open(
    client: ApiClient, path: str, command: Sequence[str], *, container: str, headers: HTTPHeaderDict, attempted: str,
    stdin: bool = False,
) -> Any:
    query = [("command", part) for part in command] + [("stdout", "true"), ("stderr", "true")]
    if stdin:
        query.append(("stdin", "true"))
    if container:
        query.append(("container", container))
    # the kubelet answers exec with no media type, and 406 to whoever insists on one
    headers = headers.copy()
    headers["Accept"] = "*/*"
    return _connect(
        client.configuration,
        f"ws{client.configuration.host.removeprefix('http')}{path}?{urllib.parse.urlencode(query)}",
        headers=headers, attempted=attempted,
    )


@contextmanager
def _told(attempted: str, *, server: str, seconds: float, command: str) -> Iterator[None]:
    """A broken stream as an error of ours."""
    try:
        yield
    except WebSocketTimeoutException as error:
        raise errors.TimedOut(
            f"cannot {attempted}: the command did not end within {format_duration(seconds)}: {command}"
        ) from error
    except (WebSocketException, OSError) as error:
        raise connection_failure(error, server=server, attempted=attempted) from error


def _connect(configuration: Configuration, url: str, *, headers: HTTPHeaderDict, attempted: str) -> Any:
    options: dict[str, Any] = {"cert_reqs": ssl.CERT_NONE, "check_hostname": False}
    if configuration.verify_ssl:
        options = {"cert_reqs": ssl.CERT_REQUIRED}
        if configuration.ssl_ca_cert:
            options["ca_certs"] = configuration.ssl_ca_cert
    for option, value in (("certfile", configuration.cert_file), ("keyfile", configuration.key_file),
                          ("server_hostname", configuration.tls_server_name)):
        if value:
            options[option] = value
    socket = WebSocket(sslopt=options, enable_multithread=False)
    socket.settimeout(_CONNECT_SECONDS)
    try:
        socket.connect(url, header=[f"{key}: {value}" for key, value in headers.iteritems()], subprotocols=[_PROTOCOL],
                       **_proxy_options(configuration))
    except WebSocketBadStatusException as error:
        raise api_failure(status=error.status_code, body=error.resp_body or b"", attempted=attempted) from error
    except (WebSocketException, OSError) as error:
        raise connection_failure(error, server=configuration.host, attempted=attempted) from error
    return socket


def _proxy_options(configuration: Configuration) -> dict[str, Any]:
    """The same proxy as plain requests take. The websocket library must be told of one, and that no host is excepted
    (or every host), for it to leave the environment's proxy variables alone, whose rules differ."""
    if not configuration.proxy or should_bypass_proxies(configuration.host, configuration.no_proxy or ""):
        return {"http_proxy_host": "unused.invalid", "http_proxy_port": 1, "http_no_proxy": ["*"]}
    proxy = urllib.parse.urlparse(configuration.proxy)
    options: dict[str, Any] = {"http_proxy_host": proxy.hostname, "http_proxy_port": proxy.port or 80,
                               "proxy_type": proxy.scheme if proxy.scheme.startswith("socks") else "http"}
    if proxy.username:
        options["http_proxy_auth"] = (urllib.parse.unquote(proxy.username), urllib.parse.unquote(proxy.password or ""))
    return {**options, "http_no_proxy": ["unused.invalid"]}


def _read_channels(
    socket: Any, *, deadline: Deadline, until: Callable[[Channels], bool] = lambda channels: False
) -> Channels:
    """What came on each channel until the server closed the stream; WebSocketTimeoutException at the deadline."""
    channels = {_STDOUT: bytearray(), _STDERR: bytearray(), _STATUS: bytearray()}
    while not until(channels):
        socket.settimeout(max(0.01, deadline.left))
        try:
            opcode, data = socket.recv_data(control_frame=True)
        except WebSocketConnectionClosedException:
            return channels
        if opcode == ABNF.OPCODE_CLOSE:
            return channels
        if opcode == ABNF.OPCODE_BINARY and data and data[0] in channels:
            channels[data[0]] += data[1:]
        if deadline.passed:
            raise WebSocketTimeoutException("deadline passed")
    return channels


def _text(channel: bytearray) -> str:
    return channel.decode("utf-8", "replace")


def _exit_code(status: bytes, *, attempted: str, server: str) -> int:
    if not status:
        raise errors.ConnectionFailed(f"cannot {attempted}: the connection to {server} was lost before its end")
    try:
        answer = json.loads(status)
    except ValueError as error:
        raise errors.ConnectionFailed(
            f"cannot {attempted}: the connection to {server} was lost within the exit status"
        ) from error
    if answer.get("status") == "Success":
        return 0
    for cause in (answer.get("details") or {}).get("causes") or []:
        if cause.get("reason") == "ExitCode":
            return int(cause["message"])
    raise api_failure(status=int(answer.get("code") or 500), body=status, attempted=attempted)
