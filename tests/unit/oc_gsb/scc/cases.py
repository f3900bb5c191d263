"""The tables of SCC decisions: where they lie, and how a case is put to the prediction."""

import json
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from oc_gsb.scc import (
    Decision,
    Grant,
    Subject,
    may_use_by_grants,
    predict,
    service_account_subject,
    usable_by,
    with_api_defaults,
)

ROOT = Path(__file__).parents[4]
SMALL_TABLE = ROOT / "tests" / "golden" / "scc" / "cases.json"
BIG_TABLE = ROOT.parent / "shared" / "scc-cases" / "dev.json"  # comes with the workspace, not with the repository
VARIABLE = "SCC_CASES"


@dataclass(frozen=True)
class Case:
    table: Path
    index: int
    id: str

    def read(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The whole table and this case of it."""
        table = read_table(self.table)
        return table, table["cases"][self.index]


@lru_cache(maxsize=None)
def read_table(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise RuntimeError(f"the table of SCC decisions {path} cannot be read: {error}") from error


def big_table() -> Path | None:
    """The table named by SCC_CASES, else the one beside the repository; None when that is not there."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    return BIG_TABLE if BIG_TABLE.is_file() else None


def all_cases() -> list[Case]:
    """Every case of every table.  A table named by SCC_CASES that cannot be read is an error, not a shorter list."""
    tables = [SMALL_TABLE] + [path for path in [big_table()] if path is not None]
    return [
        Case(table, index, case["id"]) for table in tables for index, case in enumerate(read_table(table)["cases"])
    ]


def decide(table: dict[str, Any], asked: dict[str, Any]) -> Decision:
    """The prediction for one case's input."""
    namespace = asked["namespace"]
    pod = with_api_defaults(asked["pod"])
    requester = table["requesters"][asked["requester"]]
    grants = [
        Grant(
            scc=grant["scc"],
            kind=grant["subject"]["kind"],
            name=grant["subject"]["name"],
            subject_namespace=grant["subject"].get("namespace"),
            namespace=grant["namespace"],
        )
        for grant in asked["grants"]
    ]
    usable = usable_by(
        service_account=service_account_subject(namespace, pod["spec"]["serviceAccountName"]),
        requester=Subject(requester["name"], tuple(requester["groups"])),
        may_use=may_use_by_grants(grants, namespace=namespace),
    )
    return predict(
        pod,
        sccs=[table["sccs"][name] for name in asked["sccs"]],
        namespace_annotations=table["namespaces"][namespace],
        usable=usable,
        namespace=namespace,
    )
