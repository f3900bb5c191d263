"""What was asked for at the injection and is no longer so in the template. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from oc_gsb.sidecar.containers import CA_VOLUME, CACHE_VOLUME, sidecar_of
from oc_gsb.sidecar.images import image_of
from oc_gsb.sidecar.record import Record, options_of
from plugin_core.model.manifests import Manifest, part_of
from plugin_core.model.quantities import parse_amount
from plugin_core.workloads.templates import pod_spec_of


def no_longer_as_asked(workload: Manifest, record: Record) -> Iterator[str]:
    """One sentence a deviation from the flags in the record; none for a workload without its sidecar.

    The image is not looked at: upgrade changes it. Of a sidecar that was taken over, only what the flags asked for.
    """
    spec, options = pod_spec_of(workload), options_of(record, image=image_of(workload))
    sidecar = sidecar_of(spec)
    if sidecar is None:
        return
    have = {one.get("name"): one.get("value", "") for one in sidecar.get("env") or []}
    for name, value in options.env:
        if have.get(name) != value:
            yield f"its environment variable {name} is not as asked for with --env"
    secrets = {one.get("name") for one in spec.get("imagePullSecrets") or []}
    gone = [name for name in options.pull_secrets if name not in secrets]
    if gone:
        yield f"pull secret {', '.join(gone)} is not in the template any more"
    volumes = {volume.get("name"): volume for volume in spec.get("volumes") or []}
    if options.ca_configmap and part_of(volumes.get(CA_VOLUME, {}), "configMap", "name") != options.ca_configmap:
        yield f"ConfigMap {options.ca_configmap} of the private CA is not mounted any more"
    if record.adopted:
        return
    limit = part_of(volumes.get(CACHE_VOLUME, {}), "emptyDir", "sizeLimit")
    if not _same(limit, options.cache_size):
        yield f"kopia's cache is limited to {limit or 'nothing'}, asked for was {options.cache_size}"
    for part, values in options.resources.items():
        for key, value in values.items():
            found = part_of(sidecar, "resources", part, key)
            if not _same(found, value):
                yield f"its {key} {part.rstrip('s')} is {found or 'not set'}, asked for was {value}"


def _same(found: object, asked: str) -> bool:
    """Quantities are compared by what they amount to: the API server writes them as it likes."""
    return found is not None and parse_amount(str(found)) == parse_amount(asked)
