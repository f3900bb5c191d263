"""Kasten stand-in: what an installed Kasten K10 leaves in a cluster for the plugins to read.

So far its namespace and its configuration; no Kasten runs here, and every object is labelled as a stand-in's.
"""

import json

from sandbox.context import Context

NAMESPACE = "kasten-io"
CONFIG = "k10-config"
TOOLS_IMAGE = "sandbox.local/kanister-tools:1"
VERSION = "8.5.12-standin"
STANDS_IN = {"sandbox.rwx/stand-in": "kasten"}
NOTE = {"sandbox.rwx/note": "Made by the sandbox's Kasten stand-in; no Kasten is installed in this cluster."}


def install(context: Context) -> None:
    """Create the namespace and the ConfigMap that name the tools image and the version."""
    metadata = {"labels": STANDS_IN, "annotations": NOTE}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, **metadata}}
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": CONFIG, "namespace": NAMESPACE, **metadata},
        "data": {"KanisterToolsImage": TOOLS_IMAGE, "version": VERSION},
    }
    listed = {"apiVersion": "v1", "kind": "List", "items": [namespace, config]}
    context.run_kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=json.dumps(listed))
