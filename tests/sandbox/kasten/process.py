"""``python -m sandbox.kasten.process``: the one process that plays Kasten."""

import argparse
import logging
import ssl
import threading
import time
from pathlib import Path

import urllib3
from kubernetes.client.rest import ApiException

from sandbox.kasten.admission import admit
from sandbox.kasten.cluster import Cluster
from sandbox.kasten.executor import Executor, abort_unfinished
from sandbox.kasten.kinds import NAMESPACE
from sandbox.kasten.objects import AGGREGATED
from sandbox.kasten.operator import POLICIES, PROFILES, follow_k10, follow_validation
from sandbox.kasten.server import Endpoint, make_handler
from sandbox.kasten.store import Store
from sandbox.openshift.api import Api

LOG = logging.getLogger(__name__)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("port", "certificate", "key", "folder", "state-dir", "kubectl"):
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.certificate, options.key)
    api, folder = Api(), Path(options.folder)
    cluster = Cluster(api, kubectl=options.kubectl, state_dir=Path(options.state_dir))
    store = Store(folder / "objects")
    abort_unfinished(store)
    executor = Executor(store, cluster, folder)
    handler = make_handler(
        store, admit=lambda kind, item, namespace: admit(store, cluster, kind, item, namespace),
        created=executor.created, deleted=executor.deleted, details=executor.details,
    )
    for work in (lambda: follow_k10(api), lambda: follow_validation(api, POLICIES),
                 lambda: follow_validation(api, PROFILES)):
        threading.Thread(target=work, daemon=True).start()
    endpoint = Endpoint(int(options.port), context, handler)
    endpoint.set_open(True)
    _follow_deployment(api, endpoint)


def _follow_deployment(api: Api, endpoint: Endpoint) -> None:
    """For ever: the API answers while its Deployment has an available pod; before it first had one, too."""
    seen = False
    path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{AGGREGATED}"
    while True:
        try:
            available = bool(api.call("GET", path).get("status", {}).get("availableReplicas"))
            seen = seen or available
            endpoint.set_open(available or not seen)
        except ApiException as error:
            if error.status != 404:
                LOG.warning("reading %s: %s", path, error.status)
        except (OSError, urllib3.exceptions.HTTPError) as error:
            LOG.warning("reading %s: %s", path, error)
        time.sleep(0.3)


if __name__ == "__main__":
    main()
