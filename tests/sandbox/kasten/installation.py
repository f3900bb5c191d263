"""Put the Kasten stand-in into a running sandbox."""

import base64
import json

from sandbox.context import Context
from sandbox.kasten.definitions import DEFINITIONS
from sandbox.kasten.kinds import ACTIONS, APPS, NAMESPACE, VERSION
from sandbox.kasten.objects import (
    AGGREGATED,
    CONFIG,
    K10_VERSION,
    TOOLS_IMAGE,
    Manifest,
    installed,
    metadata,
    registrations,
)
from sandbox.waiting import answers_https, wait_until


def install(context: Context) -> None:
    """Kinds, namespace, configuration, the process that plays Kasten; returns when its APIs are available."""
    _apply(context, *DEFINITIONS, _named("Namespace", NAMESPACE, namespace=""),
           {**_named("ConfigMap", CONFIG), "data": {"KanisterToolsImage": TOOLS_IMAGE, "version": K10_VERSION}})
    names = [f"crd/{definition['metadata']['name']}" for definition in DEFINITIONS]
    context.run_kubectl("wait", "--for=condition=Established", "--timeout=60s", *names)
    port = context.free_port("kasten-aggregatedapis")
    files = context.ca.issue_server(f"{AGGREGATED}.{NAMESPACE}.svc")
    folder = context.state_dir / "kasten"
    folder.mkdir(exist_ok=True)
    options = [f"--port={port}", f"--certificate={files.certificate}", f"--key={files.key}", f"--folder={folder}",
               f"--state-dir={context.state_dir}", f"--kubectl={context.kubectl}"]
    context.start_process(
        "kasten-stand-in", [str(context.python), "-m", "sandbox.kasten.process", *options],
        ready=lambda: answers_https(f"https://127.0.0.1:{port}/apis/{ACTIONS}/{VERSION}", files.ca_bundle),
    )
    _apply(context, *installed(), *registrations(port, base64.b64encode(files.ca_bundle.read_bytes()).decode()))
    wait_until(lambda: _available(context), what="Kasten's aggregated API being available")


def _named(kind: str, name: str, *, namespace: str = NAMESPACE) -> Manifest:
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata(name, namespace=namespace)}


def _apply(context: Context, *objects: Manifest) -> None:
    listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
    context.run_kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=json.dumps(listed))


def _available(context: Context) -> bool:
    services = [f"apiservice/{VERSION}.{group}" for group in (ACTIONS, APPS)]
    path = '-o=jsonpath={.items[*].status.conditions[?(@.type=="Available")].status}'
    return context.run_kubectl("get", *services, path).split() == ["True", "True"]
