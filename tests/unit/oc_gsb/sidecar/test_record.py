from __future__ import annotations

import json

import pytest

from fakes.workloads import workload
from oc_gsb.sidecar.record import Record, has_record, read_record, record_text
from plugin_core.errors import NotReady
from plugin_core.model.manifests import Manifest
from plugin_core.names import INJECTION_RECORD

RECORD = Record(template={"spec": {"é": None}}, volumes=("a",), had_annotations=False, backup_annotation="x",
                required_scc=None, scc="s", pinned=True, replicas=3, removing=True, run="r")


def holding(text: str) -> Manifest:
    return workload(annotations={INJECTION_RECORD: text})


def test_round_trip() -> None:
    assert read_record(holding(record_text(RECORD))) == RECORD
    assert read_record(workload()) is None and not has_record(workload())


@pytest.mark.parametrize("text, words", [
    ("", "cannot be read"), ("[]", "cannot be read"), ("{}", "cannot be read"), ('{"version":1}', "cannot be read"),
    ('{"version":2}', "another version of oc-gsb"),
])
def test_what_cannot_be_relied_on(text: str, words: str) -> None:
    assert has_record(holding(text))
    with pytest.raises(NotReady, match=words):
        read_record(holding(text))


def test_a_changed_template_is_noticed() -> None:
    document = json.loads(record_text(RECORD))
    document["template"]["spec"]["more"] = 1
    with pytest.raises(NotReady, match="changed by hand"):
        read_record(holding(json.dumps(document)))
