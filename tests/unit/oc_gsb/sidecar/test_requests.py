from __future__ import annotations

from typing import Any

import pytest

from oc_gsb.sidecar.requests import InjectRequest
from oc_gsb.sidecar.results import Outcome, failure_of
from oc_gsb.sidecar.selection import Selection
from plugin_core.errors import ExitCode, UsageError
from plugin_core.model.kinds import DEPLOYMENT
from plugin_core.model.refs import Target

WEB = (Target(DEPLOYMENT, "web"),)


@pytest.mark.parametrize("fields, words", [
    ({}, "name workloads"), ({"targets": WEB, "everything": True}, "only one of"),
    ({"targets": WEB, "selector": "a=b"}, "only one of"), ({"selector": "a=b", "everything": True}, "only one of"),
])
def test_exactly_one_way_to_select(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Selection(**fields)


@pytest.mark.parametrize("fields, words", [
    ({"cpu": "lots"}, "--cpu: "), ({"memory_limit": "1GB"}, "--memory-limit: "),
    ({"memory": "2Gi", "memory_limit": "1Gi"}, "--memory-limit 1Gi is less than --memory 2Gi"),
    ({"cpu_limit": "50m"}, "--cpu-limit 50m is less than --cpu 100m"),
    ({"cache_size": "0"}, '--cache-size: "0" is nothing'),
    ({"env": ("A",)}, '--env: "A" is not NAME=VALUE'), ({"env": ("1A=b",)}, "is not NAME=VALUE"),
    ({"env": ("A=b", "A=c")}, "--env: A is given twice"), ({"pull_secrets": ("Not/a name",)}, "--pull-secret: "),
    ({"ca_configmap": "CA"}, "--ca-configmap: "), ({"parallel": 0}, "--parallel 0 is not between 1 and 16"),
    ({"parallel": 17}, "--parallel 17 is not"),
])
def test_flags(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        InjectRequest(Selection(WEB), **fields)


def outcome(result: str, code: ExitCode = ExitCode.DONE, **fields: Any) -> Outcome:
    return Outcome("Deployment", "web", "app", result, exit_code=code, **fields)


GOOD, REFUSED = outcome("injected"), outcome("refused", ExitCode.NOT_READY, message="why")
FORBIDDEN = outcome("refused", ExitCode.FORBIDDEN, message="no")
INTERRUPTED = outcome("rolled back", ExitCode.INTERRUPTED, message="interrupted")


@pytest.mark.parametrize("outcomes, code", [
    ([], None), ([GOOD, outcome("skipped"), outcome("unchanged")], None), ([REFUSED], ExitCode.NOT_READY),
    ([GOOD, REFUSED], ExitCode.PARTLY_DONE), ([REFUSED, REFUSED], ExitCode.NOT_READY),
    ([REFUSED, FORBIDDEN], ExitCode.FAILED), ([GOOD, INTERRUPTED], ExitCode.INTERRUPTED),
    ([outcome("rolled back", ExitCode.TIMEOUT)], ExitCode.TIMEOUT),
    ([outcome("rolled back", ExitCode.FAILED)], ExitCode.FAILED),
])
def test_exit_codes(outcomes: list[Outcome], code: ExitCode | None) -> None:
    failure = failure_of(outcomes)
    assert (failure.exit_code if failure else None) == code


def test_every_reason_is_told() -> None:
    failure = failure_of([outcome("refused", ExitCode.NOT_READY, problems=("one", "two"))])
    assert str(failure) == "deployment/web refused:\n    - one\n    - two"
