from __future__ import annotations

import pytest

from fakes.workloads import container
from oc_gsb.sidecar.limit_ranges import judge_limits
from plugin_core.model.manifests import Manifest


def sidecar(memory_limit: str = "") -> Manifest:
    resources: Manifest = {"requests": {"cpu": "100m", "memory": "256Mi"}}
    return container("kanister-sidecar", resources={**resources, **(
        {"limits": {"memory": memory_limit}} if memory_limit else {})})


def limits(kind: str = "Container", **item: dict[str, str]) -> Manifest:
    return {"kind": "LimitRange", "metadata": {"name": "small"}, "spec": {"limits": [{"type": kind, **item}]}}


APP = container("app", resources={"requests": {"memory": "1Gi", "cpu": "1"}, "limits": {"memory": "1Gi"}})


@pytest.mark.parametrize("ranges, memory_limit, words", [
    ([], "", []),
    ([limits(min={"memory": "128Mi"}, max={"cpu": "2"}, default={"cpu": "1"})], "", []),
    ([limits(min={"memory": "512Mi"})], "",
     ["LimitRange small: the sidecar must ask for memory 512Mi at least, not 256Mi: --memory 512Mi"]),
    ([limits(min={"cpu": "200m"})], "",
     ["LimitRange small: the sidecar must ask for cpu 200m at least, not 100m: --cpu 200m"]),
    ([limits(max={"memory": "1Gi"})], "",
     ["LimitRange small: the sidecar must have a memory limit, of 1Gi at most: --memory-limit 1Gi"]),
    ([limits(max={"memory": "1Gi"})], "2Gi",
     ["LimitRange small: the sidecar may have a memory limit of 1Gi at most, not 2048Mi"]),
    ([limits(maxLimitRequestRatio={"memory": "2"})], "1Gi",
     ["LimitRange small: the sidecar has a memory limit of 1024Mi and a request of 256Mi, more than 2 times as much"]),
    ([limits(maxLimitRequestRatio={"memory": "4"})], "1Gi", []),
    ([limits(default={"memory": "128Mi"})], "",
     ["the sidecar's memory request 256Mi is more than its limit 128Mi, which a LimitRange gives it by default: name "
      "another with --memory-limit, or ask for less with --memory"]),
    ([limits("Pod", max={"memory": "1100Mi"})], "64Mi",
     ["the sidecar's memory request 256Mi is more than its limit 64Mi, which a LimitRange gives it by default: name "
      "another with --memory-limit, or ask for less with --memory",
      "LimitRange small: the pod with the sidecar may ask for memory 1100Mi at most, not 1280Mi"]),
    ([limits("Pod", max={"cpu": "4"})], "",
     ["LimitRange small: the pod with the sidecar must have a cpu limit, of 4 at most: --cpu-limit 4"]),
])
def test_problems(ranges: list[Manifest], memory_limit: str, words: list[str]) -> None:
    assert list(judge_limits(sidecar(memory_limit), [APP], ranges).problems) == words


def test_a_small_default_limit_is_warned_of() -> None:
    verdict = judge_limits(sidecar(), [], [limits(default={"memory": "512Mi"}, defaultRequest={"cpu": "9"})])
    assert verdict.problems == () and "a memory limit of 512Mi, with which kopia is killed" in verdict.warnings[0]
    assert verdict.container["resources"] == {"requests": {"cpu": "100m", "memory": "256Mi"},
                                              "limits": {"memory": "512Mi"}}
    assert judge_limits(sidecar("512Mi"), [], [limits(default={"memory": "1Gi"})]).warnings == ()
