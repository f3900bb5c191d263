"""Real reports against the published schemas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from fakes.cluster import Execution
from fakes.progress import Recorder
from fakes.sidecars import Sidecar
from fakes.workloads import container, workload
from oc_gsb.sidecar.inject import inject
from oc_gsb.sidecar.requests import InjectRequest, UninjectRequest, VerifyRequest
from oc_gsb.sidecar.results import Answer
from oc_gsb.sidecar.selection import Selection
from oc_gsb.sidecar.uninject import uninject
from oc_gsb.sidecar.verify import verify
from plugin_core.kube.cluster import DryRun, ExecResult
from plugin_core.render.reports import render
from unit.oc_gsb.sidecar.world import GRANT_DELETES, GRANT_WRITES, PATCH, make_world

SCHEMAS = Path(__file__).parents[4] / "docs" / "schemas"
ALL = Selection(everything=True)


def check(answer: Answer) -> dict[str, Any]:
    document = json.loads(render(answer.report, output="json", api_version="oc-gsb/v1"))
    schema = json.loads((SCHEMAS / f"oc-gsb-{document['kind'].lower()}.v1.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document, schema)
    assert document["items"]
    return dict(document)


@pytest.mark.parametrize("dry_run", list(DryRun))
def test_inject_and_uninject(dry_run: DryRun) -> None:
    cluster, _ = make_world(
        workload(), workload(name="plain", volumes=[], containers=[container()]), workload(name="held", paused=True),
        expect=[PATCH, *GRANT_WRITES, *GRANT_DELETES], dry_run=dry_run)
    document = check(inject(cluster, InjectRequest(ALL, timeout=5, try_image=False), progress=Recorder()))
    assert document["dryRun"] == dry_run.value
    check(uninject(cluster, UninjectRequest(ALL, timeout=5), progress=Recorder()))


def test_rolled_back() -> None:
    cluster, _ = make_world(workload(), expect=[PATCH, *GRANT_WRITES, *GRANT_DELETES])
    request = InjectRequest(ALL, image="broken:1", timeout=0.05, try_image=False)
    document = check(inject(cluster, request, progress=Recorder()))
    assert document["items"][0]["exitCode"] == 4


def test_verify() -> None:
    execs: dict[tuple[str, str], Execution] = {(f"web-2-{number}", "cat"): ExecResult(0, "", "") for number in (0, 1)}
    execs.update({(pod, word): Sidecar() for pod, _ in list(execs) for word in ("kopia", "bash")})
    cluster, _ = make_world(workload(), expect=[PATCH, *GRANT_WRITES], execs=execs)
    inject(cluster, InjectRequest(ALL, timeout=5, try_image=False), progress=Recorder())
    check(verify(cluster, VerifyRequest(ALL), progress=Recorder()))
