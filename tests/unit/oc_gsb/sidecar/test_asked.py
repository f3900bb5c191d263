from __future__ import annotations

from collections.abc import Callable

import pytest

from fakes.workloads import workload
from oc_gsb.sidecar.asked import no_longer_as_asked
from oc_gsb.sidecar.containers import SidecarOptions
from oc_gsb.sidecar.record import read_record
from oc_gsb.sidecar.template import add_sidecar
from plugin_core.model.manifests import Manifest

OPTIONS = SidecarOptions(image="tools:1", env=(("A", "b"),), pull_secrets=("pull",), ca_configmap="ca",
                         cache_size="1Gi", memory_limit="1Gi")


def deviations(change: Callable[[Manifest], object], options: SidecarOptions = OPTIONS) -> list[str]:
    made = add_sidecar(workload(), options=options)
    record = read_record(made)
    assert record is not None
    change(made["spec"]["template"]["spec"])
    return list(no_longer_as_asked(made, record))


@pytest.mark.parametrize("change, words", [
    (lambda spec: None, []),
    (lambda spec: spec["containers"][1].update(image="tools:2"), []),
    (lambda spec: spec["containers"][1]["resources"]["limits"].update(memory="1024Mi"), []),
    (lambda spec: spec["containers"].pop(), []),
    (lambda spec: spec["containers"][1].pop("env"), ["its environment variable A is not as asked for with --env"]),
    (lambda spec: spec.pop("imagePullSecrets"), ["pull secret pull is not in the template any more"]),
    (lambda spec: spec["volumes"].pop(), ["ConfigMap ca of the private CA is not mounted any more"]),
    (lambda spec: spec["volumes"][1].update(emptyDir={}), ["kopia's cache is limited to nothing, asked for was 1Gi"]),
    (lambda spec: spec["containers"][1]["resources"].pop("limits"),
     ["its memory limit is not set, asked for was 1Gi"]),
    (lambda spec: spec["containers"][1]["resources"]["requests"].update(cpu="1"),
     ["its cpu request is 1, asked for was 100m"]),
])
def test_deviations(change: Callable[[Manifest], object], words: list[str]) -> None:
    assert deviations(change) == words


def test_without_flags_the_defaults_were_asked_for() -> None:
    assert deviations(lambda spec: None, SidecarOptions(image="tools:1")) == []
