"""krew's rules for manifests, as its documentation and its own checks state them.

Sources: krew.sigs.k8s.io/docs/developer-guide/plugin-manifest (fields, v prefix, .exe on Windows, archive types) and
kubernetes-sigs/krew internal/index/validation (names, sha256, selectors, files); 50 characters: the krew-index review.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_SEMVER = re.compile(r"v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")
_SYSTEMS = {"os": ("linux", "darwin", "windows"), "arch": ("amd64", "arm64", "386", "arm", "ppc64le", "s390x")}


def broken_rules(file_name: str, manifest: dict[str, Any]) -> list[str]:
    """One sentence for each rule that the manifest breaks."""
    return [*_about_the_plugin(file_name, manifest), *(
        f"platform {number}: {problem}" for number, platform in enumerate(manifest["spec"].get("platforms") or ())
        for problem in _about_a_platform(platform)
    )]


def _about_the_plugin(file_name: str, manifest: dict[str, Any]) -> Iterator[str]:
    name, spec = manifest["metadata"]["name"], manifest["spec"]
    if manifest["apiVersion"] != "krew.googlecontainertools.github.com/v1alpha2" or manifest["kind"] != "Plugin":
        yield "not apiVersion v1alpha2, kind Plugin"
    if not re.fullmatch(r"[\w-]+", name) or file_name != f"{name}.yaml":
        yield "the file is not called after the plugin, or its name has letters that krew refuses"
    if set(manifest) - {"apiVersion", "kind", "metadata", "spec"} or set(spec) - {
            "version", "homepage", "shortDescription", "description", "caveats", "platforms"}:
        yield "a field that krew does not know"
    if not _SEMVER.fullmatch(str(spec.get("version"))):
        yield "the version is not semantic with a v before it"
    short = spec.get("shortDescription") or ""
    if not short or len(short) > 50 or "\n" in short:
        yield "shortDescription is missing, has lines, or more than 50 characters"
    if short.lower().startswith(("kubectl", "a plugin")) or short.endswith("."):
        yield "shortDescription spends words on being a plugin, or is a sentence"
    if not str(spec.get("homepage")).startswith("https://"):
        yield "homepage is no https address"
    if not spec.get("description"):
        yield "description is missing"
    if not isinstance(spec.get("caveats", ""), str):
        yield "caveats is no text"
    if not spec.get("platforms"):
        yield "no platform"


def _about_a_platform(platform: dict[str, Any]) -> Iterator[str]:
    if set(platform) - {"selector", "uri", "sha256", "files", "bin"}:
        yield "a field that krew does not know"
    labels = (platform.get("selector") or {}).get("matchLabels") or {}
    if not labels or any(value not in _SYSTEMS.get(key, ()) for key, value in labels.items()):
        yield "the selector is empty or has other keys or values than os and arch"
    if not re.fullmatch(r"https://\S+\.(tar\.gz|zip)", str(platform.get("uri"))):
        yield "the uri is no https address of a tar.gz or zip"
    if not re.fullmatch(r"[a-f0-9]{64}", str(platform.get("sha256"))):
        yield "sha256 is not 64 lower-case hexadecimal digits"
    files = platform.get("files")
    if files is not None and (not files or any(not (one.get("from") and one.get("to")) for one in files)):
        yield "files is empty, or lacks from or to"
    program = str(platform.get("bin") or "")
    if not program or program.startswith("/") or ".." in program.split("/"):
        yield "bin is missing or leaves the folder"
    if (labels.get("os") == "windows") != program.endswith(".exe"):
        yield "bin ends in .exe on Windows, and only there"
