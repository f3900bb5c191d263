"""Volume types under an SCC.

Source: openshift/apiserver-library-go pkg/securitycontextconstraints/{sccmatching,util}.
"""

from collections.abc import Iterator

from oc_gsb.scc.violations import Object, Violation

ANY = "*"
# where the SCC's word for a volume type differs from the pod's field
RENAMED = {"cephfs": "cephFS", "storageos": "storageOS", "vsphereVolume": "vsphere"}
TOKEN_CONFIGMAPS = {"kube-root-ca.crt": "ca.crt", "openshift-service-ca.crt": "service-ca.crt"}


def volume_type(volume: Object) -> str:
    """The SCC's word for the type of a pod's volume; a volume without a source is an emptyDir, as the API has it."""
    sources = [key for key, value in volume.items() if key != "name" and value is not None]
    return RENAMED.get(sources[0], sources[0]) if sources else "emptyDir"


def allows_volume_type(scc: Object, kind: str) -> bool:
    """Whether the SCC's list names ``kind`` or everything; a null list allows nothing."""
    allowed = scc.get("volumes") or ()
    return ANY in allowed or kind in allowed


def check_volumes(scc: Object, pod: Object) -> Iterator[Violation]:
    """Every volume of the pod, in order; flexVolume drivers too when the SCC lists some."""
    volumes = pod["spec"].get("volumes") or []
    for index, volume in enumerate(volumes):
        kind = volume_type(volume)
        if allows_volume_type(scc, kind) or _is_allowed_token(scc, kind, volume):
            continue
        message = f"{kind} volumes are not allowed to be used"
        yield Violation("volumes", f"spec.volumes[{index}]", kind, message, scoped=False)
    drivers = {flex["driver"] for flex in scc.get("allowedFlexVolumes") or ()}
    if not drivers or not allows_volume_type(scc, "flexVolume"):
        return
    for index, volume in enumerate(volumes):
        if volume.get("flexVolume") and volume["flexVolume"].get("driver") not in drivers:
            path = f"spec.securityContext.volumes[{index}].driver"
            driver = volume["flexVolume"].get("driver", "")
            yield Violation("volumes", path, driver, "Flexvolume driver is not allowed to be used")


def _is_allowed_token(scc: Object, kind: str, volume: Object) -> bool:
    """Whoever may mount secrets may mount the projected service account token."""
    if kind != "projected" or "secret" not in (scc.get("volumes") or ()):
        return False
    return all(_is_token_source(source) for source in volume["projected"].get("sources") or ())


def _is_token_source(source: Object) -> bool:
    if not any(source.get(key) is not None for key in ("serviceAccountToken", "configMap", "downwardAPI")):
        return False
    token = source.get("serviceAccountToken")
    if token is not None and (token.get("path") != "token" or token.get("audience")):
        return False
    config = source.get("configMap")
    if config is not None:
        key = TOKEN_CONFIGMAPS.get(config.get("name", ""))
        items = [(item.get("key"), item.get("path")) for item in config.get("items") or ()]
        if key is None or items != [(key, key)]:
            return False
    for item in (source.get("downwardAPI") or {}).get("items") or ():
        field = item.get("fieldRef") or {}
        shown = (item.get("path"), field.get("apiVersion", "v1"), field.get("fieldPath"))
        if shown != ("namespace", "v1", "metadata.namespace"):
            return False
    return True
