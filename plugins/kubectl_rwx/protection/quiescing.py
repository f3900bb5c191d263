"""Making every writer of a set stand still while it is cut, and letting it go on whatever happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager

from kubectl_rwx.protection.filesystems import refuse_fsfreeze
from kubectl_rwx.protection.freezes import Freezer
from kubectl_rwx.protection.hooks import Hook, find_hooks, has_own_hook
from kubectl_rwx.protection.quiesce_requests import CONTINUE, HOOK, QuiesceRequest
from kubectl_rwx.protection.rights import Right, require_rights
from kubectl_rwx.protection.scale_downs import ScaleDown, owners_of, refuse_fights, unprovable, unstoppable
from kubectl_rwx.protection.stillness import Hold
from plugin_core import errors
from plugin_core.kube.cluster import Cluster
from plugin_core.model.durations import Deadline
from plugin_core.model.kinds import POD
from plugin_core.model.progress import Progress
from plugin_core.workloads.writers import Writer, find_writers

Release = Callable[[], dict[str, str]]
"""Lets the writers go on; says what could not be, by what it is. A repeat does only what is left."""


@contextmanager
def hold_still(
    cluster: Cluster, request: QuiesceRequest, claims: Collection[str], *, run: str, why: str, deadline: Deadline,
    progress: Progress,
) -> Iterator[Hold]:
    """Within the block all running writers of the claims stand still, or hold.broken says which do not.

    On leaving it, by whatever way, they go on. Raises NotReady before anything is changed when a writer is unmanaged or
    not covered (unless --force), and after thawing when a freeze failed (unless --on-freeze-error=continue). Under
    dry-run the writers are found and told, and nothing else is done.
    """
    hold = Hold(mode=request.mode)
    if not request.on:
        yield hold
        return
    hold.writers = find_writers(cluster, claims, namespace=cluster.namespace)
    _tell_writers(hold.writers, progress)
    if not cluster.dry_run.on:
        holders = {writer.owned.owner.kind if writer.owned.owner else POD for writer in hold.writers}
        require_rights(cluster, [Right("patch", kind) for kind in sorted(holders, key=lambda kind: kind.name)],
                       namespace=cluster.namespace)
    began, release = time.monotonic(), _nothing
    try:
        if request.mode == HOOK:
            hooks, left_out = _choose_hooks(cluster, request, hold)
            hold.by = _words(hooks)
            freezer = Freezer(cluster, hooks, run=run, why=why, seconds=request.freeze_timeout, progress=progress)
            if not cluster.dry_run.on and hooks:
                release = freezer.thaw
                began = time.monotonic()
                _freeze(freezer, hold, request)
        else:
            stays, doubtful = unstoppable(hold.writers), unprovable(hold.writers)
            left_out = _uncovered(hold.writers, [*doubtful, *stays], request, scaled=True)
            owners = owners_of([writer for writer in hold.writers if writer not in dict(stays)])
            refuse_fights(cluster, owners, force=request.force, progress=progress)
            hold.by = "scaled to 0: " + ", ".join(map(str, owners)) if owners else "no pod writes to it"
            scaling = ScaleDown(cluster, owners, run=run, why=why, progress=progress)
            if not cluster.dry_run.on and owners:
                release = scaling.scale_back
                scaling.scale_down(deadline=deadline)
        hold.broken += [f"{writer}: {reason}" for writer, reason in left_out]
        yield hold
    finally:
        _let_go(release, hold, cluster=cluster, began=began, progress=progress)


def check_hold(cluster: Cluster, hold: Hold, claims: Collection[str]) -> None:
    """After the cut and before the thaw: adds to hold.broken who wrote, or may have, in the meantime."""
    if not hold.on or cluster.dry_run.on or hold.broken:
        return
    now = {writer.name: writer for writer in find_writers(cluster, claims, namespace=cluster.namespace)}
    before = {writer.name: writer for writer in hold.writers} if hold.mode == HOOK else {}
    for name, writer in now.items():
        if name not in before:
            hold.broken.append(f"{writer} began to use the claims during the cut")
        elif writer.incarnation != before[name].incarnation:
            hold.broken.append(f"{writer} was started anew during the cut")
    hold.unforgiven += hold.broken


def _tell_writers(writers: Sequence[Writer], progress: Progress) -> None:
    if not writers:
        progress.note("no pod writes to these claims")
    for writer in writers:
        progress.note(f"{writer} writes to {', '.join(writer.claims)}")


def _choose_hooks(
    cluster: Cluster, request: QuiesceRequest, hold: Hold
) -> tuple[list[Hook], list[tuple[Writer, str]]]:
    hooks, without = find_hooks(hold.writers, request)
    starting = [(hook.writer, "it is not running yet") for hook in hooks if not hook.writer.running]
    left_out = _uncovered(hold.writers, [*without, *starting], request, scaled=False)
    hooks = [hook for hook in hooks if hook.writer.running]
    if not cluster.dry_run.on:
        refuse_fsfreeze(cluster, hooks)
    return hooks, left_out


def _uncovered(
    writers: Sequence[Writer], without: Sequence[tuple[Writer, str]], request: QuiesceRequest, *, scaled: bool
) -> list[tuple[Writer, str]]:
    """Writers that will not stand still. Raises NotReady naming them, and unmanaged ones, unless --force.

    With --force an unmanaged pod is frozen by hook like any other; scaling cannot stop it. A pod that carries hooks of
    its own was made to be frozen, whoever owns it.
    """
    unmanaged = [(writer, f"nobody we know manages it ({writer.owned.words})") for writer in writers
                 if not writer.managed and (scaled or not has_own_hook(writer))]
    left_out = [*without, *(unmanaged if scaled else [])]
    stopping = dict([*unmanaged, *without])
    if stopping and not request.force:
        raise errors.NotReady(
            f"{len(stopping)} of {len(writers)} writers would not stand still or are not known to be safe to stop:"
            + "".join(f"\n  {writer}: {reason}" for writer, reason in stopping.items()),
            hint="stop these pods, give them hooks, or choose the other --quiesce; --force goes on, and the set is "
                 "then quiesced only if all stood still",
        )
    return left_out


def _freeze(freezer: Freezer, hold: Hold, request: QuiesceRequest) -> None:
    optional = {str(hook) for hook in freezer.hooks if not hook.freeze.must_work}
    failed = freezer.freeze()
    hold.until = freezer.until
    hold.broken += [f"freeze failed in {where}: {words}" for where, words in failed.items()]
    fatal = {where: words for where, words in failed.items() if where not in optional}
    if fatal and request.on_freeze_error != CONTINUE:
        raise errors.NotReady(
            f"{len(fatal)} of {len(freezer.hooks)} freezes failed; no snapshot was created:"
            + "".join(f"\n  {where}: {words}" for where, words in fatal.items()),
            hint="--on-freeze-error=continue goes on, and the set is then not quiesced",
        )


def _let_go(release: Release, hold: Hold, *, cluster: Cluster, began: float, progress: Progress) -> None:
    """Ctrl-C comes once (plugin_core/cli/boundary.py): when it comes in here, we let go first, then it counts."""
    if release is _nothing:
        return
    try:
        failed = release()
    except KeyboardInterrupt:
        failed = release()
        _tell_window(failed, hold, cluster=cluster, began=began, progress=progress)
        raise
    _tell_window(failed, hold, cluster=cluster, began=began, progress=progress)


def _tell_window(failed: dict[str, str], hold: Hold, *, cluster: Cluster, began: float, progress: Progress) -> None:
    hold.seconds = time.monotonic() - began
    what = "frozen" if hold.mode == HOOK else "scaled down"
    if not failed:
        progress.note(f"writers were {what} for {hold.seconds:.1f}s")
        return
    for where, words in failed.items():
        hold.unforgiven.append(f"{where} could not be let go: {words}")
        progress.warn(f"{where} is still {what}: {words}")
    rest = f"; the timer in the pod thaws it by {hold.until:%H:%M:%S} UTC" if hold.until else ""
    progress.warn(f"to let it go: kubectl rwx thaw --all -n {cluster.namespace}{rest}")


def _words(hooks: Sequence[Hook]) -> str:
    if not hooks:
        return "no pod writes to it"
    origins = ", ".join(dict.fromkeys(hook.origin for hook in hooks))
    return f"frozen by {origins}: " + ", ".join(f"pod/{hook.pod}" for hook in hooks)[:500]


def _nothing() -> dict[str, str]:
    return {}
