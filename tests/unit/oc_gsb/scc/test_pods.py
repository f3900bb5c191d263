"""What the API server adds before SCC admission sees a pod, and reading what a container ends up with."""

from typing import Any

import pytest

from oc_gsb.scc import capabilities_in_effect, with_api_defaults
from oc_gsb.scc.allocations import parse_block
from oc_gsb.scc.identity import same_level


def pod(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c"}], **spec}}


def test_account_context_and_token_volume_are_added() -> None:
    spec = with_api_defaults(pod(volumes=[{"name": "data", "emptyDir": {}}]))["spec"]
    assert (spec["serviceAccountName"], spec["securityContext"]) == ("default", {})
    assert [next(key for key in volume if key != "name") for volume in spec["volumes"]] == ["emptyDir", "projected"]


def test_second_time_changes_nothing() -> None:
    once = with_api_defaults(pod())
    assert with_api_defaults(once) == once


@pytest.mark.parametrize(
    ("field", "account", "volumes"),
    [(None, True, 1), (None, False, 0), (True, False, 1), (False, True, 0)],
)
def test_the_pods_word_on_the_token_counts_before_the_accounts(field: bool | None, account: bool, volumes: int) -> None:
    spec = with_api_defaults(pod(automountServiceAccountToken=field), automount=account)["spec"]
    assert len(spec.get("volumes", [])) == volumes


def test_under_host_network_ports_are_host_ports() -> None:
    ports = [{"containerPort": 80}, {"containerPort": 81, "hostPort": 82}]
    spec = with_api_defaults(pod(hostNetwork=True, containers=[{"name": "c", "ports": ports}]))["spec"]
    assert [port["hostPort"] for port in spec["containers"][0]["ports"]] == [80, 82]
    assert "hostPort" not in ports[0]


def test_capabilities_in_effect() -> None:
    context = {"capabilities": {"add": ["CHOWN"], "drop": ["ALL"]}}
    admitted = pod(initContainers=[{"name": "init"}], containers=[{"name": "c", "securityContext": context}])
    assert capabilities_in_effect(admitted, "c").add == {"CHOWN"}
    assert capabilities_in_effect(admitted, "init").drop == frozenset()
    with pytest.raises(KeyError):
        capabilities_in_effect(admitted, "absent")


@pytest.mark.parametrize(
    ("text", "block"),
    [("1000/10", (1000, 1009)), ("1000-1010", (1000, 1010)), (" 5/ 1", (5, 5)), ("7/2 and more", (7, 8))],
)
def test_blocks(text: str, block: tuple[int, int]) -> None:
    assert parse_block(text) == block


@pytest.mark.parametrize("text", ["", "1000", "1000/", "a/1", "1000:10", "5000000000/1", "1 /2"])
def test_malformed_blocks(text: str) -> None:
    with pytest.raises(ValueError):
        parse_block(text)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("s0:c1,c2", "s0:c2,c1", True),
        ("s0:c1,c2", "s1:c1,c2", False),
        ("s0:c1,c2", "s0:c1", False),
        ("s0", "s0", True),
        ("s0:c1", "s0", False),
        ("", "s0:c1", False),
    ],
)
def test_levels(one: str, other: str, same: bool) -> None:
    assert same_level(one, other) is same
