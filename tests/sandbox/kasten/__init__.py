"""Kasten stand-in: what the plugins need of a Kasten K10, on the sandbox. It is not Kasten, and says so everywhere.

It stands in for
- the kinds Policy, Profile and K10 (CRDs, as in Kasten) and their validation,
- the aggregated groups actions.kio.kasten.io and apps.kio.kasten.io: create, read, delete, `details`, no updates or
  watches, 503 while the Deployment aggregatedapis-svc has no pod,
- the operator: the K10 object becomes k10-config and the services' pods, all restarted when it changes,
- the executor: it really execs into the sidecars, copies the volumes with kopia's file capabilities into a folder, and
  puts namespace and data back.

What it does not do, and which of its manners are guesses, is in docs/kasten-standin.md. Faults are switched on by
annotations, see `faults`.
"""

from sandbox.kasten.installation import install
from sandbox.kasten.kinds import NAMESPACE
from sandbox.kasten.objects import CONFIG
from sandbox.kasten.objects import K10_VERSION as VERSION
from sandbox.kasten.objects import TOOLS_IMAGE

__all__ = ["CONFIG", "NAMESPACE", "TOOLS_IMAGE", "VERSION", "install"]
