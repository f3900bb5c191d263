"""Taking snapshots: of one volume, or of several at one moment."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc

from sandbox.csi import copies
from sandbox.csi.drivers import Driver
from sandbox.csi.faults import ALWAYS, Faults
from sandbox.csi.records import Snapshot, Tries, Volume
from sandbox.csi.refusals import Refusal
from sandbox.csi.writers import stopped_writers


@dataclass(frozen=True)
class Wanted:
    """A snapshot to be taken."""

    id: str
    name: str
    volume: Volume
    parameters: dict[str, str]


def take_snapshots(driver: Driver, wanted: list[Wanted], *, faults: Faults, group: str = "") -> list[Snapshot]:
    """Copy all these volumes at one moment (unless a fault makes it live), and record the snapshots."""
    live = faults.snapshots_live
    with driver.drafting() as draft, _holding_volumes(driver, wanted):
        folders = {item.id: driver.locate_volume(item.volume) for item in wanted}
        if live:
            for item in wanted:
                copies.pack_live(folders[item.id], draft / item.id, seconds=faults.copy_seconds)
            moment = time.time()
        else:
            with standing_still(driver, list(folders.values())):
                moment = time.time()
                for item in wanted:
                    (draft / item.id).mkdir()
                    copies.copy_tree(folders[item.id], draft / item.id)
        taken = []
        for item in wanted:
            snapshot = Snapshot(
                id=item.id,
                name=item.name,
                source_volume=item.volume.id,
                source_capacity=item.volume.capacity,
                created_at=moment,
                ready_at=moment + faults.delay,
                size=_measure(driver, item.volume, draft / item.id, live=live),
                parameters={**item.volume.parameters, **item.parameters},
                archive=live,
                group=group,
            )
            _land(driver, draft, snapshot)
            taken.append(snapshot)
    return taken


@contextmanager
def standing_still(driver: Driver, folders: list[Path]) -> Iterator[None]:
    """No pod writes to these folders within this block; one block at a time on the whole machine."""
    with driver.cuts.waiting("cut"):
        nodes = {publication.namespace for publication in driver.publications.list_all()}
        with stopped_writers(folders, nodes=nodes):
            yield


def refuse_tries(driver: Driver, snapshot_id: str, *, faults: Faults) -> None:
    """Refuse as many tries of taking this snapshot as the faults say, counting them across restarts."""
    if not faults.failures:
        return
    before = driver.tries.find(snapshot_id)
    count = before.count if before else 0
    if count >= faults.failures:
        driver.tries.remove(snapshot_id)
        return
    if faults.failures < ALWAYS:
        driver.tries.write(Tries(snapshot_id, count + 1))
    raise Refusal(
        grpc.StatusCode.INTERNAL,
        "backend refused the snapshot: array is out of snapshot reserve (stand-in fault)",
    )


def discard_snapshot(driver: Driver, snapshot: Snapshot) -> None:
    """Forget a snapshot, then its data."""
    with driver.drafting() as trash:
        driver.snapshots.remove(snapshot.id)
        data = driver.locate_snapshot(snapshot.id, archive=snapshot.archive)
        if data.exists():
            data.rename(trash / snapshot.id)


@contextmanager
def _holding_volumes(driver: Driver, wanted: list[Wanted]) -> Iterator[None]:
    """Keep the sources from being deleted meanwhile; other snapshots of them may be taken."""
    with ExitStack() as stack:
        for item in wanted:
            stack.enter_context(driver.locks.holding(f"volume-{item.volume.id}", shared=True))
        yield


def _land(driver: Driver, draft: Path, snapshot: Snapshot) -> None:
    target = driver.locate_snapshot(snapshot.id, archive=snapshot.archive)
    if target.exists():  # the rest of a try that died before it was recorded
        target.rename(draft / f"{snapshot.id}.rest")
    (draft / snapshot.id).rename(target)
    driver.snapshots.write(snapshot)


def _measure(driver: Driver, volume: Volume, data: Path, *, live: bool) -> int:
    meaning = driver.variant.snapshot_size
    if meaning == "capacity":
        return volume.capacity
    if meaning == "archive" and live:
        return data.stat().st_size
    return copies.count_bytes(driver.locate_volume(volume) if live else data)
