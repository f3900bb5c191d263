"""Faults of the stand-in: annotations on a Policy or Profile, so that tests beside each other are not disturbed.

That the aggregated API is down is no annotation: scale the Deployment aggregatedapis-svc to 0.
"""

from typing import Any

VALIDATION = "sandbox.rwx/fault-validation"
"""Policy, Profile: validation fails with these words; "pending": it never ends."""

EXPORT = "sandbox.rwx/fault-export"
"""Profile: exports to it fail with these words."""

FIRST_ATTEMPT = "sandbox.rwx/fault-first-attempt"
"""Policy: the backup's first attempt fails with these words, the second is made."""

STATE = "sandbox.rwx/fault-state"
"""Policy: its backup is for two seconds in a state of this name, which nobody knows."""

SLOW = "sandbox.rwx/seconds-per-volume"
"""Profile: each volume takes at least this long, with progress on the way."""

ERROR_SHAPE = "sandbox.rwx/error-shape"
"""Policy: "string": status.error is plain text; "object": causes are nested objects; else JSON within strings."""


def fault(item: dict[str, Any] | None, name: str) -> str:
    """The annotation's value; "" when it is not set."""
    return str(((item or {}).get("metadata", {}).get("annotations") or {}).get(name, ""))
