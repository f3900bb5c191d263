"""Pages of a listing whose entries come and go between calls."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import grpc

from sandbox.csi.refusals import Refusal

_PREFIX = "after:"
Entry = TypeVar("Entry")


def cut_page(
    entries: Sequence[Entry], *, token: str, limit: int, identify: Callable[[Entry], str]
) -> tuple[list[Entry], str]:
    """The entries of one page, and the token for the next or an empty text at the end.

    The token names the last entry given, not a position, so that entries added or deleted in between neither repeat nor
    hide others. Entries come in the order of their ids; ``limit`` 0 means all.
    """
    if token and not token.startswith(_PREFIX):
        raise Refusal(grpc.StatusCode.ABORTED, f"starting_token {token!r} is none of ours; list from the beginning")
    last = token.removeprefix(_PREFIX)
    remaining = [entry for entry in entries if identify(entry) > last]
    page = remaining[:limit] if limit else remaining
    return page, f"{_PREFIX}{identify(page[-1])}" if len(page) < len(remaining) else ""
