"""kubectl rwx check on a real cluster: observed on real volumes and snapshots, real objects for each finding.

Tests share the cluster, so each looks at StorageClasses of its own, or at ones that nobody changes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from cluster.kubectl import Kubectl, Plugin
from cluster.manifests import claim
from cluster.rwx_objects import bind_claims
from plugin_core.storage.verifications import Verification, hash_parameters

SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "kubectl-rwx-storagecheck.v1.json"
SHARED, NOSNAP = "shared.csi.sandbox.local", "nosnap.csi.sandbox.local"
DEFAULT = "snapshot.storage.kubernetes.io/is-default-class"
MISSPELT = "snapshot.storage.k8s.io/is-default-class"
ClassMaker = Callable[..., str]
EXPECTED = {
    **dict.fromkeys(("shared", "fuzzy", "slow", "late", "sized"), ("usable", "observed", "observed")),
    "failing": ("unknown", "observed", "unknown"), "block": ("unknown", "unknown", "unknown"),
    "nosnap": ("rejected", "observed", "no"),
}
"""Verdict, and how sure sharing and snapshots are, of each driver that was used. That block can do no sharing is not
known before a proof: a claim that stays Pending says nothing."""


@pytest.fixture
def make_class(kubectl: Kubectl, namespace: Kubectl) -> Iterator[ClassMaker]:
    """make_class(provisioner) → the name of a StorageClass of this test's own; with kind, a VolumeSnapshotClass."""
    made: list[str] = []

    def make(driver: str, *, kind: str = "StorageClass", suffix: str = "", **fields: Any) -> str:
        metadata = {"name": f"{namespace.name}{suffix}", "annotations": fields.pop("annotations", {})}
        body = {"provisioner": driver} if kind == "StorageClass" else {"driver": driver, "deletionPolicy": "Delete"}
        group = "storage.k8s.io" if kind == "StorageClass" else "snapshot.storage.k8s.io"
        kubectl.apply({"apiVersion": f"{group}/v1", "kind": kind, "metadata": metadata, **body, **fields})
        made.append(f"{kind.lower()}/{metadata['name']}")
        return metadata["name"]

    yield make
    if made:
        kubectl("delete", *made)


def look(rwx: Plugin, *arguments: str, code: int) -> Any:
    """The JSON answer of a check that ends with this exit code; it keeps to the schema."""
    done = rwx("check", *arguments, "-o", "json")
    assert done.returncode == code, done.stderr
    document = json.loads(done.stdout)
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(document)
    return document


def codes(document: Any) -> dict[str, Any]:
    return {item["code"]: item for item in document["findings"]}


def test_from_unknown_to_observed_to_proven(
    rwx: Plugin, namespace: Kubectl, kubectl: Kubectl, make_class: ClassMaker
) -> None:
    name = make_class(SHARED, allowVolumeExpansion=True)
    [row] = look(rwx, name, code=3)["items"]
    assert (row["verdict"], row["rwx"]["level"], row["snapshot"]["level"]) == ("unknown", "unknown", "unknown")
    assert row["next"] == f"kubectl rwx verify {name}"
    assert row["expansion"] is True and row["snapshotClass"] == "shared"
    assert len(row["registeredOn"]) >= 1 and row["driver"] is None

    bind_claims(namespace, claim("data", storage_class=name))
    rwx.ok("snapshot", "pvc/data")
    document = look(rwx, name, code=0)
    [row] = document["items"]
    assert (row["verdict"], row["level"]) == ("usable", "observed")
    assert "1 bound ReadWriteMany volume" in row["rwx"]["reason"] and "1 ready snapshot" in row["snapshot"]["reason"]
    assert (document["best"], document["level"]) == (name, "observed")

    manifest = kubectl.json("get", "storageclass", name)
    record = Verification(
        date="2026-11-21T12:00:00Z", access_mode="ReadWriteMany", result="passed", driver=SHARED,
        uid=manifest["metadata"]["uid"], parameters_hash=hash_parameters(manifest),
        proved={"rwx": True, "snapshot": True},
    )
    [(key, value)] = record.annotation().items()
    kubectl("annotate", "storageclass", name, f"{key}={value}")
    shown = rwx("check", name)
    assert shown.returncode == 0
    assert "yes (proven 2026-11-21)   yes (proven 2026-11-21)" in shown.stdout
    assert shown.stderr.splitlines()[-1] == f"shared and with snapshots: {name} (proven)"


def test_a_claim_for_one_node_is_no_sign_of_sharing(rwx: Plugin, namespace: Kubectl, make_class: ClassMaker) -> None:
    name = make_class(SHARED)
    bind_claims(namespace, claim("data", storage_class=name, access_mode="ReadWriteOnce"))
    rwx.ok("snapshot", "pvc/data")
    [row] = look(rwx, name, code=3)["items"]
    assert (row["verdict"], row["rwx"]["level"], row["snapshot"]["level"]) == ("unknown", "unknown", "observed")


@pytest.mark.parametrize(("driver", "reason", "code"), [
    (NOSNAP, "nosnap.csi.sandbox.local has no VolumeSnapshotClass", "no-snapshot-class"),
    ("rancher.io/local-path", "rancher.io/local-path is no CSI driver; only CSI volumes have snapshots", ""),
    ("ebs.csi.aws.com", "Amazon EBS has no shared filesystems (ReadWriteMany), says", "driver-on-no-node"),
], ids=["no-snapshot-class", "not-csi", "block-only"])
def test_rejections_say_why(rwx: Plugin, make_class: ClassMaker, driver: str, reason: str, code: str) -> None:
    name = make_class(driver)
    document = look(rwx, name, code=3)
    [row] = document["items"]
    assert row["verdict"] == "rejected"
    assert any(told.startswith(reason) for told in row["reasons"])
    assert not code or code in codes(document)


def test_a_missing_class_is_mended_by_the_command_shown(
    rwx: Plugin, kubectl: Kubectl, make_class: ClassMaker, namespace: Kubectl
) -> None:
    """Nothing else on the cluster has this driver, so the class made by the command is this test's own."""
    name = make_class(f"{namespace.name}.csi.test")
    finding = codes(look(rwx, name, code=3))["no-snapshot-class"]
    manifest = finding["command"].removeprefix("echo '").removesuffix("' | kubectl create -f -")
    kubectl("create", "-f", "-", stdin=manifest)
    try:
        assert "no-snapshot-class" not in codes(look(rwx, name, code=3))
    finally:
        kubectl("delete", "volumesnapshotclass", name)


def test_the_guides_misspelt_annotation(
    rwx: Plugin, kubectl: Kubectl, make_class: ClassMaker, namespace: Kubectl
) -> None:
    driver = f"{namespace.name}.csi.test"
    name = make_class(driver)
    make_class(driver, kind="VolumeSnapshotClass", annotations={MISSPELT: "true"})
    found = codes(look(rwx, name, code=3))
    assert {"default-misspelt", "no-default", "class-without-driver", "driver-on-no-node"} <= set(found)
    kubectl(*found["default-misspelt"]["command"].split()[1:])
    found = codes(look(rwx, name, code=3))
    assert not {"default-misspelt", "no-default"} & set(found)


def test_two_defaults_of_one_driver(rwx: Plugin, kubectl: Kubectl, make_class: ClassMaker, namespace: Kubectl) -> None:
    driver = f"{namespace.name}.csi.test"
    name = make_class(driver)
    for suffix in ("-a", "-b"):
        make_class(driver, kind="VolumeSnapshotClass", suffix=suffix, annotations={DEFAULT: "true"})
    finding = codes(look(rwx, name, code=3))["several-defaults"]
    assert finding["severity"] == "fail"
    kubectl(*finding["command"].split()[1:])
    assert "several-defaults" not in codes(look(rwx, name, code=3))


def test_marks_of_backup_products_and_retention(
    rwx: Plugin, kubectl: Kubectl, make_class: ClassMaker, namespace: Kubectl
) -> None:
    """Kasten is there as a stand-in, Velero as its API group alone."""
    driver, group = f"{namespace.name}.csi.test", {"kind": "Probe", "plural": "probes"}
    name = make_class(driver)
    make_class(driver, kind="VolumeSnapshotClass", suffix="-a", annotations={DEFAULT: "true"})
    kubectl.apply({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "probes.velero.io"},
        "spec": {"group": "velero.io", "names": group, "scope": "Namespaced", "versions": [{
            "name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}]},
    })
    try:
        kubectl.wait_until(lambda: "velero.io" in kubectl("api-versions").stdout, "the group to be served")
        found = codes(look(rwx, name, code=3))
        for product in ("kasten", "velero"):
            assert f"{product}-mark-absent" in found
            kubectl(*found[f"{product}-mark-absent"]["command"].split()[1:])
        make_class(driver, kind="VolumeSnapshotClass", suffix="-b", deletionPolicy="Retain",
                   annotations={"k10.kasten.io/is-snapshot-class": "true"})
        kubectl("label", "volumesnapshotclass", f"{namespace.name}-b", "velero.io/csi-volumesnapshot-class=true")
        found = codes(look(rwx, name, code=3))
        assert {"kasten-mark-twice", "velero-mark-twice", "deletion-policy-retain"} <= set(found)
        for product in ("kasten", "velero"):
            kubectl(*found[f"{product}-mark-twice"]["command"].split()[1:])
        found = codes(look(rwx, name, code=3))
        assert not [code for code in found if "-mark-" in code]
    finally:
        kubectl("delete", "crd", "probes.velero.io")


def test_a_snapshot_class_of_another_share(rwx: Plugin, make_class: ClassMaker) -> None:
    driver = "nfs.csi.k8s.io"
    name = make_class(driver, parameters={"server": "a.example.com", "share": "/export"})
    other = {"server": "a.example.com", "share": "/else"}
    make_class(driver, kind="VolumeSnapshotClass", suffix="-a", parameters=other)
    found = codes(look(rwx, name, code=3))
    assert "share /else instead of /export" in found["nfs-share-differs"]["observed"]


def test_each_way_of_storage_gets_its_verdict(rwx: Plugin, namespace: Kubectl, make_class: ClassMaker) -> None:
    """A class of this test's own for every driver of the sandbox, each with a claim and a snapshot, in one answer."""
    names = {way: make_class(f"{way}.csi.sandbox.local", suffix=f"-{way}") for way in EXPECTED}
    claims = {way: claim(way, storage_class=names[way], size="16Mi") for way in EXPECTED}
    namespace.apply(claims["block"])
    bind_claims(namespace, *(claims[way] for way in EXPECTED if way != "block"))
    for way in ("shared", "fuzzy", "slow", "failing", "late", "sized"):
        rwx("snapshot", f"pvc/{way}", "--no-wait")
    namespace.wait_until(
        lambda: namespace("get", "vs", "-o", "jsonpath={.items[*].status.readyToUse}").stdout.count("true") == 5,
        "five snapshots to be ready")
    document = look(rwx, *names.values(), code=0)
    rows = {way: next(row for row in document["items"] if row["name"] == name) for way, name in names.items()}
    seen = {way: (row["verdict"], row["rwx"]["level"], row["snapshot"]["level"]) for way, row in rows.items()}
    assert seen == EXPECTED
    assert any("not crash-consistent" in caveat or "one moment" in caveat for caveat in rows["fuzzy"]["caveats"])


def test_the_chain_is_told(rwx: Plugin) -> None:
    chain = {item["link"]: item for item in look(rwx, "nosnap", code=3)["chain"]}
    assert chain["snapshot API"] == {"link": "snapshot API", "state": "ok", "observed": "served: v1"}
    assert chain["snapshot CRDs"]["observed"].startswith("3 of 3, stored as v1")
    assert chain["server"]["observed"].startswith("v1.")
    assert "a CSIDriver object, on 2 of 2 nodes" in chain[f"driver {NOSNAP}"]["observed"]


def test_a_controller_that_cannot_be_seen_is_known_by_its_work(rwx: Plugin, namespace: Kubectl) -> None:
    bind_claims(namespace, claim("data"))
    rwx.ok("snapshot", "pvc/data")
    controller = look(rwx, "shared", code=0)["controller"]
    assert controller["life"] == "running"


def test_without_rights_it_says_what_it_could_not_see(
    rwx: Plugin, kubectl: Kubectl, namespace: Kubectl, make_class: ClassMaker
) -> None:
    name, account = make_class(SHARED), f"system:serviceaccount:{namespace.name}:default"
    blind = rwx("check", "--as", account)
    assert blind.returncode == 5, blind.stderr
    assert "no StorageClass may be read" in blind.stderr
    assert "list storageclasses.storage.k8s.io" in blind.stdout
    kubectl("create", "clusterrole", name, "--verb=get", "--resource=storageclasses", f"--resource-name={name}")
    kubectl("create", "clusterrolebinding", name, f"--clusterrole={name}", f"--serviceaccount={namespace.name}:default")
    try:
        document = look(rwx, name, "--as", account, code=3)
        assert [row["name"] for row in document["items"]] == [name]
        refused = {item["request"] for item in document["unseen"]}
        assert {"list persistentvolumes", "list csinodes.storage.k8s.io"} <= refused
    finally:
        kubectl("delete", f"clusterrole/{name}", f"clusterrolebinding/{name}")


def test_few_requests(rwx: Plugin, make_class: ClassMaker) -> None:
    done = rwx("check", make_class(SHARED), "-v")
    asked = [line for line in done.stderr.splitlines() if line.startswith("GET http")]
    assert 0 < len(asked) <= 20, asked


def test_a_class_that_is_not_there(rwx: Plugin) -> None:
    done = rwx("check", "no-such-class")
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no StorageClass no-such-class; there are: " in done.stderr
