"""What running, following and cancelling a policy answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from oc_gsb.kasten.actions import Ending, action_item
from oc_gsb.kasten.following import Look
from oc_gsb.kasten.sizes import format_size
from plugin_core import errors
from plugin_core.kube.cluster import DryRun
from plugin_core.model.durations import format_duration, seconds_since
from plugin_core.model.reports import Column, Item, Report, Section, column


@dataclass(frozen=True)
class Answer:
    """report: what to show. failure: what to raise afterwards; None when all went well."""

    report: Report
    failure: errors.PluginError | None = None


class Waited(Protocol):
    """What messages need of a request."""

    @property
    def timeout(self) -> float: ...

    @property
    def wait(self) -> bool: ...


def answer_with(
    look: Look | None, *, policy: str, request: Waited, dry_run: DryRun, preflight: Sequence[Item] = (),
    wanted: bool = True,
) -> Answer:
    """look None: nothing was started. wanted: whether the run was to succeed; a cancelled one was not."""
    actions = (look.action, *look.children) if look else ()
    items = tuple(action_item(action) for action in actions)
    volumes = tuple({"action": f"{item['kind']}/{item['name']}".lower(), **volume}
                    for item in items for volume in item["volumes"])
    sections = (
        Section("preflight", "PREFLIGHT", tuple(preflight) if not look else _not_ok(preflight),
                (column("SUBJECT", "subject"), column("CHECK", "check"), column("VERDICT", "verdict"),
                 column("OBSERVED", "observed"), column("ADVICE", "advice", wide=True))),
        Section("volumes", "VOLUMES", volumes, (
            column("CLAIM", "claim"), column("ACTION", "action"), column("OPERATION", "operation"),
            Column("PROGRESS", lambda item: "<unknown>" if item["percent"] is None else f"{item['percent']}%"),
            Column("DATA", lambda item: "<unknown>" if item["transferredBytes"] is None
                   else format_size(item["transferredBytes"])))),
    )
    columns = (
        Column("ACTION", lambda item: f"{item['kind'].lower()}/{item['name']}"), column("NAMESPACE", "namespace"),
        column("STATE", "state"), Column("PROGRESS", lambda item: f"{item['progress']}%"),
        Column("TIME", _duration), column("RESTOREPOINT", "restorePoint"), column("MESSAGE", "message"),
    )
    report = Report(
        kind="PolicyRun", items=items, columns=columns, name=lambda item: f"{item['kind'].lower()}/{item['name']}",
        facts={"policy": policy, "dryRun": dry_run.value}, sections=sections,
        empty=f"Nothing was run{dry_run.suffix}.",
    )
    return Answer(report, failure_of(look, request) if look and wanted else None)


def _not_ok(items: Sequence[Item]) -> tuple[Item, ...]:
    return tuple(item for item in items if item["verdict"] in ("warn", "fail"))


def _duration(item: Item) -> str:
    if not item["startTime"]:
        return "<none>"
    until = seconds_since(item["endTime"]) if item["endTime"] else 0.0
    return format_duration(round(max(0.0, seconds_since(item["startTime"]) - until), 1))


def failure_of(look: Look, request: Waited) -> errors.PluginError | None:
    """A failed export after a good backup is said as both: there is a local restore point."""
    action = look.action
    if action.ending is Ending.COMPLETE or (not request.wait and not look.final):
        return None
    if not look.final:
        return errors.TimedOut(
            f"{action} was not over within {format_duration(request.timeout)} (--timeout): {action.brief}",
            hint="it goes on in Kasten; the same command follows it again")
    if action.ending is Ending.CANCELLED:
        return errors.PluginError(f"{action} was cancelled")
    bad = [one for one in look.children if one.ending is Ending.FAILED]
    words = "; ".join(f"{one}: {'; '.join(one.errors)}" for one in bad if one.errors) or "; ".join(action.errors)
    points = [one.restore_point for one in look.children
              if one.kind.name == "BackupAction" and one.ending is Ending.COMPLETE and one.restore_point]
    hint = ("all of Kasten's words: the same with -o json (errorChain); its log: kubectl -n kasten-io logs -l "
            "component=executor")
    if points and all(one.kind.name == "ExportAction" for one in bad) and bad:
        return errors.PartlyDone(
            f"the backup is done, its export failed: {words}; the local restore point {', '.join(points)} exists, "
            "which a lost cluster would take with it", hint=hint)
    return errors.PluginError(f"{action} {action.state.lower()}: {words or 'Kasten does not say why'}", hint=hint)
