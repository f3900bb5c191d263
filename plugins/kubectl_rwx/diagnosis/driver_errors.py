"""What a driver's complaint is worth: no error is final to the sidecars, but some get the same answer for ever."""

from __future__ import annotations

import re

PASSING = frozenset({"Canceled", "DeadlineExceeded", "Unavailable", "ResourceExhausted", "Aborted"})
"""gRPC codes after which the driver may still be at work (external-snapshotter isCSIFinalError)."""

LASTING = frozenset({
    "InvalidArgument", "NotFound", "AlreadyExists", "PermissionDenied", "Unauthenticated", "Unimplemented",
    "FailedPrecondition", "OutOfRange",
})
_CODE = re.compile(r"\bcode = (\w+)")


def judge_error(words: str) -> tuple[str, str]:
    """"final" or "retried", and what that means: words "" or without a gRPC code count as retried."""
    match = _CODE.search(words)
    code = match.group(1) if match else ""
    if code in LASTING:
        return "final", (
            f"looks final ({code}): the sidecar goes on trying, every 5 minutes in the end, and the same request gets "
            "the same answer until the cause is mended"
        )
    if code in PASSING:
        return "retried", f"may pass by itself ({code}): the sidecar tries again, every 5 minutes in the end"
    told = f" ({code})" if code else ""
    return "retried", (
        f"whether it passes by itself cannot be told from it{told}: the sidecar tries again, every 5 minutes in the end"
    )
