"""First story: two pods on two nodes write to one ReadWriteMany claim; it is snapshotted, emptied and recovered."""

from __future__ import annotations

from typing import Any

from cluster.manifests import claim, deployment, pod
from demo.story import Story, fresh_namespace

RECORDS = 200
WRITE = (
    'set -e; mkdir -p /data/$HOSTNAME; i=0; while [ $i -lt %d ]; do i=$((i+1)); '
    'echo "order $i of $HOSTNAME $RANDOM" > /data/$HOSTNAME/order-$i; done; touch /tmp/done; sleep infinity' % RECORDS
)
CHECKSUM = "cd /data && find . -type f | sort | xargs sha256sum | sha256sum"


def writers() -> dict[str, Any]:
    """Two replicas that may not share a node; ready once each has written its records."""
    workload = deployment("writers", {"data": "/data"}, replicas=2, command=WRITE)
    spec = workload["spec"]["template"]["spec"]
    spec["affinity"] = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
        {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "writers"}}}]}}
    spec["containers"][0]["readinessProbe"] = {"exec": {"command": ["test", "-e", "/tmp/done"]}, "periodSeconds": 1}
    return workload


def tell_shared_storage(story: Story) -> None:
    story.chapter("kubectl rwx: shared storage, snapshotted, destroyed, recovered")
    fresh_namespace(story)
    name = story.namespace
    story.apply(claim("data"), writers())
    story.quietly("rollout", "status", "deployment/writers", "--timeout=120s")
    shown = story.run(f"kubectl get pods -n {name} -o custom-columns=POD:.metadata.name,NODE:.spec.nodeName")
    story.must(len({line.split()[1] for line in shown.splitlines()[1:]}) == 2, "the two writers run on two nodes")
    before = story.run(f"kubectl exec -n {name} deploy/writers -- sh -c '{CHECKSUM}'")

    story.run(f"kubectl rwx snapshot pvc/data --name nightly -n {name}")
    ready = story.run(f"kubectl get volumesnapshot nightly -n {name} -o jsonpath={{.status.readyToUse}}")
    print()
    story.must(ready == "true", "kubectl itself says that the snapshot is ready")

    story.chapter("the disaster: every file is deleted")
    story.run(f"kubectl exec -n {name} deploy/writers -- sh -c 'rm -rf /data/*; ls /data | wc -l'")

    story.chapter("the recovery")
    story.run(f"kubectl rwx restore vs/nightly --to recovered -n {name}")
    story.apply(pod("reader", {"recovered": "/data"}))
    story.quietly("wait", "--for=condition=Ready", "pod/reader", "--timeout=120s")
    after = story.run(f"kubectl exec -n {name} reader -- sh -c '{CHECKSUM}'")
    story.run(f"kubectl rwx list -n {name}")
    story.must(before == after, f"the checksum over all {2 * RECORDS} files is what it was before")
