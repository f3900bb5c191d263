"""kubectl rwx feature-gates"""

from __future__ import annotations

import click

from plugin_core.cli.options import output_option, shared_options
from plugin_core.cli.sessions import current_session

_TOOLS = ("kubeadm", "kubespray", "kops", "openshift")


@click.command("feature-gates")
@click.option("--recipe", type=click.Choice(_TOOLS), metavar="|".join(_TOOLS), default=None,
              help="Show how this tool enables what is off; default: the one that fits, or all.")
@output_option
@shared_options
def feature_gates(recipe: str | None) -> None:
    """Are the gates on that restores (VolumeSnapshotDataSource) and clones (VolumePVCDataSource) once needed?

    Says what the server's version means for them, and what the metric kubernetes_feature_enabled, the arguments of
    kube-apiserver pods and OpenShift's FeatureGate show. Exit code 3 when one is off, with the recipe that enables it.

    \b
    Examples:
      kubectl rwx feature-gates
      kubectl rwx feature-gates --recipe kubeadm
      kubectl rwx feature-gates -o json
    """
    from kubectl_rwx.readiness.feature_gates import GateRequest, look_at_gates

    session = current_session()
    cluster = session.connect()
    with session.progress() as progress:
        answer = look_at_gates(cluster, GateRequest(recipe=recipe or ""), progress)
    session.show(answer.report)
    if answer.failure:
        raise answer.failure
