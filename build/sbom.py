"""Writes dist/kubectl-rwx-vVERSION-OS-ARCH.cdx.json: what the archive of this system contains, as CycloneDX.

The frozen executables themselves are asked which modules they hold, so the list is neither the wishes of setup.cfg nor
the developer's virtualenv. cyclonedx-py describes the packages; Python and the native libraries are added by us. The
same frozen folder gives the same bytes. A package that no dependency of ours needs has got in by accident: an error.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import subprocess
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

from archive import DIST, ROOT, archive_name, read_version, this_platform

PROJECT = "kubectl-rwx"
OURS = {"plugin_core", "kubectl_rwx", "oc_gsb"}
_NATIVE = re.compile(r"\.(so|dylib|dll)(\.[0-9.]+)?$")
_EXTENSION = re.compile(r"\.(cpython-|cp3|abi3)|\.pyd$|lib-dynload")
"""Parts of Python or of a package that is listed already."""

Document = dict[str, Any]


class Unexplained(Exception):
    """Something is in the archive that nobody can account for."""


def frozen_modules(folder: Path) -> set[str]:
    """Top-level names of all modules in the executables of a frozen folder, and of the packages beside them."""
    from PyInstaller.archive.readers import CArchiveReader

    found = {path.name.partition(".")[0] for path in (folder / "_internal").iterdir()
             if path.is_dir() and any(path.rglob("*.so")) and path.name.isidentifier()}
    for path in folder.iterdir():
        if path.is_file() and path.stem in (PROJECT, "oc-gsb"):
            modules = CArchiveReader(str(path)).open_embedded_archive("PYZ.pyz").toc
            found |= {name.partition(".")[0] for name in modules}
    return found


def packages_of(modules: Iterable[str]) -> set[str]:
    """The installed packages these modules come from; Python's own and ours are left out. Raises Unexplained."""
    owners = metadata.packages_distributions()
    foreign = {name for name in modules if name not in sys.stdlib_module_names and name not in OURS}
    unknown = sorted(name for name in foreign if name not in owners and not name.startswith(("_pyi", "pyi", "entry_")))
    if unknown:
        raise Unexplained(f"in the executables, and of no installed package: {', '.join(unknown)}")
    return {normalised(owner) for name in foreign for owner in owners.get(name, ())} - {PROJECT}


def needed_packages() -> set[str]:
    """What the project's own requirements, without extras, lead to in this virtualenv."""
    needed: set[str] = set()
    waiting = [PROJECT]
    while waiting:
        for requirement in metadata.requires(waiting.pop()) or ():
            name = normalised(re.split(r"[\s;\[<>=!~(]", requirement, maxsplit=1)[0])
            if "extra ==" in requirement or name in needed:
                continue
            try:
                metadata.version(name)
            except metadata.PackageNotFoundError:
                continue
            needed.add(name)
            waiting.append(name)
    return needed


def normalised(name: str) -> str:
    """A package's name as PyPI compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def native_libraries(folder: Path) -> list[Document]:
    """Shared libraries of others that came along, each by its SHA-256: their versions are the build machine's."""
    return [
        {"type": "file", "bom-ref": f"file:{path.relative_to(folder).as_posix()}", "name": path.name,
         "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(path.read_bytes()).hexdigest()}]}
        for path in sorted(folder.rglob("*")) if path.is_file() and _NATIVE.search(path.name)
        and not _EXTENSION.search(path.as_posix())
    ]


def narrowed(document: Document, packages: set[str], further: list[Document], *, version: str) -> Document:
    """cyclonedx-py's document about a whole virtualenv, cut down to `packages`, with `further` components."""
    kept = [one for one in document["components"] if normalised(one["name"]) in packages]
    missing = packages - {normalised(one["name"]) for one in kept}
    if missing:
        raise Unexplained(f"cyclonedx-py does not know: {', '.join(sorted(missing))}")
    refs = {one["bom-ref"] for one in kept}
    known = {one["ref"]: sorted(refs.intersection(one.get("dependsOn", ()))) for one in document["dependencies"]}
    root = f"{PROJECT}=={version}"
    edges = {root: sorted([*refs, *(one["bom-ref"] for one in further)]), **{ref: known.get(ref, []) for ref in refs}}
    project = {"type": "application", "bom-ref": root, "name": PROJECT, "version": version,
               "purl": f"pkg:pypi/{PROJECT}@{version}", "licenses": [{"license": {"id": "Apache-2.0"}}]}
    return {
        **document, "metadata": {**document["metadata"], "component": project},
        "components": sorted([*kept, *further], key=lambda one: str(one["bom-ref"])),
        "dependencies": [{"ref": ref, **({"dependsOn": on} if on else {})} for ref, on in sorted(edges.items())],
    }


def described_virtualenv() -> Document:
    """cyclonedx-py's own document about the virtualenv that runs this."""
    tool = str(Path(sys.executable).with_name("cyclonedx-py"))
    command = [tool, "environment", "--output-reproducible", "--of", "JSON", sys.executable]
    described: Document = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return described


def main() -> int:
    folder, version = DIST / PROJECT, read_version()
    try:
        packages = packages_of(frozen_modules(folder))
        strangers = packages - needed_packages()
        if strangers:
            raise Unexplained(f"in the executables, though nothing of ours needs it: {', '.join(sorted(strangers))}; "
                              "exclude it in build/plugins.spec")
        python = {"type": "platform", "bom-ref": "python", "name": "python", "version": platform.python_version(),
                  "purl": f"pkg:generic/python@{platform.python_version()}",
                  "licenses": [{"license": {"id": "PSF-2.0"}}]}
        document = narrowed(described_virtualenv(), packages, [python, *native_libraries(folder)],
                            version=version.removeprefix("v"))
    except Unexplained as error:
        print(f"no SBOM was written: {error}", file=sys.stderr)
        return 1
    target = this_platform()
    archive = archive_name(version, target)
    path = DIST / f"{archive.removesuffix('.tar.gz').removesuffix('.zip')}.cdx.json"
    path.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    print(f"{path.relative_to(ROOT)}  {len(packages)} packages, "
          f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
