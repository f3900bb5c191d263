"""Location profiles: which one holds the backups, whether it can, and what to know about it."""

from __future__ import annotations

from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.kinds import PROFILE
from plugin_core.model.manifests import Manifest, name_of, part_of

SUCCESS = "Success"


def choose_profile(cluster: Cluster, *, name: str, namespace: str) -> Manifest:
    """The named profile, or the only one that fits. Raises NotReady when it cannot serve, UsageError when several fit.
    """
    if name:
        try:
            profile = cluster.get(PROFILE, name, namespace=namespace)
        except errors.NotFound as error:
            raise errors.NotFound(f"there is no profile {name} in namespace {namespace}", status=404,
                                  hint=_listing(namespace)) from error
        problem = profile_problem(profile)
        if problem:
            raise errors.NotReady(f"profile {name} cannot be used: {problem}", hint=f"{_listing(namespace)} -o yaml")
        return profile
    profiles = cluster.list_all(PROFILE, namespace=namespace).items
    fitting = [one for one in profiles if not profile_problem(one)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        names = ", ".join(sorted(name_of(one) for one in fitting))
        raise errors.UsageError(f"several location profiles could be used: {names}",
                                hint="choose one with --profile NAME")
    reasons = "; ".join(f"{name_of(one)}: {profile_problem(one)}" for one in profiles) or "there is none at all"
    raise errors.NotReady(
        f"no location profile in namespace {namespace} can be used ({reasons}); GSB needs one, for the backup itself "
        "and for the export", hint="make one in Kasten's dashboard (Profiles, Location), then try again")


def _listing(namespace: str) -> str:
    return f"kubectl -n {namespace} get profiles.config.kio.kasten.io"


def profile_problem(profile: Manifest) -> str:
    """Why it cannot hold GSB data; "" when it can."""
    kind = part_of(profile, "spec", "type")
    if kind != "Location":
        return f"it is of type {kind}; Kanister operations need a Location profile"
    if part_of(profile, "spec", "locationSpec", "type") == "VeeamRepository":
        return "a Veeam repository cannot hold restore points"
    validation = part_of(profile, "status", "validation")
    if validation != SUCCESS:
        return f"its validation is {validation or 'not done yet'}{_words(profile)}"
    return ""


def profile_warning(profile: Manifest) -> str:
    """What is no obstacle but ought to be known: object lock without its effect; "" when there is nothing."""
    period = part_of(profile, "spec", "locationSpec", "objectStore", "protectionPeriod")
    if not period:
        return ""
    return (f"profile {name_of(profile)} is immutable (protection period {period}): for GSB the period is ignored, the "
            "backups are not protected by it, and object lock only keeps deleted data's space longer")


def _words(manifest: Manifest) -> str:
    said = validation_words(manifest)
    return f": {said}" if said else ""


def validation_words(manifest: Manifest) -> str:
    """What Kasten says about a failed validation; "" when nothing. Its field is a list of words."""
    found = part_of(manifest, "status", "error")
    return "; ".join(str(one) for one in found) if isinstance(found, list) else str(found or "")
