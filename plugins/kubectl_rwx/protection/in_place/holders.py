"""Only one client at a time carries out an in-place restore: who it is stands on the journal, and is renewed.

A client that was killed stops renewing. On its own machine another one sees that its process is gone, and goes on at
once; elsewhere it counts as gone STALE seconds after its last sign. Clocks may differ, so that sign must also stay the
same for a while before our eyes, as with leader election in Kubernetes (client-go tools/leaderelection).
"""

from __future__ import annotations

import copy
import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

from kubectl_rwx.protection.set_names import generate_run
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.kube.waiting import pause
from plugin_core.model.durations import Deadline, format_duration, seconds_since
from plugin_core.model.kinds import CONFIG_MAP
from plugin_core.model.manifests import Manifest, annotations_of, name_of, namespace_of
from plugin_core.model.progress import Progress
from plugin_core.names import IN_PLACE_HOLDER
from plugin_core.workloads.edits import edit_workload

RENEW = 10.0
"""Seconds between two signs of life."""

STALE = 60.0
"""Seconds after the last sign of life from which a client counts as gone."""

_TOKEN = generate_run()
"""Of this very process: its number alone may be another's tomorrow."""


@dataclass(frozen=True)
class Holder:
    """A client. machine: where its process number means something. seen: its last sign of life, RFC 3339."""

    token: str
    machine: str
    process: int
    seen: str

    @property
    def mine(self) -> bool:
        return self.token == _TOKEN

    @property
    def gone(self) -> bool:
        """Whether its process is known to have ended; False when it runs elsewhere."""
        if self.machine != _machine() or os.name != "posix":
            return False
        try:
            os.kill(self.process, 0)
        except ProcessLookupError:
            return True
        except OSError:
            return False
        return False

    @property
    def stale(self) -> bool:
        return seconds_since(self.seen) >= STALE

    def __str__(self) -> str:
        return f"process {self.process} on {self.machine.partition('/')[0]}"


def ourselves() -> Holder:
    """This process, alive now."""
    return Holder(_TOKEN, _machine(), os.getpid(), datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"))


def mark_held(manifest: Manifest) -> Manifest:
    """The journal with us as its holder."""
    marked = copy.deepcopy(manifest)
    marked["metadata"].setdefault("annotations", {})[IN_PLACE_HOLDER] = json.dumps(asdict(ourselves()))
    return marked


def holder_of(manifest: Manifest) -> Holder | None:
    """None when nobody is at work on it, or when the mark cannot be read."""
    try:
        return Holder(**json.loads(annotations_of(manifest).get(IN_PLACE_HOLDER, "")))
    except (ValueError, TypeError):
        return None


def require_ours(manifest: Manifest) -> None:
    """Raises NotReady when another client has taken the journal over: what it does and what we do must not mix."""
    holder = holder_of(manifest)
    if holder and not holder.mine:
        raise TakenOver(
            f"{holder} has taken over this in-place restore, configmap/{name_of(manifest)}, because we gave no sign of "
            "life; this client stops here and changes nothing more"
        )


class TakenOver(errors.NotReady):
    """Another client goes on with it: nothing is to be put back by us."""


def gone(journal: str) -> TakenOver:
    """The error for a journal that is not there any more though we have not erased it."""
    return TakenOver(f"configmap/{journal} is gone: another client has finished this in-place restore, or gone back "
                     "from it; this client stops here and changes nothing more")


@contextmanager
def holding(cluster: Cluster, journal: str, progress: Progress) -> Iterator[None]:
    """Within the block the journal (by its ConfigMap's name) is ours, and renewed; after it, it is free.

    Raises NotReady naming the other client when one is at work.
    """
    _take(cluster, journal, progress)
    over = threading.Event()
    renewing = threading.Thread(target=_renew, args=(cluster, journal, over), daemon=True)
    renewing.start()
    try:
        yield
    finally:
        over.set()
        _release(cluster, journal)


def _take(cluster: Cluster, journal: str, progress: Progress) -> None:
    holder = holder_of(cluster.get(CONFIG_MAP, journal, namespace=cluster.namespace))
    if holder and not holder.mine and not holder.gone:
        _refuse_alive(cluster, journal, holder, progress)

    def edit(before: Manifest) -> Manifest:
        there = holder_of(before)
        if there and not there.mine and there != holder:
            raise errors.NotReady(_words(there, journal), hint=_hint(before))
        return mark_held(before)

    edit_workload(cluster, CONFIG_MAP, journal, namespace=cluster.namespace, edit=edit)


def _refuse_alive(cluster: Cluster, journal: str, holder: Holder, progress: Progress) -> None:
    """Returns when the holder, which may be on a machine with another clock, gives no sign of life any more."""
    there = cluster.get(CONFIG_MAP, journal, namespace=cluster.namespace)
    if not holder.stale:
        raise errors.NotReady(_words(holder, journal), hint=_hint(there))
    seconds = RENEW * 1.5
    progress.note(f"{holder} was at work on it last at {holder.seen}: looking for {seconds:.0f}s whether it still is")
    pause(seconds)
    there = cluster.get(CONFIG_MAP, journal, namespace=cluster.namespace)
    if holder_of(there) not in (None, holder):
        raise errors.NotReady(_words(holder, journal), hint=_hint(there))


def _words(holder: Holder, journal: str) -> str:
    return (f"{holder} is at work on this in-place restore, configmap/{journal}; its last sign of life was "
            f"{format_duration(int(seconds_since(holder.seen)))} ago")


def _hint(manifest: Manifest) -> str:
    where = f"{name_of(manifest)} -n {namespace_of(manifest)}"
    return (f"let it finish; if it is dead, it counts as gone {format_duration(STALE)} after its last sign, and then "
            f"the same again goes on; or at once: kubectl annotate configmap {where} {IN_PLACE_HOLDER}-")


def _renew(cluster: Cluster, journal: str, over: threading.Event) -> None:
    """Ends when the block is left, the journal is gone, or another client has it; a server that is away is tried on."""

    def edit(before: Manifest) -> Manifest:
        require_ours(before)
        return mark_held(before)

    while not over.wait(RENEW):
        try:
            bounded = cluster.within(Deadline.after(RENEW))
            edit_workload(bounded, CONFIG_MAP, journal, namespace=cluster.namespace, edit=edit)
        except (errors.NotFound, errors.NotReady):
            return
        except errors.PluginError:
            continue


def _release(cluster: Cluster, journal: str) -> None:
    """Frees what is left of it for the next client; when that cannot be done, it finds our process gone."""

    def edit(before: Manifest) -> Manifest:
        holder = holder_of(before)
        after = copy.deepcopy(before)
        if holder and holder.mine:
            del after["metadata"]["annotations"][IN_PLACE_HOLDER]
        return after

    try:
        edit_workload(cluster.within(Deadline.after(0)), CONFIG_MAP, journal, namespace=cluster.namespace, edit=edit)
    except errors.PluginError:
        return


def _machine() -> str:
    """Host and process namespace: in another container the same number is another process."""
    try:
        space = os.readlink(Path("/proc/self/ns/pid"))
    except OSError:
        space = ""
    return f"{socket.gethostname()}/{space}"
