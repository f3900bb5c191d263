"""From the flags of `setup` to requests, and from what was done to the answer: the same for each of its commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

import click

from kubectl_rwx.installation.classes import ClassRequest
from kubectl_rwx.installation.drivers import REPOSITORY, DriverRequest
from kubectl_rwx.installation.images import TRIAL_SERVER
from kubectl_rwx.installation.nfs import NfsRequest
from kubectl_rwx.installation.proofs import finish
from kubectl_rwx.installation.reports import setup_report
from kubectl_rwx.installation.snapshots import Installation
from kubectl_rwx.installation.trial_servers import TrialServer
from kubectl_rwx.readiness.images import mirrored
from plugin_core.cli.sessions import Session
from plugin_core.errors import PluginError, UsageError
from plugin_core.kube.cluster import Cluster
from plugin_core.model.manifests import Manifest
from plugin_core.render.manifests import yaml_documents
from plugin_core.workloads.helper_pods import HelperOptions


class Answering:
    """The progress of a run, and its answer, which is shown when the progress is over."""

    def __init__(self, session: Session, values: Mapping[str, Any]) -> None:
        self._session, self._values = session, values
        self._context = session.progress()
        self._failure: PluginError | None = None

    def __enter__(self) -> Answering:
        self.progress = self._context.__enter__()
        self._answer: Any = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._context.__exit__(kind, error, trace)
        if kind is None and self._answer is not None:
            self._session.show(self._answer)
        if kind is None and self._failure:
            raise self._failure

    def rendered(self, manifests: Sequence[Manifest]) -> None:
        """stdout carries the YAML alone."""
        click.echo(yaml_documents(((), item) for item in manifests), nl=False)

    def removed(self, installation: Installation) -> None:
        self._answer = setup_report(installation, dry_run=self._session.dry_run.suffix)

    def installed(
        self, cluster: Cluster, installation: Installation, *, storage_class: str, pods: HelperOptions
    ) -> None:
        """storage_class: what to prove it with; "" takes the surest one."""
        values = self._values
        answer = finish(
            cluster, installation, storage_class=storage_class, pods=pods,
            wanted=not (values["no_verify"] or values["no_wait"]), timeout=values["timeout"], progress=self.progress,
        )
        self._answer, self._failure = answer.report, answer.failure


def class_request(server: str, values: Mapping[str, Any]) -> ClassRequest:
    """Raises UsageError without --server."""
    if not server:
        raise UsageError("which NFS server?", hint="--server HOST --share PATH")
    return ClassRequest(server=server, share=values["share"], name=values["name"],
                        snapshot_class=values["snapshot_class"], mount_options=tuple(values["mount_options"]))


def nfs_request(
    server: str, driver_namespace: str, openshift: bool | None, values: Mapping[str, Any], *, namespace: str
) -> NfsRequest:
    """namespace: of the session, for the server for trials."""
    registry = values["registry"]
    image = values["test_server_image"] or (mirrored(TRIAL_SERVER, registry=registry) if registry else TRIAL_SERVER)
    trial = TrialServer(namespace, image) if values["test_server"] else None
    if trial and server:
        raise UsageError("either --server or --test-server, not both")
    if values["test_server_image"] and not trial:
        raise UsageError("--test-server-image goes with --test-server")
    return NfsRequest(
        classes=class_request(trial.address if trial else server, values),
        driver=DriverRequest(
            namespace=driver_namespace, chart=values["chart"] or REPOSITORY, version=values["chart_version"],
            registry=registry, memory=values["controller_memory"], files=tuple(values["files"]),
            upgrade=values["upgrade"],
        ),
        server=trial, openshift=openshift, wait=not values["no_wait"], timeout=values["timeout"],
    )
