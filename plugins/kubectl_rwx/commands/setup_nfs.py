"""kubectl rwx setup nfs, kubectl rwx setup class"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from kubectl_rwx.commands.setup_options import check_mode, setup_options
from plugin_core.cli.consent import make_consent
from plugin_core.cli.pods import helper_options
from plugin_core.cli.sessions import current_session

F = TypeVar("F", bound=Callable[..., Any])

_CLASS_FLAGS = (
    click.option("--share", metavar="PATH", default="/", show_default=True, help="What the server exports."),
    click.option("--name", metavar="NAME", default="nfs-csi", show_default=True, help="Name of the StorageClass."),
    click.option("--snapshot-class", metavar="NAME", default="", help="VolumeSnapshotClass; default: the same name."),
    click.option("--mount-option", "mount_options", metavar="OPTION", multiple=True, default=("nfsvers=4.1",),
                 show_default=True, help="How the share is mounted; may be repeated."),
)


def class_options(command: F) -> F:
    for option in reversed(_CLASS_FLAGS):
        command = option(command)
    return command


@click.command()
@click.option("--server", metavar="HOST", default="", help="The NFS server; not with --test-server.")
@class_options
@click.option("--chart", metavar="DIR|FILE|URL", default="", help="csi-driver-nfs's chart; default: upstream's.")
@click.option("--chart-version", metavar="VERSION", default="4.13.4", show_default=True, help="Of upstream's chart.")
@click.option("--values", "files", metavar="FILE", multiple=True, help="Values for helm; they win over setup's.")
@click.option("--helm", "executable", metavar="FILE", default="", help="The helm to use; default: the one on PATH.")
@click.option("--driver-namespace", metavar="NAME", default="kube-system", show_default=True, help="For the driver.")
@click.option("--controller-memory", metavar="SIZE", default="1Gi", show_default=True,
              help="Memory limit of the controller, which writes snapshots as tar archives.")
@click.option("--registry", metavar="HOST[/PATH]", default="", help="Where images are mirrored to.")
@click.option("--openshift/--no-openshift", default=None, help="With the grant of the privileged SCC; default: asked.")
@click.option("--test-server", is_flag=True, help="Deploy an NFS server for trials; it needs privileged pods.")
@click.option("--test-server-image", metavar="IMAGE", default="", help="Its image; it serves /exports.")
@click.option("--upgrade", is_flag=True, help="Upgrade a release of setup's that is older, or was changed.")
@setup_options("10m")
def nfs(server: str, executable: str, driver_namespace: str, openshift: bool | None, **rest: Any) -> None:
    """Install csi-driver-nfs with helm and make its classes: shared storage with snapshots on an NFS server.

    Its snapshots are tar archives of the live directory: not of one moment. Quiesce writers (kubectl rwx snapshot
    --quiesce), or keep finished backups on it only.

    \b
    Examples:
      kubectl rwx setup nfs --server nfs.example.com --share /exports/k8s
      kubectl rwx setup nfs --server 10.0.0.5 --share /k8s --chart ./csi-driver-nfs --registry registry.example.com
      kubectl rwx setup nfs --test-server -n trials
      kubectl rwx setup nfs --server nfs.example.com --share /exports/k8s --render > nfs.yaml
    """
    from kubectl_rwx.commands.setup_runs import Answering, nfs_request
    from kubectl_rwx.installation.drivers import render_driver
    from kubectl_rwx.installation.helm import Helm, find_helm
    from kubectl_rwx.installation.nfs import rendered, set_up_nfs
    from kubectl_rwx.installation.nfs_removals import remove_nfs
    from kubectl_rwx.installation.privileges import has_sccs
    from plugin_core.model.durations import Deadline

    check_mode(rest)
    session = current_session()
    helm = Helm(find_helm(executable), session.options(), namespace=driver_namespace,
                deadline=Deadline.after(rest["timeout"]))
    with Answering(session, rest) as answering:
        if rest["uninstall"]:
            answering.removed(remove_nfs(
                session.connect(), helm, namespace=driver_namespace, timeout=rest["timeout"],
                progress=answering.progress, consent=make_consent(yes=rest["yes"] or session.dry_run.on),
            ))
            return
        # rendering for a cluster that is told about needs none
        cluster = None if rest["render"] and openshift is not None and not rest["test_server"] else session.connect()
        request = nfs_request(server, driver_namespace, openshift, rest, namespace=cluster.namespace if cluster else "")
        if rest["render"]:
            sccs = has_sccs(cluster) if cluster and openshift is None else bool(openshift)
            answering.rendered(rendered(request, render_driver(helm, request.driver), sccs=sccs))
            return
        assert cluster
        installation = set_up_nfs(cluster, helm, request, answering.progress)
        answering.installed(cluster, installation, storage_class=request.classes.name, pods=helper_options(rest))


@click.command("class")
@click.option("--server", metavar="HOST", default="", help="The NFS server.")
@class_options
@setup_options("2m")
def class_command(server: str, **rest: Any) -> None:
    """Make the StorageClass and VolumeSnapshotClass for csi-driver-nfs that is there already.

    \b
    Examples:
      kubectl rwx setup class --server nfs.example.com --share /exports/k8s
      kubectl rwx setup class --server nfs.example.com --share /exports/dba --name nfs-dba
      kubectl rwx setup class --uninstall --name nfs-dba
    """
    from kubectl_rwx.commands.setup_runs import Answering, class_request
    from kubectl_rwx.installation.nfs import rendered_classes, set_up_classes
    from kubectl_rwx.installation.nfs_removals import remove_classes

    check_mode(rest)
    session = current_session()
    with Answering(session, rest) as answering:
        if rest["uninstall"]:
            answering.removed(remove_classes(
                session.connect(), chosen=[rest["name"], rest["snapshot_class"] or rest["name"]],
                timeout=rest["timeout"], progress=answering.progress,
                consent=make_consent(yes=rest["yes"] or session.dry_run.on),
            ))
            return
        request = class_request(server, rest)
        if rest["render"]:
            answering.rendered(rendered_classes(request))
            return
        cluster = session.connect()
        installation = set_up_classes(cluster, request, answering.progress, timeout=rest["timeout"])
        answering.installed(cluster, installation, storage_class=request.name, pods=helper_options(rest))
