"""What kopia can really do with files: a backup and a restore of one small file, inside the sidecar.

That kopia starts does not prove that it reads other users' files or gives restored files their owner. So it is made to:
in a folder of its own on the sidecar's scratch volume it restores a file of another user, which proves CHOWN (the
owner) and FOWNER (the time, set when the file is already another's), and backs it up again, which proves DAC_OVERRIDE,
since a plain process cannot open it. On each claim, one small file closed to the sidecar's user is backed up to that
folder. kopia is started directly, never through a shell: see no-new-privileges. Nothing is written to the claims.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from oc_gsb.sidecar.containers import KOPIA_VOLUMES, SidecarMount
from oc_gsb.sidecar.probe_scripts import CLEAN, FIND_CLOSED, LOOK, PREPARE, FoundFile, parse_found
from plugin_core import errors
from plugin_core.kube.cluster import ExecResult
from plugin_core.model.checks import Check, Verdict
from plugin_core.model.quantities import parse_quantity

Run = Callable[[Sequence[str]], ExecResult]
"""Runs a command in the sidecar. Raises ApiFailure or TimedOut when it could not be run to its end."""

SCRATCH_PATH = KOPIA_VOLUMES["kopia-repo-volume"]
NEEDED = 256 * 1024**2
"""Bytes of memory: kopia 0.19 was seen to take 204 MiB for a repository with one small file."""
READ, OWN = "read-closed-file", "chown-on-scratch"
_DENIED = "kopia runs without its capabilities there: see capabilities-bounding and no-new-privileges"
_SQUASHED = "kopia can read such a file on the scratch volume but not here: the storage does not honour the " \
            "capabilities, as NFS with root_squash does"


class _NotProven(Exception):
    """The measurement itself could not be made; the message says why."""


class _Refused(_NotProven):
    """A command ran and failed; the message has its exit code and last line."""


@dataclass(frozen=True)
class _Snapshot:
    """id: what a restore names. content: the same for the same bytes."""

    id: str
    content: str


def prove_files(
    run: Run, *, claims: Sequence[SidecarMount], starts: bool, memory_limit: str = ""
) -> Iterator[Check]:
    """The checks chown-on-scratch, read-closed-file, and one `read VOLUME` for each claim.

    starts: whether kopia starts at all; when not, all of them fail without being tried. memory_limit: the sidecar's, ""
    for none; below NEEDED nothing is tried, since the sidecar could be killed for it. Raises Forbidden when exec is not
    allowed; what else goes wrong is a verdict. The folder is removed whatever happens, also on an interrupt.
    """
    names = [OWN, READ, *(f"read {claim.volume}" for claim in claims)]
    if not starts:
        yield from (Check(name, Verdict.FAIL, "kopia cannot start", "see kopia-direct") for name in names)
        return
    if memory_limit and parse_quantity(memory_limit) < NEEDED:
        words = f"not proven: kopia takes about 200 MiB for it, and the sidecar's memory limit is {memory_limit}"
        yield from (Check(name, Verdict.WARN, words, "give it more: --memory-limit") for name in names)
        return
    kopia = _Kopia(run, f"{SCRATCH_PATH}/oc-gsb-verify-{secrets.token_hex(4)}")
    checks: list[Check] = []
    try:
        checks += kopia.prove_scratch()
        checks += kopia.prove_claims(claims, reads=checks[-1].verdict is Verdict.OK)
    except _NotProven as error:
        missing = names[len(checks):]
        checks += [Check(name, Verdict.WARN, f"not proven: {error}") for name in missing]
    finally:
        left = kopia.clean()
    yield from checks
    if left:
        yield Check("scratch-cleaned", Verdict.WARN, left, "it goes with the pod")


class _Kopia:
    """One scratch folder and the kopia repository in it."""

    def __init__(self, run: Run, folder: str) -> None:
        self._run, self._folder = run, folder
        self._flags = (f"--config-file={folder}/config", f"--log-dir={folder}/log")

    def prove_scratch(self) -> list[Check]:
        """chown-on-scratch and read-closed-file. Raises _NotProven."""
        source = parse_found(self._script(PREPARE, self._folder))
        if source is None:
            raise _NotProven("there is no readable file of another user in the image to restore")
        self._kopia("repository", "create", "filesystem", f"--path={self._folder}/repository",
                    f"--password={secrets.token_hex(16)}", f"--cache-directory={self._folder}/cache",
                    "--no-check-for-updates", "--override-username=oc-gsb", "--override-hostname=verify")
        original = self._snapshot(source.path)
        closed = f"{self._folder}/closed"
        self._kopia("restore", original.id, closed, "--skip-permissions")
        words = self._script(LOOK, closed)
        restored = parse_found(words)
        if restored is None:
            raise _NotProven(f"what was restored cannot be looked at: {words[:80]!r}")
        return [self._judge_owner(source, restored),
                self._judge_read(source, restored, original, plain="readable" in words.splitlines())]

    def _judge_owner(self, source: FoundFile, restored: FoundFile) -> Check:
        if restored.owner != source.owner:
            return Check(OWN, Verdict.FAIL, f"kopia restored a file of user {source.owner} as user {restored.owner}",
                         f"restored files would not get their owners: {_DENIED}")
        if restored.time != source.time:
            return Check(OWN, Verdict.FAIL, f"kopia gave the file to user {restored.owner}, but could then not set its "
                         "time", f"FOWNER is missing: {_DENIED}")
        return Check(OWN, Verdict.OK, f"in {SCRATCH_PATH} kopia restored a file to user {restored.owner} with its time")

    def _judge_read(self, source: FoundFile, restored: FoundFile, original: _Snapshot, *, plain: bool) -> Check:
        if restored.owner != source.owner:
            return Check(READ, Verdict.WARN, "not proven: no file could be given to another user")
        shown = f"a {restored.mode:04o} file of user {restored.owner}"
        if plain and not restored.closed_to_others:
            return Check(READ, Verdict.WARN, f"not proven: {shown} is open to all")
        try:
            again = self._snapshot(restored.path)
        except _Refused as error:
            return Check(READ, Verdict.FAIL, f"{shown}: {error}", _DENIED)
        if again.content != original.content:
            return Check(READ, Verdict.FAIL, f"{shown}: kopia read other bytes than it had written", _DENIED)
        plainly = "can too: the sidecar's user has the capabilities" if plain else "cannot"
        return Check(READ, Verdict.OK, f"kopia read {shown}; a plain process {plainly}")

    def prove_claims(self, claims: Sequence[SidecarMount], *, reads: bool) -> Iterator[Check]:
        """`read VOLUME` for each claim. reads: whether kopia could read such a file on the scratch volume."""
        for claim in claims:
            name = f"read {claim.volume}"
            try:
                words = self._script(FIND_CLOSED, claim.path)
                found = parse_found(words)
                if found is None:
                    yield Check(name, Verdict.SKIP, f"not proven here: {words.strip() or 'nothing was found'}")
                    continue
            except _NotProven as error:
                yield Check(name, Verdict.SKIP, f"not proven here: {error}")
                continue
            shown = f"{found.path} ({found.mode:04o}, user {found.owner})"
            try:
                self._snapshot(found.path)
            except _Refused as error:
                yield Check(name, Verdict.FAIL, f"{shown}: {error}", _SQUASHED if reads else _DENIED)
            except _NotProven as error:
                yield Check(name, Verdict.WARN, f"not proven: {shown}: {error}")
            else:
                yield Check(name, Verdict.OK, f"kopia read {shown}, which a plain process cannot open")

    def clean(self) -> str:
        """Removes the folder; "" or what stays and why. Raises nothing of ours but an interrupt."""
        try:
            done = self._run(("bash", "-c", CLEAN, "verify", self._folder))
        except (errors.ApiFailure, errors.TimedOut) as error:
            return f"{self._folder} stays on the scratch volume: {error.message}"
        return f"{self._folder} stays on the scratch volume: {_last_line(done)}" if done.exit_code else ""

    def _snapshot(self, path: str) -> _Snapshot:
        words = self._kopia("snapshot", "create", path, "--json")
        try:
            made = json.loads(words)
            return _Snapshot(str(made["id"]), str(made["rootEntry"]["obj"]))
        except (ValueError, KeyError, TypeError) as error:
            raise _NotProven(f"kopia snapshot create answered no JSON of a snapshot: {words[:80]!r}") from error

    def _kopia(self, *words: str) -> str:
        return self._checked(("kopia", *words, *self._flags), shown=f"kopia {words[0]} {words[1]}")

    def _script(self, script: str, *arguments: str) -> str:
        return self._checked(("bash", "-c", script, "verify", *arguments), shown="looking with bash")

    def _checked(self, command: Sequence[str], *, shown: str) -> str:
        try:
            done = self._run(command)
        except errors.Forbidden:
            raise
        except errors.TimedOut as error:
            raise _NotProven(f"{shown} did not end in time (--timeout)") from error
        except errors.ApiFailure as error:
            raise _NotProven(f"{shown}: {error.server_message}") from error
        if done.exit_code:
            raise _Refused(f"{shown}: exit code {done.exit_code}: {_last_line(done)}")
        return done.stdout


def _last_line(done: ExecResult) -> str:
    """kopia puts its colored error behind its progress, on the same line."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
    lines = [line for line in plain.splitlines() if line.strip()]
    return lines[-1].rpartition("ERROR ")[2].strip() if lines else "without a word"
