"""Second story: on OpenShift's rules a sidecar with capabilities is refused, then injected the safe way and proven."""

from __future__ import annotations

import copy

from cluster.manifests import claim, deployment
from demo.story import Story, fresh_namespace

CAPABILITIES = ["CHOWN", "DAC_OVERRIDE", "FOWNER"]
BITS = 0b1011
"""CHOWN is bit 0, DAC_OVERRIDE bit 1, FOWNER bit 3 (linux/capability.h)."""


def tell_sidecar(story: Story) -> None:
    story.chapter("oc gsb: Kasten's sidecar under OpenShift's rules")
    story.say("stand-ins here: SCC admission, Kasten's configuration, kopia; pods, capabilities, /proc are real")
    fresh_namespace(story)
    name = story.namespace
    application = deployment("basic-app", {"data": "/data"}, command="date >> /data/started; sleep infinity")
    story.apply(claim("data"), application)
    story.quietly("rollout", "status", "deployment/basic-app", "--timeout=120s")
    annotation = "{.items[*].metadata.annotations.openshift\\.io/scc}"
    show_scc = f"kubectl get pods -n {name} -l app=basic-app -o jsonpath='{annotation}'"
    story.must("restricted-v2" == _last_line(story, show_scc), "the application runs under restricted-v2")

    story.chapter("the capabilities are simply asked for: refused")
    asking = copy.deepcopy(application)
    asking["metadata"]["name"] = "asks-for-capabilities"
    asking["spec"]["selector"]["matchLabels"] = asking["spec"]["template"]["metadata"]["labels"] = {"app": "asks"}
    container = asking["spec"]["template"]["spec"]["containers"][0]
    container["securityContext"] = {"capabilities": {"add": CAPABILITIES}}
    story.apply(asking)
    events = ("get", "events", "--field-selector", "reason=FailedCreate", "-o", "jsonpath={.items[*].message}")
    refusal = story.wait("the refusal", lambda: story.quietly(*events))
    story.say(refusal[:300] + "…")
    story.must("capability may not be added" in refusal, "no pod was created")
    story.quietly("delete", "deployment", "asks-for-capabilities")

    story.chapter("oc gsb inject")
    story.run(f"oc-gsb inject deploy/basic-app -n {name}")
    shown = story.run(f"kubectl get pods -n {name} -l app=basic-app")
    story.must("2/2" in shown, "the new pod has both containers ready")
    story.must("restricted-v2-gsb" == _last_line(story, show_scc), "it runs under the copy restricted-v2-gsb")
    sidecar = f"kubectl exec -n {name} deploy/basic-app -c kanister-sidecar --"
    status = story.run(f"{sidecar} grep Cap /proc/1/status")
    bounding = next(line.split()[1] for line in status.splitlines() if line.startswith("CapBnd"))
    story.must(int(bounding, 16) & BITS == BITS, f"CapBnd {bounding} has the three bits")
    story.run(f"{sidecar} kopia --version")
    story.run(f"oc-gsb verify deploy/basic-app -n {name}")


def _last_line(story: Story, command: str) -> str:
    shown = story.run(command)
    print()
    return shown.strip()
