"""Is GSB active: every combination of the places a token can be in."""

from __future__ import annotations

import pytest

from fakes.cluster import FakeCluster
from oc_gsb.kasten.tokens import token_status
from plugin_core import errors
from plugin_core.model.manifests import Manifest
from unit.oc_gsb.kasten.objects import GROUPS, K10, config, default_namespace, executor, k10

TOKEN = "K10_GVS_ACTIVATION_TOKEN"


def status(*objects: Manifest) -> tuple[bool, dict[str, str], str]:
    report = token_status(FakeCluster([default_namespace(), *objects], groups=GROUPS), k10_namespace=K10)
    text = str(report)
    return report.facts["active"], {str(item["check"]): str(item["verdict"]) for item in report.items}, text


def test_active_with_operator() -> None:
    active, verdicts, text = status(k10(token="secret-1"), config(GVSActivationToken="secret-1"), *executor(TOKEN))
    assert active and set(verdicts.values()) == {"ok"}
    assert "secret-1" not in text


@pytest.mark.parametrize("objects, failing", [
    ([k10(), config(), *executor()], {"operator", "configuration", "executor"}),
    ([k10(token="a"), config(), *executor()], {"configuration", "executor"}),
    ([k10(token="a"), config(GVSActivationToken="b"), *executor(TOKEN)], {"agreement"}),
    ([k10(token="a"), config(GVSActivationToken="a"), *executor()], {"executor"}),
    ([k10(token="a"), config(GVSActivationToken="a"), *executor(TOKEN, ready=False)], {"executor"}),
    ([k10(token="a"), config(GVSActivationToken="a"), *executor(**{TOKEN: "old"})], {"agreement"}),
    ([k10(token="a"), config(GVSActivationToken="a")], {"executor"}),
    ([k10(token="a", overridepubkey="k"), config(GVSActivationToken="a", overridePublicKeyForGVS="k"),
      *executor(TOKEN)], {"evaluation-key"}),
])
def test_not_active(objects: list[Manifest], failing: set[str]) -> None:
    active, verdicts, _ = status(*objects)
    assert not active
    assert {check for check, verdict in verdicts.items() if verdict == "fail"} == failing


def test_helm_install_needs_no_operator() -> None:
    active, verdicts, _ = status(config(GVSActivationToken="a"), *executor(TOKEN))
    assert active and verdicts["operator"] == "skip"


def test_executor_older_than_the_configuration() -> None:
    changed = config(GVSActivationToken="a")
    changed["metadata"]["managedFields"] = [{"time": "2026-01-03T00:00:00Z", "fieldsV1": {"f:data": {
        "f:GVSActivationToken": {}}}}]
    assert status(k10(token="a"), changed, *executor(TOKEN))[1]["agreement"] == "fail"
    assert status(k10(token="a"), changed, *executor(TOKEN, created="2026-01-04T00:00:00Z"))[1]["agreement"] == "ok"


def test_evaluation_key_is_no_failure() -> None:
    active, verdicts, _ = status(
        k10(token="a", overridepubkey="k"), config(GVSActivationToken="a", overridePublicKeyForGVS="k"),
        *executor(TOKEN, "OVERRIDE_GVS_TOKEN_VERIFICATION_KEY"))
    assert active and verdicts["evaluation-key"] == "warn"


def test_no_kasten_at_all_and_several_operators() -> None:
    with pytest.raises(errors.NotReady, match="there is no Kasten in this cluster"):
        token_status(FakeCluster([default_namespace()]), k10_namespace=K10)
    with pytest.raises(errors.NotReady, match="there is no Kasten in namespace kasten-io"):
        token_status(FakeCluster([default_namespace()], groups=GROUPS), k10_namespace=K10)
    second = k10()
    second["metadata"]["name"] = "other"
    with pytest.raises(errors.NotReady, match="several K10 objects"):
        status(k10(), second, config())


def test_bad_version_is_said() -> None:
    bad = config(GVSActivationToken="a", version="9.0.0")
    assert "known to be bad for GSB" in status(bad, *executor(TOKEN))[2]
    good = config(GVSActivationToken="a", version="9.0.1")
    assert "known to be bad" not in status(good, *executor(TOKEN))[2]
