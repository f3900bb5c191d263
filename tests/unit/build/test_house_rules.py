"""Each house rule shown to fail, and to leave alone what it should."""

from __future__ import annotations

import subprocess
import sys

import pytest
from unit.build.scripts import ROOT, load

house_rules = load("house_rules")
DOC = '"""Words."""\n'
LOGIC = "plugins/oc_gsb/sidecar/template.py"


def broken(tmp_path, path, text):
    """The names of the rules that this one file breaks, with the lines."""
    file = tmp_path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return [(finding.rule.name, finding.line) for finding in house_rules.findings_below(tmp_path)]


@pytest.mark.parametrize("path, text, expected", [
    (LOGIC, DOC + "print('x')\n", ("print", 2)),
    ("plugins/kubectl_rwx/commands/list.py", DOC + "print('x')\n", ("print", 2)),
    (LOGIC, DOC + "import sys\nsys.exit(1)\n", ("exit", 3)),
    (LOGIC, DOC + "raise SystemExit\n", ("exit", 2)),
    (LOGIC, DOC + "import time\ntime.sleep(1)\n", ("sleep", 3)),
    (LOGIC, DOC + "from time import sleep\n", ("sleep", 2)),
    (LOGIC, DOC + "try:\n    x = 1\nexcept Exception:\n    pass\n", ("broad except", 4)),
    (LOGIC, DOC + "try:\n    x = 1\nexcept (OSError, BaseException):\n    pass\n", ("broad except", 4)),
    ("plugins/plugin_core/cli/targets.py", DOC + "try:\n    x = 1\nexcept:\n    pass\n", ("broad except", 4)),
    (LOGIC, DOC + "try:\n    x = 1\nexcept Exception:  # house: because\n    pass\n", ("broad except", 4)),
    ("plugins/plugin_core/kube/connection.py",
     DOC + "try:\n    x = 1\nexcept Exception:  # house:\n    pass\n", ("broad except", 4)),
    ("plugins/plugin_core/kube/connection.py",
     DOC + "try:\n    x = 1\nexcept Exception:  # house: one\n    pass\n" * 2, ("broad except", 8)),
    ("plugins/oc_gsb/utils.py", DOC, ("vague name", 1)),
    ("tests/helpers/pods.py", DOC, ("vague name", 1)),
    (LOGIC, DOC + "x = 1\n" * 300, ("more than 300 lines", 301)),
    (LOGIC, DOC + "x = 1\n" * 250, ("more than 250 lines", 251)),
    (LOGIC, DOC + "image = 'tools:lat" + "est'\n", ("floating image tag", 2)),
    ("krew/plugins/rwx.yaml", "image: tools:lat" + "est\n", ("floating image tag", 1)),
    (LOGIC, DOC + "# TO" + "DO later\n", ("unfinished business", 2)),
    ("docs/guide.md", "FIX" + "ME\n", ("unfinished business", 1)),
    ("tests/unit/test_x.py", "pytest.sk" + "ip('no')\n", ("skipped test", 1)),
    ("tests/cluster/test_x.py", "@pytest.mark.xf" + "ail\n", ("skipped test", 1)),
    ("tests/unit/test_x.py", "@pytest.mark.sk" + "ipif(True)\n", ("skipped test", 1)),
    (LOGIC, "x = 1\n", ("no module docstring", 1)),
    ("plugins/oc_gsb/sidecar/__init__.py", "", ("no module docstring", 1)),
    (LOGIC, DOC + "key = 'kubectl-rwx.io/run'\n", ("own annotation or label spelled out", 2)),
    (LOGIC, DOC + "key = f'oc-gsb.io/{1}'\n", ("own annotation or label spelled out", 2)),
    (LOGIC, DOC + "import subprocess\nsubprocess.run('ls -l')\n", ("command line as text", 3)),
    (LOGIC, DOC + "import subprocess\nsubprocess.run(['ls'], shell=True)\n", ("command line as text", 3)),
    (LOGIC, DOC + "import os\nos.system('ls')\n", ("command line as text", 3)),
])
def test_rules_can_fail(tmp_path, path, text, expected):
    assert expected in broken(tmp_path, path, text)


@pytest.mark.parametrize("path, text", [
    ("plugins/plugin_core/render/progress.py", DOC + "print('x')\nimport time\ntime.sleep(1)\n"),
    ("plugins/oc_gsb/main.py", DOC + "import sys\nsys.exit(1)\n"),
    (LOGIC, '"""Shows kubectl-rwx.io/set, print( and sys.exit( in words."""\n'),
    (LOGIC, DOC + "bar.print('x')\nevent.wait(1)\n"),
    (LOGIC, DOC + "try:\n    x = 1\nexcept (OSError, ValueError):\n    pass\n"),
    ("plugins/plugin_core/cli/boundary.py", DOC + "try:\n    x = 1\nexcept Exception:\n    pass\n"),
    ("plugins/plugin_core/kube/connection.py",
     DOC + "try:\n    x = 1\nexcept Exception:  # house: because\n    pass\n"),
    (LOGIC, DOC + "x = 1\n" * 249),
    (LOGIC, DOC + "import subprocess\nsubprocess.run(['ls', '-l'])\nsubprocess.run(words)\n"),
    ("plugins/plugin_core/names.py", DOC + "RUN_LABEL = 'kubectl-rwx.io/run'\n"),
    ("tests/unit/test_x.py", "label = 'kubectl-rwx.io/run'\nprint(label)\n"),
    ("tests/cluster/test_x.py", "@pytest.mark.sk" + "ipif(own_cluster, reason='needs the sandbox')\n"),
])
def test_rules_leave_alone_what_is_right(tmp_path, path, text):
    assert broken(tmp_path, path, text) == []


def test_findings_name_place_rule_and_alternative(tmp_path, capsys):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("fine\nXX" + "X\n")
    assert house_rules.main(tmp_path) == 1
    assert capsys.readouterr().out == "docs/a.md:2: unfinished business → do it now, or open an issue\n"


def test_warnings_alone_do_not_fail(tmp_path, capsys):
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "a.py").write_text(DOC + "x = 1\n" * 260)
    assert house_rules.main(tmp_path) == 0
    assert "warning: more than 250 lines" in capsys.readouterr().out


def test_every_rule_says_what_to_do_instead():
    assert all(len(rule.instead) > 10 for rule in house_rules.RULES)


def test_this_repository_keeps_them():
    ran = subprocess.run([sys.executable, str(ROOT / "build" / "house_rules.py")], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
