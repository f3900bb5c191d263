"""From kubectl's connection flags to a Cluster. Importing this loads no client; connect() does."""

from __future__ import annotations

import atexit
import binascii
import io
import ipaddress
import logging
import os
import shutil
import sys
import tempfile
import urllib.parse
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plugin_core import errors, names
from plugin_core.kube.cluster import Cluster, DryRun
from plugin_core.kube.kubeconfig import CHOSEN, Config, read_kubeconfigs, select
from plugin_core.kube.light_import import import_client

if TYPE_CHECKING:
    from kubernetes.client import ApiClient, Configuration

_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
Headers = tuple[tuple[str, str], ...]


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
    import_client()
    from kubernetes.client import Configuration

    from plugin_core.kube.authorities import authorities_to_name
    from plugin_core.kube.live import LiveCluster
    from plugin_core.kube.transport import Transport

    configuration = Configuration()
    configuration.connection_pool_maxsize = 32
    files = _kubeconfig_files(options)
    user: Config = {}
    if files:
        namespace, user = _load_kubeconfig(files, options, configuration)
    elif "KUBERNETES_SERVICE_HOST" in os.environ:
        namespace = _load_in_cluster(configuration)
    else:
        raise errors.KubeconfigError(
            "there is no kubeconfig and this is not a pod",
            hint="name one with --kubeconfig or the environment variable KUBECONFIG",
        )
    if options.insecure_skip_tls_verify:
        configuration.verify_ssl = False
    if not configuration.verify_ssl:
        import urllib3

        configuration.ssl_ca_cert = None
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    elif not configuration.ssl_ca_cert and configuration.host.startswith("https"):
        configuration.ssl_ca_cert = authorities_to_name()
    client = _client(configuration)
    client.user_agent = field_manager
    transport = Transport(
        client, request_timeout=options.request_timeout or 30.0, impersonation=_impersonation(options, user)
    )
    return LiveCluster(
        transport, namespace=options.namespace or namespace or "default", dry_run=dry_run, field_manager=field_manager
    )


def kubeconfig_names(options: ConnectionOptions, section: str) -> list[str]:
    """The names in one section of the kubeconfigs that connect() would read: "clusters", "contexts" or "users"."""
    files = _kubeconfig_files(options)
    return list(read_kubeconfigs(files)[section]) if files else []


def _kubeconfig_files(options: ConnectionOptions) -> list[str]:
    """Whatever is there counts (kubectl reads pipes too); what cannot be read is told when it is read.

    os.path.exists, because Path.exists raises for a home that is not ours, as pods with a random uid have it.
    """
    if options.kubeconfig:
        return [options.kubeconfig]
    if os.environ.get("KUBECONFIG"):
        named = [name for name in os.environ["KUBECONFIG"].split(os.pathsep) if name]
        found = [name for name in named if os.path.exists(name)]
        if not found:
            raise errors.KubeconfigError(
                f"no file named in KUBECONFIG exists: {os.environ['KUBECONFIG']}", hint="check KUBECONFIG"
            )
        return found
    home = str(Path.home() / ".kube" / "config")
    return [home] if os.path.exists(home) else []


def _load_kubeconfig(
    files: list[str], options: ConnectionOptions, configuration: Configuration
) -> tuple[str, Config]:
    """Fills configuration; returns the context's namespace ("" when it names none) and the user's entry."""
    from kubernetes.config import ConfigException
    from kubernetes.config.kube_config import KubeConfigLoader

    merged = read_kubeconfigs(files)
    single, context = select(merged, context=options.context, cluster=options.cluster, user=options.user)
    where, user, server = merged["where"], single["users"][0]["user"], single["clusters"][0]["cluster"]
    secrets = tempfile.mkdtemp(prefix="plugin-core-")
    atexit.register(shutil.rmtree, secrets, ignore_errors=True)
    try:
        _give_back_library_path()
        loader = KubeConfigLoader(config_dict=single, active_context=CHOSEN, temp_file_path=secrets)
        with _captured_log() as complaints:
            loader.load_and_set(configuration)
    except ConfigException as error:
        raise errors.KubeconfigError(
            f"the kubeconfig {where} cannot be used: {error}", hint="look at it with: kubectl config view"
        ) from error
    except binascii.Error as error:
        raise errors.KubeconfigError(
            f"the kubeconfig {where} cannot be used: its certificate or key data is not base64: {error}",
            hint="copy the file anew; lines may have been cut",
        ) from error
    except Exception as error:  # house: a broken entry makes the loader raise anything; its words may quote a secret
        raise errors.KubeconfigError(
            f"the kubeconfig {where} cannot be used ({type(error).__name__})", hint="check it with: kubectl config view"
        ) from error
    if "exec" in user and not (configuration.api_key.get("BearerToken") or configuration.cert_file):
        plugin = user["exec"] if isinstance(user["exec"], dict) else {}
        said = complaints.getvalue().strip() or "it said nothing"
        raise errors.KubeconfigError(
            f"the credential plugin {plugin.get('command', '')} of the kubeconfig {where} gave no credentials: {said}",
            hint=str(plugin.get("installHint") or "run its command by hand, or log in again").strip(),
        )
    _choose_proxy(server, configuration)
    return str(context.get("namespace") or ""), user


def _choose_proxy(server: Config, configuration: Configuration) -> None:
    """As kubectl: proxy-url has no exceptions; the environment's proxy is not for this very machine."""
    if server.get("proxy-url"):
        configuration.no_proxy = ""
        return
    host = urllib.parse.urlparse(configuration.host).hostname or ""
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    if loopback:
        configuration.proxy = None


def _give_back_library_path() -> None:
    """A frozen executable runs with its own libraries first; credential plugins and helm must not."""
    if not getattr(sys, "frozen", False):
        return
    for variable in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LIBPATH"):
        original = os.environ.pop(f"{variable}_ORIG", None)
        os.environ.pop(variable, None)
        if original is not None:
            os.environ[variable] = original


def _impersonation(options: ConnectionOptions, user: Config) -> Headers:
    """--as and --as-group, else what the kubeconfig's user entry asks for."""
    who = options.as_user or str(user.get("as") or "")
    groups = options.as_groups or (() if options.as_user else tuple(user.get("as-groups") or ()))
    if groups and not who:
        raise errors.UsageError("--as-group needs --as", hint="say who, e.g. --as=system:serviceaccount:NAMESPACE:NAME")
    headers = [("Impersonate-User", who)] if who else []
    headers += [("Impersonate-Group", str(group)) for group in groups]
    if who and not options.as_user:
        if user.get("as-uid"):
            headers.append(("Impersonate-Uid", str(user["as-uid"])))
        for key, values in (user.get("as-user-extra") or {}).items():
            headers += [(f"Impersonate-Extra-{urllib.parse.quote(str(key), safe='')}", str(value)) for value in values]
    return tuple(headers)


def _client(configuration: Configuration) -> ApiClient:
    import urllib3
    from kubernetes.client import ApiClient

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ApiClient(configuration)
    except (urllib3.exceptions.HTTPError, ValueError, ImportError) as error:
        shown = urllib.parse.urlparse(configuration.proxy or "")._replace(fragment="").hostname or "in use"
        raise errors.KubeconfigError(
            f"the proxy {shown} cannot be used: {error}",
            hint="give proxy-url, or HTTPS_PROXY, as http://HOST:PORT or https://HOST:PORT",
        ) from error


@contextmanager
def _captured_log() -> Iterator[io.StringIO]:
    """The client logs what goes wrong with credential plugins to the root logger and carries on; keep its words."""
    words = io.StringIO()
    handler = logging.StreamHandler(words)
    root = logging.getLogger()
    kept, root.handlers = root.handlers, [handler]
    try:
        yield words
    finally:
        root.handlers = kept


def _load_in_cluster(configuration: Any) -> str:
    from kubernetes.config import ConfigException, load_incluster_config

    try:
        load_incluster_config(client_configuration=configuration)
    except ConfigException as error:
        raise errors.KubeconfigError(f"this pod has no usable service account: {error}") from error
    namespace = _SERVICE_ACCOUNT / "namespace"
    return namespace.read_text().strip() if namespace.is_file() else ""
