"""The marks that GitOps controllers leave on what they keep in step with Git.

Sources: the docs of Argo CD (resource tracking) and of Flux (kustomize and helm controllers).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class GitOpsMark:
    """key: of an annotation or label. who: the controller. unit: what it calls the thing that the value names."""

    key: str
    who: str
    unit: str


GITOPS_MARKS = (
    GitOpsMark("argocd.argoproj.io/tracking-id", "Argo CD", "application"),
    GitOpsMark("argocd.argoproj.io/instance", "Argo CD", "application"),
    GitOpsMark("kustomize.toolkit.fluxcd.io/name", "Flux", "Kustomization"),
    GitOpsMark("helm.toolkit.fluxcd.io/name", "Flux", "HelmRelease"),
)

GITOPS_WRITERS = {
    "argocd-controller": "Argo CD", "argocd-application-controller": "Argo CD", "kustomize-controller": "Flux",
    "helm-controller": "Flux",
}
"""Field manager → the controller that writes under this name."""
