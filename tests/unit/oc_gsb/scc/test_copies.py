"""What the copy of an SCC carries, changes and leaves behind."""

import copy
from typing import Any

import pytest

from oc_gsb.scc import allows_capabilities, gsb_copy, missing_for_sidecar
from unit.oc_gsb.scc.cases import SMALL_TABLE, read_table

THREE = ["CHOWN", "DAC_OVERRIDE", "FOWNER"]


def scc(**fields: Any) -> dict[str, Any]:
    base = {
        "apiVersion": "security.openshift.io/v1",
        "kind": "SecurityContextConstraints",
        "metadata": {"name": "base"},
        "priority": None,
        "allowedCapabilities": None,
        "defaultAddCapabilities": None,
        "requiredDropCapabilities": ["ALL"],
        "runAsUser": {"type": "MustRunAsRange"},
        "volumes": ["configMap", "emptyDir"],
        "users": [],
        "groups": [],
    }
    return {**base, **fields}


def copy_of(**fields: Any) -> dict[str, Any]:
    result = gsb_copy(scc(**fields))
    assert result is not None
    return result


def test_only_the_name_is_left_of_the_metadata() -> None:
    metadata = {
        "name": "base",
        "uid": "u",
        "resourceVersion": "1",
        "generation": 4,
        "labels": {"team": "x"},
        "annotations": {"include.release.openshift.io/self-managed-high-availability": "true"},
        "ownerReferences": [{"kind": "ClusterVersion"}],
        "managedFields": [{}],
        "creationTimestamp": "2026-01-01T00:00:00Z",
    }
    assert copy_of(metadata=metadata)["metadata"] == {"name": "base-gsb"}


def test_labels_are_the_callers() -> None:
    result = gsb_copy(scc(), labels={"made-by": "us"})
    assert result is not None and result["metadata"] == {"name": "base-gsb", "labels": {"made-by": "us"}}


def test_nobody_may_use_the_copy_and_its_priority_is_null() -> None:
    result = copy_of(users=["system:admin"], groups=["system:authenticated"], priority=10)
    assert (result["users"], result["groups"], result["priority"]) == ([], [], None)


def test_unknown_policy_fields_and_strategies_are_carried_as_they_are() -> None:
    fields = {"runAsGroup": {"type": "MustRunAs", "ranges": [{"min": 5}]}, "runAsUser": {"type": "MustRunAs", "uid": 7}}
    result = copy_of(**fields)
    assert {key: result[key] for key in fields} == fields


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, THREE),
        ([], THREE),
        (["NET_BIND_SERVICE"], ["NET_BIND_SERVICE", *THREE]),
        (["FOWNER", "SETUID"], ["FOWNER", "SETUID", "CHOWN", "DAC_OVERRIDE"]),
        (["CAP_CHOWN"], ["CAP_CHOWN", *THREE]),
    ],
)
def test_exactly_the_three_are_allowed_once(before: list[str] | None, after: list[str]) -> None:
    assert copy_of(allowedCapabilities=before)["allowedCapabilities"] == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, None),
        (["ALL"], ["ALL"]),
        (["KILL", "CHOWN", "MKNOD"], ["KILL", "MKNOD"]),
        (THREE, None),
    ],
)
def test_the_three_are_not_required_to_be_dropped(before: list[str] | None, after: list[str] | None) -> None:
    assert copy_of(requiredDropCapabilities=before)["requiredDropCapabilities"] == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (["secret"], ["secret", "emptyDir"]),
        (["emptyDir"], ["emptyDir"]),
        (["*"], ["*"]),
        (["none"], ["emptyDir"]),
        (None, ["emptyDir"]),
    ],
)
def test_the_sidecars_volumes_are_allowed(before: list[str] | None, after: list[str]) -> None:
    assert copy_of(volumes=before)["volumes"] == after


def test_a_wildcard_is_not_added_to() -> None:
    result = copy_of(allowedCapabilities=["*"], requiredDropCapabilities=None, volumes=["secret"])
    assert result["allowedCapabilities"] == ["*"]


@pytest.mark.parametrize(
    "fields",
    [
        {"allowedCapabilities": ["*"]},
        {"allowedCapabilities": [*THREE, "SETUID"]},
        {"allowedCapabilities": ["CHOWN"], "defaultAddCapabilities": ["DAC_OVERRIDE", "FOWNER"]},
    ],
)
def test_no_copy_where_the_base_takes_the_sidecar(fields: dict[str, Any]) -> None:
    assert allows_capabilities(scc(**fields))
    assert missing_for_sidecar(scc(**fields)) == ()
    assert gsb_copy(scc(**fields)) is None


def test_what_is_missing_is_named() -> None:
    assert missing_for_sidecar(scc(allowedCapabilities=["ALL", "CHOWN"], volumes=[])) == (
        "DAC_OVERRIDE",
        "FOWNER",
        "emptyDir",
    )
    assert not allows_capabilities(scc(allowedCapabilities=["chown", "dac_override", "fowner"]))
    assert missing_for_sidecar(scc(allowedCapabilities=THREE, requiredDropCapabilities=["FOWNER"])) == ("FOWNER",)


def test_the_base_is_not_changed() -> None:
    base = scc(volumes=["secret"], requiredDropCapabilities=["CHOWN"])
    before = copy.deepcopy(base)
    gsb_copy(base)
    assert base == before


def test_privileged_needs_no_copy_and_the_other_standard_sccs_do() -> None:
    sccs = read_table(SMALL_TABLE)["sccs"]
    standard = [name for name in sccs if not name.endswith("-gsb")]
    assert [name for name in standard if gsb_copy(sccs[name]) is None] == ["privileged"]
