"""Which user ids, groups and SELinux level a namespace gets; annotations that are there already are left alone.

Stands in for cluster-policy-controller, which annotates a namespace some moments after it was made.  Here the webhook
does it while the namespace is made, so a pod never has to wait; the watch below covers those that were there before.
"""

import logging
import threading
from typing import Any

from kubernetes.client.rest import ApiException

from oc_gsb.scc.allocations import MCS, SUPPLEMENTAL_GROUPS, UID_RANGE, parse_block
from sandbox.openshift.api import MERGE_PATCH, Api

LOG = logging.getLogger(__name__)
FIRST_UID = 1_000_000_000
BLOCK = 10_000
BLOCKS = 100_000
# OpenShift hands out every fifth pair of categories
LEVELS_APART = 5


def annotations_of(block: int) -> dict[str, str]:
    """The three annotations of the namespace that got this block."""
    ids = f"{FIRST_UID + block * BLOCK}/{BLOCK}"
    return {UID_RANGE: ids, SUPPLEMENTAL_GROUPS: ids, MCS: level_of(block)}


def level_of(block: int) -> str:
    """The SELinux level: pairs of categories in the order c1,c0  c2,c0  c2,c1  c3,c0 …"""
    left = block * LEVELS_APART
    high = 1
    while left >= high:
        left -= high
        high += 1
    return f"s0:c{high},c{left}"


class Allocator:
    """Hands out blocks, each once, whatever namespaces come and go."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._guard = threading.Lock()
        self._handed_out: set[int] = set()
        self._next = 0

    def missing_annotations(self, namespace: dict[str, Any]) -> dict[str, str]:
        """What ``namespace`` needs to be given; empty when it has a uid range, as then OpenShift gives it nothing."""
        if (namespace["metadata"].get("annotations") or {}).get(UID_RANGE):
            return {}
        return annotations_of(self._take())

    def _take(self) -> int:
        with self._guard:
            used = self._handed_out | self._blocks_in_use()
            while self._next in used:
                self._next = (self._next + 1) % BLOCKS
            self._handed_out.add(self._next)
            return self._next

    def _blocks_in_use(self) -> set[int]:
        used = set()
        for namespace in self._api.items("/api/v1/namespaces"):
            text = (namespace["metadata"].get("annotations") or {}).get(UID_RANGE, "")
            try:
                first, last = parse_block(text)
            except ValueError:
                continue
            used |= set(range(max(0, (first - FIRST_UID) // BLOCK), min(BLOCKS, (last - FIRST_UID) // BLOCK + 1)))
        return used

    def annotate_existing(self) -> None:
        """Annotate every namespace that lacks it, now and later; does not return."""
        for kind, namespace in self._api.events("/api/v1/namespaces"):
            if kind == "DELETED" or namespace["metadata"].get("deletionTimestamp"):
                continue
            wanted = self.missing_annotations(namespace)
            if not wanted:
                continue
            name = namespace["metadata"]["name"]
            # the version makes this fail when somebody else annotated it meanwhile; its change then comes by here
            change = {"metadata": {"annotations": wanted, "resourceVersion": namespace["metadata"]["resourceVersion"]}}
            try:
                self._api.call("PATCH", f"/api/v1/namespaces/{name}", change, content_type=MERGE_PATCH)
            except ApiException as error:
                LOG.info("namespace %s not annotated: %s", name, error.reason)
