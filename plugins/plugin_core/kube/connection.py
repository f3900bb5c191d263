"""From kubectl's connection flags to a Cluster. Importing this loads no client; connect() does."""

from __future__ import annotations

import atexit
import io
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plugin_core import errors, names
from plugin_core.kube.cluster import Cluster, DryRun

if TYPE_CHECKING:
    from kubernetes.client import Configuration

_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True)
class ConnectionOptions:
    """kubectl's flags of the same names; "" and () mean not given. request_timeout: seconds, 0 for the default."""

    kubeconfig: str = ""
    context: str = ""
    cluster: str = ""
    user: str = ""
    namespace: str = ""
    as_user: str = ""
    as_groups: tuple[str, ...] = ()
    request_timeout: float = 0.0
    insecure_skip_tls_verify: bool = False


def connect(options: ConnectionOptions, *, dry_run: DryRun = DryRun.NONE, field_manager: str = names.RWX) -> Cluster:
    """A connection from --kubeconfig, else every file in KUBECONFIG, else ~/.kube/config, else from inside the cluster.

    Nothing is asked of the server yet. Raises KubeconfigError, and UsageError for flags that contradict each other.
    """
    from kubernetes.client import ApiClient, Configuration

    from plugin_core.kube.live import LiveCluster

    configuration = Configuration()
    configuration.connection_pool_maxsize = 32
    files = _kubeconfig_files(options)
    if files:
        namespace = _load_kubeconfig(files, options, configuration)
    elif "KUBERNETES_SERVICE_HOST" in os.environ:
        namespace = _load_in_cluster(configuration)
    else:
        raise errors.KubeconfigError(
            "there is no kubeconfig and this is not a pod",
            hint="name one with --kubeconfig or the environment variable KUBECONFIG",
        )
    if options.insecure_skip_tls_verify:
        configuration.verify_ssl = False
        configuration.ssl_ca_cert = None
    if not configuration.verify_ssl:
        import urllib3

        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    client = ApiClient(configuration)
    client.user_agent = field_manager
    if options.as_groups and not options.as_user:
        raise errors.UsageError("--as-group needs --as")
    impersonation = [("Impersonate-User", options.as_user)] if options.as_user else []
    impersonation += [("Impersonate-Group", group) for group in options.as_groups]
    return LiveCluster(
        client, namespace=options.namespace or namespace or "default", dry_run=dry_run, field_manager=field_manager,
        request_timeout=options.request_timeout or 30.0, impersonation=impersonation,
    )


def _kubeconfig_files(options: ConnectionOptions) -> list[str]:
    if options.kubeconfig:
        if not Path(options.kubeconfig).is_file():
            raise errors.KubeconfigError(f"there is no file {options.kubeconfig}", hint="check --kubeconfig")
        return [options.kubeconfig]
    if os.environ.get("KUBECONFIG"):
        named = [name for name in os.environ["KUBECONFIG"].split(os.pathsep) if name]
        found = [name for name in named if Path(name).is_file()]
        if not found:
            raise errors.KubeconfigError(
                f"no file named in KUBECONFIG exists: {os.environ['KUBECONFIG']}", hint="check KUBECONFIG"
            )
        return found
    home = Path.home() / ".kube" / "config"
    return [str(home)] if home.is_file() else []


def _load_kubeconfig(files: list[str], options: ConnectionOptions, configuration: Configuration) -> str:
    """Fills configuration; returns the context's namespace, "" when it names none."""
    from kubernetes.config import ConfigException
    from kubernetes.config.kube_config import KubeConfigLoader, KubeConfigMerger

    where = ", ".join(files)
    secrets = tempfile.mkdtemp(prefix="plugin-core-")
    atexit.register(shutil.rmtree, secrets, ignore_errors=True)
    try:
        config = KubeConfigMerger(os.pathsep.join(files)).config
        if config is None or not config.value:
            raise errors.KubeconfigError(f"the kubeconfig {where} is empty")
        chosen = options.context or config.safe_get("current-context")
        if not chosen and not options.cluster:
            raise errors.KubeconfigError(
                f"the kubeconfig {where} has no current context", hint="choose one with --context"
            )
        loader = KubeConfigLoader(config_dict=config, active_context=chosen or None, temp_file_path=secrets)
        if options.cluster:
            loader._cluster = config["clusters"].get_with_name(options.cluster)["cluster"]
        if options.user:
            loader._user = config["users"].get_with_name(options.user)["user"]
        with _captured_log() as complaints:
            loader.load_and_set(configuration)
    except errors.PluginError:
        raise
    except ConfigException as error:
        raise errors.KubeconfigError(
            f"the kubeconfig {where} cannot be used: {error}",
            hint="see what it holds with: kubectl config get-contexts",
        ) from error
    except Exception as error:  # house: a broken file makes the loader raise anything from KeyError to YAMLError
        raise errors.KubeconfigError(
            f"the kubeconfig {where} cannot be read: {type(error).__name__}", hint="check it with: kubectl config view"
        ) from error
    plugin = loader._user and "exec" in loader._user
    if plugin and not (configuration.api_key.get("BearerToken") or configuration.cert_file):
        raise errors.KubeconfigError(
            f"the credential plugin of the kubeconfig {where} gave no credentials: {complaints.getvalue().strip()}",
            hint="run its command by hand, or log in again",
        )
    current: Any = loader._current_context
    return str(current["context"].safe_get("namespace") or "") if chosen else ""


@contextmanager
def _captured_log() -> Iterator[io.StringIO]:
    """The client logs what goes wrong with credential plugins to the root logger and carries on; keep its words."""
    words = io.StringIO()
    handler = logging.StreamHandler(words)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield words
    finally:
        root.removeHandler(handler)


def _load_in_cluster(configuration: Any) -> str:
    from kubernetes.config import ConfigException, load_incluster_config

    try:
        load_incluster_config(client_configuration=configuration)
    except ConfigException as error:
        raise errors.KubeconfigError(f"this pod has no usable service account: {error}") from error
    namespace = _SERVICE_ACCOUNT / "namespace"
    return namespace.read_text().strip() if namespace.is_file() else ""
