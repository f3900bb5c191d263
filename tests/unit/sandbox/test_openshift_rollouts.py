"""The DeploymentConfig stand-in's decisions: each row is what is there and what has to be asked for next."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from sandbox.openshift.allocation import annotations_of, level_of
from sandbox.openshift.rollouts import next_step, wants_rollout

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)


def controller(version: int, phase: str, asked: int, available: int, *, age: int = 0, **notes: str) -> dict[str, Any]:
    prefix = "openshift.io/deployment"
    annotations = {f"{prefix}.phase": phase, f"{prefix}-config.latest-version": str(version)}
    made = (NOW - timedelta(seconds=age)).isoformat()
    return {
        "metadata": {
            "name": f"web-{version}",
            "generation": 1,
            "creationTimestamp": made,
            "annotations": {**annotations, **notes},
        },
        "spec": {"replicas": asked},
        "status": {"observedGeneration": 1, "replicas": asked, "availableReplicas": available},
    }


def config(replicas: int, strategy: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"metadata": {"name": "web"}, "spec": {"replicas": replicas, "strategy": strategy or {"type": "Rolling"}}}


ONE_BY_ONE = {"type": "Rolling", "rollingParams": {"maxSurge": 1, "maxUnavailable": 0}}
IN_PLACE = {"type": "Rolling", "rollingParams": {"maxSurge": 0, "maxUnavailable": 1}}
NO_ROOM = {"type": "Rolling", "rollingParams": {"maxSurge": 0, "maxUnavailable": "0%"}}
RECREATE = {"type": "Recreate"}


@pytest.mark.parametrize(
    ("strategy", "old", "new", "replicas"),
    [
        (ONE_BY_ONE, (2, 2), (0, 0), {"web-2": 1}),
        (ONE_BY_ONE, (2, 2), (1, 0), {}),
        (ONE_BY_ONE, (2, 2), (1, 1), {"web-1": 1}),
        (ONE_BY_ONE, (2, 0), (1, 0), {}),
        (IN_PLACE, (2, 2), (0, 0), {"web-1": 1}),
        (IN_PLACE, (1, 1), (0, 0), {"web-2": 1}),
        (IN_PLACE, (2, 1), (0, 0), {"web-1": 1}),
        (NO_ROOM, (2, 2), (0, 0), {"web-1": 1}),
        (RECREATE, (2, 2), (0, 0), {"web-1": 0}),
        (RECREATE, (0, 0), (0, 0), {"web-2": 2}),
    ],
)
def test_rollout_moves_replicas(
    strategy: dict[str, Any], old: tuple[int, int], new: tuple[int, int], replicas: dict[str, int]
) -> None:
    there = [controller(1, "Complete", *old), controller(2, "Running", *new)]
    step = next_step(config(2, strategy), there, now=NOW)
    assert (step.replicas, step.phases) == (replicas, {})


def test_rollout_is_complete_when_only_the_new_version_is_left() -> None:
    there = [controller(1, "Complete", 0, 0), controller(2, "Running", 2, 2)]
    assert next_step(config(2), there, now=NOW).phases == {"web-2": ("Complete", "")}


@pytest.mark.parametrize(
    ("strategy", "notes", "age", "reason"),
    [
        ({"type": "Rolling"}, {}, 601, "not available after 600 seconds"),
        ({"type": "Recreate", "recreateParams": {"timeoutSeconds": 5}}, {}, 6, "not available after 5 seconds"),
        ({"type": "Rolling"}, {"openshift.io/deployment.cancelled": "true"}, 0, "cancelled by the user"),
    ],
)
def test_failed_rollout_goes_back(strategy: dict[str, Any], notes: dict[str, str], age: int, reason: str) -> None:
    there = [controller(1, "Complete", 1, 1), controller(2, "Running", 1, 0, age=age, **notes)]
    step = next_step(config(2, strategy), there, now=NOW)
    assert step.phases == {"web-2": ("Failed", reason)}
    after = next_step(config(2, strategy), [there[0], controller(2, "Failed", 1, 0)])
    assert after.replicas == {"web-1": 2, "web-2": 0}


def test_newer_version_ends_the_rollout_before_it() -> None:
    there = [controller(1, "Running", 1, 0), controller(2, "Running", 0, 0)]
    assert next_step(config(1), there, now=NOW).phases["web-1"][0] == "Failed"


def test_finished_version_follows_the_scale() -> None:
    assert next_step(config(3), [controller(1, "Complete", 1, 1)]).replicas == {"web-1": 3}
    assert next_step(config(1), [controller(1, "Complete", 1, 1)]).replicas == {}


@pytest.mark.parametrize(
    ("spec", "starts"),
    [
        ({"triggers": [{"type": "ConfigChange"}]}, True),
        ({"triggers": [{"type": "ConfigChange"}], "paused": True}, False),
        ({"triggers": [{"type": "ImageChange"}]}, False),
        ({"triggers": []}, False),
    ],
)
def test_only_a_config_change_trigger_starts_a_rollout(spec: dict[str, Any], starts: bool) -> None:
    assert wants_rollout({"spec": {**spec, "template": {"new": 1}}}, {"old": 1}) is starts
    assert not wants_rollout({"spec": {**spec, "template": {"same": 1}}}, {"same": 1})


def test_blocks_and_levels_are_all_different() -> None:
    made = [annotations_of(block) for block in range(2_000)]
    assert len({each["openshift.io/sa.scc.uid-range"] for each in made}) == 2_000
    assert len({each["openshift.io/sa.scc.mcs"] for each in made}) == 2_000
    assert annotations_of(68)["openshift.io/sa.scc.uid-range"] == "1000680000/10000"
    assert level_of(68) == "s0:c26,c15"
