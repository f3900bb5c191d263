"""oc gsb discover against real claims, drivers and pods."""

from __future__ import annotations

from cluster.kubectl import Kubectl, Plugin
from cluster.manifests import claim, deployment, pod
from cluster.scc_objects import rolled_out


def test_a_way_for_each_claim(namespace: Kubectl, gsb: Plugin) -> None:
    single = claim("single", storage_class="nosnap", access_mode="ReadWriteOnce")
    namespace.apply(
        claim("shared", storage_class="shared"), claim("many", storage_class="nosnap"), single,
        claim("idle", storage_class="nosnap"), claim("lone", storage_class="nosnap", access_mode="ReadWriteOnce"),
        deployment("web", {"shared": "/shared", "many": "/many"}),
        deployment("db", {"single": "/single"}, kind="StatefulSet"), pod("bare", {"lone": "/lone"}),
    )
    rolled_out(namespace, "deploy/web")
    rolled_out(namespace, "statefulset/db")
    answer = gsb.json("discover")
    items = {item["target"]: item for item in answer["items"]}
    ways = {each["claim"]: each["recommendation"] for item in answer["items"] for each in item["claims"]}
    assert ways == {"shared": "csi-snapshot", "many": "shareable-volume", "single": "gsb", "lone": "unsupported"}
    assert items["deployment/web"]["sccs"] == ["restricted-v2"] and items["deployment/web"]["sidecar"] == "none"
    assert items["statefulset/db"]["claims"][0]["driver"] == "nosnap.csi.sandbox.local"
    assert answer["unmountedClaims"] == [f"{namespace.name}/idle"]
    assert gsb.ok("discover", "-o", "name").splitlines() == ["deployment/web", "pod/bare", "statefulset/db"]


def test_all_namespaces_in_as_many_requests_as_one(namespace: Kubectl, gsb: Plugin) -> None:
    def requests(*flags: str) -> list[str]:
        done = gsb("-v", "discover", *flags)
        assert done.returncode == 0, done.stderr
        return [line for line in done.stderr.splitlines() if line.startswith("GET ") and "limit=500" in line]

    namespace.apply(deployment("web", {}), deployment("api", {}))
    one, every = requests(), requests("-A")
    assert 0 < len(every) == len(one), (one, every)
