"""kubectl rwx wait on a real cluster: it goes on where another run stopped."""

from __future__ import annotations

from cluster.kubectl import Kubectl, Plugin
from cluster.manifests import claim
from cluster.rwx_objects import bind_claims


def test_slow_snapshots_time_out_and_are_waited_for_again(rwx: Plugin, namespace: Kubectl) -> None:
    bind_claims(namespace, claim("a", storage_class="slow", size="16Mi"), claim("b", size="16Mi"))
    assert rwx("snapshot", "--all", "--name", "nightly", "--no-wait").returncode == 0
    early = rwx("wait", "nightly", "--timeout", "2s")
    assert early.returncode in (4, 6), early.stderr
    assert "nightly-a: not ready after 2s (--timeout)" in early.stderr
    done = rwx("wait", "nightly", "--timeout", "90s")
    assert done.returncode == 0, done.stderr
    assert rwx("wait", "vs/nightly-a", "vs/nightly-b").returncode == 0
    assert rwx("wait", "vs/absent").returncode == 1


def test_claims(rwx: Plugin, namespace: Kubectl) -> None:
    namespace.apply(claim("a", size="16Mi"), claim("late", storage_class="late", size="16Mi"))
    done = rwx("wait", "pvc/a", "pvc/late", "--timeout", "60s")
    assert done.returncode == 0, done.stderr
    assert "Bound" in done.stdout and "WaitsForConsumer" in done.stdout
    assert rwx("wait", "pvc/a", "vs/b").returncode == 2
