"""Shows that the import contracts of setup.cfg can fail: breaks them in a copy of plugins/, lint-imports must say so.

A contract that names a package which was renamed keeps silently; this tells. Run by the unit tests and by hand.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LAYERS, CLIENT, CLICK = (
    "imports go down only", "only plugin_core.kube talks to the kubernetes client", "operations never see click"
)
BREACHES = (
    # module that is changed, what it imports then, the contract that forbids it
    ("plugin_core/errors.py", "plugin_core.model.kinds", LAYERS),
    ("plugin_core/names.py", "plugin_core.kube.cluster", LAYERS),
    ("plugin_core/model/refs.py", "plugin_core.kube.cluster", LAYERS),
    ("plugin_core/kube/cluster.py", "plugin_core.storage", LAYERS),
    ("plugin_core/workloads/__init__.py", "plugin_core.storage", LAYERS),
    ("plugin_core/storage/__init__.py", "plugin_core.render.reports", LAYERS),
    ("plugin_core/render/reports.py", "plugin_core.cli.targets", LAYERS),
    ("plugin_core/cli/targets.py", "kubectl_rwx.main", LAYERS),
    ("kubectl_rwx/__init__.py", "oc_gsb.main", LAYERS),
    ("oc_gsb/__init__.py", "kubectl_rwx.main", LAYERS),
    ("plugin_core/cli/sessions.py", "kubernetes", CLIENT),
    ("plugin_core/render/progress.py", "urllib3", CLIENT),
    ("oc_gsb/main.py", "websocket", CLIENT),
    ("plugin_core/kube/waiting.py", "click", CLICK),
    ("plugin_core/render/__init__.py", "click", CLICK),
    ("kubectl_rwx/protection/__init__.py", "click", CLICK),
    ("oc_gsb/sidecar/__init__.py", "click", CLICK),
    ("oc_gsb/scc/__init__.py", "click", CLICK),
)


def verdicts(folder: Path) -> tuple[dict[str, str], str]:
    """KEPT or BROKEN by contract, and everything lint-imports said."""
    script = "import sys; from importlinter.cli import lint_imports_command; lint_imports_command()"
    ran = subprocess.run(
        [sys.executable, "-c", script, "--no-cache"], cwd=folder, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(folder / "plugins"), "COLUMNS": "200"},
    )
    said = ran.stdout + ran.stderr
    return dict(re.findall(r"^(.+) (KEPT|BROKEN)\b", said, flags=re.MULTILINE)), said


def copy_to(folder: Path) -> None:
    shutil.copytree(ROOT / "plugins", folder / "plugins", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    shutil.copy(ROOT / "setup.cfg", folder)


def unnoticed_breaches() -> list[str]:
    """What lint-imports did not say although it should have; [] is good."""
    missing = []
    with tempfile.TemporaryDirectory(prefix="contracts-") as name:
        folder = Path(name)
        copy_to(folder)
        kept, said = verdicts(folder)
        missing += [f"broken as it is: {rule}" for rule in (LAYERS, CLIENT, CLICK) if kept.get(rule) != "KEPT"]
        for module, imported, _ in BREACHES:
            with (folder / "plugins" / module).open("a") as file:
                file.write(f"\nimport {imported}  # a breach\n")
        broken, said = verdicts(folder)
        missing += [f"still kept: {rule}" for rule in (LAYERS, CLIENT, CLICK) if broken.get(rule) != "BROKEN"]
        for module, imported, _ in BREACHES:
            importer = module.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            if not re.search(rf"\b{importer} -> {imported}\b", said):
                missing.append(f"unnoticed: {importer} imports {imported}")
    return missing


def main() -> int:
    missing = unnoticed_breaches()
    print("\n".join(missing) or f"each of {len(BREACHES)} breaches was noticed")
    return int(bool(missing))


if __name__ == "__main__":
    sys.exit(main())
