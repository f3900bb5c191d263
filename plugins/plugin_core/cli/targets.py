"""What users name on the command line, as kubectl writes it: `pvc/data`, `deployments web db`, `deploy.apps/web`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from plugin_core.errors import UsageError
from plugin_core.model.kinds import Kind
from plugin_core.model.refs import Target

_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.:]{0,251}[A-Za-z0-9])?")


def parse_targets(words: Sequence[str], *, allowed: Sequence[Kind]) -> tuple[Target, ...]:
    """The targets in the order given; a repeat counts once; () for no words.

    Either every word is KIND/NAME, or the first is a kind and the others are names of it. Raises UsageError naming the
    kinds that fit.
    """
    if not words:
        return ()
    targets = []
    if "/" not in words[0]:
        if len(words) == 1 and not any(words[0].lower() in spellings(kind) for kind in allowed):
            raise UsageError(f'"{words[0]}" is not KIND/NAME', hint=f"did you mean {_example(allowed)}/{words[0]}?")
        kind = parse_kind(words[0], allowed=allowed)
        if len(words) == 1:
            raise UsageError(f'"{words[0]}" names a kind but no object', hint=f"say which one: {words[0]}/NAME")
        if any("/" in word for word in words[1:]):
            raise UsageError(f"either {words[0]}/NAME for each, or {words[0]} NAME NAME…, not both: {' '.join(words)}")
        targets = [Target(kind=kind, name=_checked(word)) for word in words[1:]]
    else:
        for word in words:
            kind_word, slash, name = word.partition("/")
            if not (slash and kind_word and name and "/" not in name):
                raise UsageError(f'"{word}" is not KIND/NAME', hint=f"for example: {_example(allowed)}/NAME")
            targets.append(Target(kind=parse_kind(kind_word, allowed=allowed), name=_checked(name)))
    return tuple(dict.fromkeys(targets))


def parse_kind(word: str, *, allowed: Sequence[Kind]) -> Kind:
    """The kind among `allowed` with this singular, plural, short or .GROUP spelling. Raises UsageError."""
    spelled = word.lower()
    for kind in allowed:
        if spelled in spellings(kind):
            return kind
    fitting = ", ".join(_example([kind]) for kind in allowed)
    raise UsageError(f'"{word}" is not a kind this command works on', hint=f"it takes: {fitting}")


def spellings(kind: Kind) -> tuple[str, ...]:
    """Every lower-case way to write a kind."""
    plain = (kind.name.lower(), kind.plural, *kind.short_names)
    with_group = tuple(f"{word}.{suffix}" for word in plain for suffix in (kind.group, f"{kind.version}.{kind.group}"))
    return plain + (with_group if kind.group else ())


def _checked(name: str) -> str:
    """Refuses what would not stay one name in a URL; whether the kind allows it is the server's to say."""
    if not _NAME.fullmatch(name):
        raise UsageError(f'"{name}" is not a name Kubernetes allows', hint="write lower-case letters, digits, - and .")
    return name


def _example(kinds: Sequence[Kind]) -> str:
    return kinds[0].short_names[0] if kinds[0].short_names else kinds[0].name.lower()
