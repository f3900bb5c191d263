"""House rules that no general linter knows, each with what to do instead. `make check` runs it; exit 1: one is broken.

A rule looks at one file and yields the lines that break it. Rules about code read the syntax tree, so that words in
docstrings and help texts are free.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

FOLDERS = ("plugins", "tests", "build", "docs", "krew")
SUFFIXES = (".py", ".md", ".sh", ".yaml", ".spec")
LONGEST = 300
LONG = 250


@dataclass
class File:
    """path: from the root, with slashes."""

    path: str
    text: str

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, filename=self.path)

    def inside(self, *folders: str) -> bool:
        return self.path.startswith(folders)


Finder = Callable[[File], Iterator[int]]


@dataclass(frozen=True)
class Rule:
    """applies: which files it looks at. find: the numbers of the lines that break it. instead: the alternative."""

    name: str
    instead: str
    applies: Callable[[File], bool]
    find: Finder
    warning: bool = False


def in_code(file: File) -> bool:
    return file.inside("plugins/") and file.path.endswith(".py")


def in_logic(file: File) -> bool:
    """Where operations live: not the two packages that may write, not the executables' own entry."""
    return in_code(file) and not file.inside("plugins/plugin_core/render/", "plugins/plugin_core/cli/")


def in_tests(file: File) -> bool:
    return file.inside("tests/") and file.path.endswith(".py")


def grep(pattern: str) -> Finder:
    expression = re.compile(pattern)

    def find(file: File) -> Iterator[int]:
        return (number for number, line in enumerate(file.lines, start=1) if expression.search(line))

    return find


def calls(*names: str) -> Finder:
    """Lines that call one of these, written as in the source: "print", "time.sleep"."""
    def find(file: File) -> Iterator[int]:
        return (node.lineno for node in ast.walk(file.tree)
                if isinstance(node, ast.Call) and ast.unparse(node.func) in names)

    return find


def imports_from(module: str, name: str) -> Finder:
    def find(file: File) -> Iterator[int]:
        return (node.lineno for node in ast.walk(file.tree) if isinstance(node, ast.ImportFrom)
                and node.module == module and name in {alias.name for alias in node.names})

    return find


def either(*finders: Finder) -> Finder:
    return lambda file: (number for finder in finders for number in finder(file))


def broad_handlers(file: File) -> Iterator[int]:
    """A line marked `# house: REASON` is excused in kube/connection.py, once."""
    excused = 1 if file.path == "plugins/plugin_core/kube/connection.py" else 0
    for node in ast.walk(file.tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        if not any(kind is None or ast.unparse(kind) in ("Exception", "BaseException") for kind in caught):
            continue
        if excused and re.search(r"# house: \w+", file.lines[node.lineno - 1]):
            excused -= 1
        else:
            yield node.lineno


def missing_docstring(file: File) -> Iterator[int]:
    if not ast.get_docstring(file.tree):
        yield 1


def longer_than(limit: int, *, up_to: int | None = None) -> Finder:
    def find(file: File) -> Iterator[int]:
        if limit < len(file.lines) <= (up_to or len(file.lines)):
            yield max(1, len(file.lines))

    return find


def own_keys(file: File) -> Iterator[int]:
    """Our annotation and label keys as values; docstrings may show them to users."""
    shown = {id(node.value) for node in ast.walk(file.tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in shown:
            if re.search(r"\b(kubectl-rwx|oc-gsb)\.io/", node.value):
                yield node.lineno


def shell_strings(file: File) -> Iterator[int]:
    for node in ast.walk(file.tree):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        if name in ("os.system", "os.popen"):
            yield node.lineno
        elif re.fullmatch(r"subprocess\.(run|Popen|call|check_call|check_output)", name):
            as_text = bool(node.args) and isinstance(node.args[0], (ast.Constant, ast.JoinedStr, ast.BinOp))
            if as_text or any(word.arg == "shell" for word in node.keywords):
                yield node.lineno


RULES = (
    Rule("print", "return a Report, or tell the Progress you were given", in_logic, calls("print")),
    Rule("exit", "raise a PluginError; its exit code follows",
         lambda file: in_logic(file) and not file.path.endswith("/main.py"),
         either(calls("sys.exit", "exit", "quit", "os._exit"), grep(r"\braise SystemExit\b"))),
    Rule("sleep", "kube.waiting.wait_for, or waiting.pause where there is nothing to watch", in_logic,
         either(calls("time.sleep"), imports_from("time", "sleep"))),
    Rule("broad except", "name what can be raised; cli/boundary.py catches the rest",
         lambda file: in_code(file) and file.path != "plugins/plugin_core/cli/boundary.py", broad_handlers),
    Rule("vague name", "name the module after what it holds",
         lambda file: bool(re.search(r"(^|/)(utils?|helpers?|common|misc)(\.py|/)", file.path)), longer_than(-1)),
    Rule(f"more than {LONGEST} lines", "split it along what changes together", in_code, longer_than(LONGEST)),
    Rule(f"more than {LONG} lines", "think of a split", in_code, longer_than(LONG, up_to=LONGEST), warning=True),
    Rule("floating image tag", "name a version", lambda file: file.inside("plugins/", "krew/"), grep(r":(?:latest)\b")),
    Rule("unfinished business", "do it now, or open an issue", lambda file: True, grep(r"\b(TO[D]O|FIX[M]E|XX[X])\b")),
    Rule("skipped test", "make it run; what cannot be tested here must not look tested", in_tests,
         grep(r"\b(pytest\.(skip|xfail|importorskip)|mark\.(skip|xfail)|unittest\.skip)\b")),
    Rule("skipped test", "make it run; only what needs the sandbox may be left out, on other clusters",
         lambda file: in_tests(file) and not file.inside("tests/cluster/"), grep(r"\bmark\.(skipif)\b")),
    Rule("no module docstring", "say what lives here, and for a package what must not", in_code, missing_docstring),
    Rule("own annotation or label spelled out", "take it from plugin_core.names",
         lambda file: in_code(file) and file.path != "plugins/plugin_core/names.py", own_keys),
    Rule("command line as text", "give subprocess a list of words, without a shell", in_code, shell_strings),
)


@dataclass(frozen=True)
class Finding:
    path: str
    line: int
    rule: Rule

    def __str__(self) -> str:
        word = "warning: " if self.rule.warning else ""
        return f"{self.path}:{self.line}: {word}{self.rule.name} → {self.rule.instead}"


def files_below(root: Path) -> Iterator[File]:
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in SUFFIXES and path.is_file() and "__pycache__" not in path.parts:
                yield File(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))


def findings_below(root: Path) -> list[Finding]:
    """Every broken rule of every file, in order."""
    found = [Finding(file.path, line, rule) for file in files_below(root) for rule in RULES if rule.applies(file)
             for line in rule.find(file)]
    return sorted(found, key=lambda finding: (finding.path, finding.line))


def main(root: Path) -> int:
    found = findings_below(root)
    for finding in found:
        print(finding)
    return int(any(not finding.rule.warning for finding in found))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[1]))
