"""What is run in which pod to make it stand still and go on: from flags, or from the pod's own Velero annotations.

Velero's rules (velero.io/docs, backup hooks): `command` is a JSON array, or else one word that is run as it stands, no
shell around it; `container` defaults to the first one; `on-error` is Fail (default) or Continue; `timeout` is 30s.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from kubectl_rwx.protection.quiesce_requests import QuiesceRequest
from plugin_core import errors
from plugin_core.model.durations import parse_duration
from plugin_core.model.manifests import annotations_of, part_of
from plugin_core.workloads.writers import Writer

PRE, POST = "pre.hook.backup.velero.io", "post.hook.backup.velero.io"
VELERO_TIMEOUT = 30.0


@dataclass(frozen=True)
class Command:
    """argv (): nothing is to be run. must_work: whether its failure is one of the whole command."""

    argv: tuple[str, ...] = ()
    seconds: float = VELERO_TIMEOUT
    must_work: bool = True
    container: str = ""


@dataclass(frozen=True, eq=False)
class Hook:
    """The pair for one writer. origin: where it comes from, in words."""

    writer: Writer
    freeze: Command
    thaw: Command
    origin: str

    @property
    def pod(self) -> str:
        return self.writer.name

    def __str__(self) -> str:
        return f"pod/{self.pod} container {self.freeze.container}"


def find_hooks(
    writers: Sequence[Writer], request: QuiesceRequest
) -> tuple[list[Hook], list[tuple[Writer, str]]]:
    """A hook for each writer that has one, and the others with the reason why they have none."""
    hooks, without = [], []
    for writer in writers:
        try:
            hook = _given(writer, request) if request.freeze else velero_hook(writer)
        except errors.PluginError as error:
            without.append((writer, error.message))
            continue
        if hook:
            hooks.append(hook)
        else:
            without.append((writer, f"no --freeze is given and it has no annotation {PRE}/command"))
    return hooks, without


def has_own_hook(writer: Writer) -> bool:
    return bool(annotations_of(writer.pod).get(f"{PRE}/command"))


def velero_hook(writer: Writer) -> Hook | None:
    """From the pod's annotations; None without a freeze command. Raises UsageError when they cannot be meant."""
    if not has_own_hook(writer):
        return None
    freeze, thaw = _velero_command(writer, PRE), _velero_command(writer, POST)
    return Hook(writer, freeze, thaw, origin="Velero annotations")


def _given(writer: Writer, request: QuiesceRequest) -> Hook:
    container = _container(writer, request.container or writer.containers[0])
    seconds = request.freeze_timeout
    return Hook(
        writer, Command(("sh", "-c", request.freeze), seconds, container=container),
        Command(("sh", "-c", request.thaw), seconds, container=container), origin="--freeze",
    )


def _velero_command(writer: Writer, prefix: str) -> Command:
    notes = annotations_of(writer.pod)
    text = notes.get(f"{prefix}/command", "")
    first = str(part_of(writer.pod, "spec", "containers")[0]["name"])
    container = _container(writer, notes.get(f"{prefix}/container") or first)
    try:
        seconds = parse_duration(notes.get(f"{prefix}/timeout") or f"{VELERO_TIMEOUT:g}s")
    except ValueError as error:
        raise errors.UsageError(f"annotation {prefix}/timeout: {error}") from error
    on_error = notes.get(f"{prefix}/on-error") or "Fail"
    return Command(_argv(text, prefix), seconds, must_work=on_error != "Continue", container=container)


def _argv(text: str, prefix: str) -> tuple[str, ...]:
    if not text.strip().startswith("["):
        return (text,) if text else ()
    try:
        words = json.loads(text)
    except ValueError as error:
        raise errors.UsageError(f"annotation {prefix}/command is no JSON array: {text}") from error
    return tuple(str(word) for word in words)


def _container(writer: Writer, name: str) -> str:
    there = [str(one["name"]) for one in part_of(writer.pod, "spec", "containers") or []]
    there += [str(one["name"]) for one in part_of(writer.pod, "spec", "initContainers") or []]
    if name not in there:
        raise errors.UsageError(f'it has no container "{name}", but {", ".join(there)}')
    return name
