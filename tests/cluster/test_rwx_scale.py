"""300 claims in one run, on a sandbox of its own because everything else would notice."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.kubectl import Kubectl
from cluster.manifests import claim
from cluster.sandboxes import fixtures_of_own_sandbox

CLAIMS = 300

pytestmark = [
    pytest.mark.xdist_group("scale"),
    pytest.mark.skipif(bool(os.environ.get("KUBECONFIG")), reason="KUBECONFIG names a cluster of your own"),
]

own_sandbox, cluster_environment, kubectl, leaving_namespaces = fixtures_of_own_sandbox(
    "scale", "--without", "openshift", "--without", "kasten")


def test_three_hundred_claims_are_one_watch_and_little_else(
    kubectl: Kubectl, cluster_environment: dict[str, str], tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    """Requests as -v shows them; memory and seconds are told, not judged."""
    kubectl("create", "namespace", "many")
    namespace = kubectl.within("many")
    namespace.apply(*(claim(f"c{number:03}", size="1Mi") for number in range(CLAIMS)))
    namespace("wait", "--for=jsonpath={.status.phase}=Bound", "pvc", "--all", "--timeout=180s")
    began = time.monotonic()
    command = ["kubectl-rwx", "-n", "many", "snapshot", "--all", "--name", "many", "--group", "never", "-v"]
    log = tmp_path / "stderr"
    with log.open("w") as errors:
        child = subprocess.Popen(command, env=cluster_environment, stdout=subprocess.DEVNULL, stderr=errors)
        _, status, usage = os.wait4(child.pid, 0)
    seconds, stderr = time.monotonic() - began, log.read_text()
    assert os.waitstatus_to_exitcode(status) == 0, stderr[-3000:]
    ready = namespace.jsonpath("get", "vs", path="{.items[*].status.readyToUse}").split()
    assert ready == ["true"] * CLAIMS
    requests = re.findall(r"^(?:GET|POST|PATCH|PUT|DELETE) https://", stderr, flags=re.MULTILINE)
    lines = [line for line in stderr.splitlines() if "https://" not in line and " -> " not in line]
    progress = [line for line in lines if not line.endswith(" created")]
    figures = {"requests": len(requests), "seconds": round(seconds, 1), "progress lines": len(progress),
               "peak MB": usage.ru_maxrss // 1024}
    record_property("figures", figures)
    print(figures)
    assert len(requests) <= CLAIMS * 1.1 + 30
    assert len(progress) <= 20 + seconds / 2, "\n".join(progress)
