"""The timer inside a container that thaws it when we cannot: it needs `sh` and `sleep`, and outlives our connection.

It is started before the freeze and stopped after the thaw. Its command line carries a mark, by which it is found in
/proc, also by another run after a crash. Without `setsid` it stays in the exec session's process group, which nothing
signals: an exec session without a terminal has no hang-up, and the timer ignores it anyway.
"""

from __future__ import annotations

from collections.abc import Sequence

from plugin_core import errors
from plugin_core.kube.cluster import Cluster

MARK = "kubectl-rwx-thaw-timer"
SECONDS = 20.0
"""How long starting and stopping may take; they do nothing that takes time."""

_TIMER = """
nap= early=
trap '' HUP
trap 'kill "$nap" 2>/dev/null; exit 0' USR1
trap 'early=yes; kill "$nap" 2>/dev/null' TERM
echo "$$"
exec >/dev/null
time=$1; shift
sleep "$time" & nap=$!
[ -z "$early" ] || kill "$nap"
wait "$nap"
trap '' TERM
for attempt in 1 2 3 4 5; do
  "$@" && exit 0
  sleep 1
done
"""
"""Its own end is asked for by USR1. A TERM comes from a stranger: better thawed too early than not at all."""

_END = """
found=$(echo /proc/[0-9]*/cmdline)
if command -v grep >/dev/null 2>&1; then
  found=$(grep -l -e "$mark" $found 2>/dev/null)
fi
for file in $found; do
  pid=${file#/proc/}; pid=${pid%/cmdline}
  [ "$pid" = $$ ] && continue
  case $(tr '\\0' ' ' <"$file" 2>/dev/null) in
    "sh -c "*" $mark "*|*"/sh -c "*" $mark "*) kill -USR1 "$pid" 2>/dev/null && echo "$pid";;
  esac
done
"""
"""Ends the timers of the run in $mark, and prints their process ids."""

_START = """
command -v sleep >/dev/null || { echo 'it has no "sleep"' >&2; exit 1; }
mark=$1; shift
""" + _END.replace(" $mark ", " $mark-") + """
timer=$1; shift
setsid=
if command -v setsid >/dev/null 2>&1; then
  setsid=setsid
fi
pid=$($setsid sh -c "$timer" "$@" </dev/null 2>/dev/null &)
if [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; then
  echo "$pid"
  exit 0
fi
echo 'it does not stay' >&2
exit 1
"""
"""The timer tells its process id once nothing that ends this session can end it any more."""

_THAW = """
mark=$1; shift
"$@" || exit $?
""" + _END + "exit 0\n"


_LIMIT = """
limit=$1; shift
sh -c 'trap "kill \\$nap 2>/dev/null; exit 0" TERM; sleep "$0" & nap=$!; wait "$nap"; kill -9 0' "$limit" \\
  </dev/null >/dev/null 2>&1 &
dog=$!
"$@"
code=$?
kill "$dog" 2>/dev/null
exit "$code"
"""


def limited(command: Sequence[str], *, seconds: int) -> tuple[str, ...]:
    """The command, killed in the container with all it started when it is not over in time (exit code 137).

    Giving up on it from outside would not do: it could freeze after the timer has thawed. A command run by exec leads a
    session of its own, so the process group that is killed is its own. What it left in the background stays when it
    ends by itself.
    """
    return ("sh", "-c", _LIMIT, "sh", str(max(1, seconds)), *command)


def start_timer(
    cluster: Cluster, pod: str, *, namespace: str, container: str, seconds: int, thaw: Sequence[str], run: str
) -> int:
    """Its process id in the container. Timers that an earlier run left there are stopped first: they would thaw what is
    frozen now. Raises NotReady when the container cannot hold one."""
    command = ("sh", "-c", _START, "sh", MARK, _TIMER, f"{MARK}-{run}", str(seconds), *thaw)
    done = cluster.execute(pod, command, namespace=namespace, container=container, seconds=SECONDS)
    words = done.stdout.split()
    if done.exit_code or not words or not words[-1].isdigit():
        raise errors.NotReady(
            f"the timer that thaws it in an emergency cannot be started: {done.stderr.strip() or 'no answer'}",
            hint="a hook needs a container with sh, sleep and tr (--container); else use --quiesce=scale",
        )
    return int(words[-1])


def thaw_and_stop(thaw: Sequence[str], *, run: str) -> tuple[str, ...]:
    """The thaw command, and when it went well the end of the run's timer: one exec, since each keeps an API server
    busy and hundreds of pods may stand still. Exit code and words are the thaw's."""
    return ("sh", "-c", _THAW, "sh", f"{MARK}-{run}", *thaw)
