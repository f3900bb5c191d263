"""Targets as kubectl writes them."""

from __future__ import annotations

import pytest

from plugin_core.cli.targets import parse_kind, parse_targets
from plugin_core.errors import UsageError
from plugin_core.model.kinds import (
    DEPLOYMENT,
    DEPLOYMENT_CONFIG,
    PERSISTENT_VOLUME_CLAIM,
    STATEFUL_SET,
    VOLUME_SNAPSHOT,
)

ALLOWED = (PERSISTENT_VOLUME_CLAIM, DEPLOYMENT, STATEFUL_SET, DEPLOYMENT_CONFIG)


def parsed(line, allowed=ALLOWED):
    return [f"{target.kind.plural}/{target.name}" for target in parse_targets(line.split(), allowed=allowed)]


@pytest.mark.parametrize("line, targets", [
    ("", []),
    ("pvc/data", ["persistentvolumeclaims/data"]),
    ("pvc/b pvc/a pvc/b", ["persistentvolumeclaims/b", "persistentvolumeclaims/a"]),
    ("pvc a b a", ["persistentvolumeclaims/a", "persistentvolumeclaims/b"]),
    ("deploy/web sts/db dc/old", ["deployments/web", "statefulsets/db", "deploymentconfigs/old"]),
    ("deployments web", ["deployments/web"]),
    ("Deployment/web", ["deployments/web"]),
    ("deploy.apps/web", ["deployments/web"]),
    ("deployments.v1.apps/web", ["deployments/web"]),
    ("deployment.apps web db", ["deployments/web", "deployments/db"]),
    ("dc.apps.openshift.io/web", ["deploymentconfigs/web"]),
    ("PVC/data-0.x", ["persistentvolumeclaims/data-0.x"]),
])
def test_targets(line, targets):
    assert parsed(line) == targets


@pytest.mark.parametrize("line, words", [
    ("pvc", '"pvc" names a kind but no object'),
    ("data", '"data" is not KIND/NAME'),
    ("pvc a deploy/web", "either pvc/NAME for each"),
    ("pvc/a web", '"web" is not KIND/NAME'),
    ("pvc/a/b", '"pvc/a/b" is not KIND/NAME'),
    ("/a", '"/a" is not KIND/NAME'),
    ("pvc/", '"pvc/" is not KIND/NAME'),
    ("/", '"/" is not KIND/NAME'),
    ("pod/web", '"pod" is not a kind this command works on'),
    ("nonsense x", '"nonsense" is not a kind'),
    ("deploy.batch/x", '"deploy.batch" is not a kind'),
    ("pvc/..", '".." is not a name'),
    ("pvc a?b", '"a?b" is not a name'),
    ("pvc/a%2F", '"a%2F" is not a name'),
    ("pvc/-a", '"-a" is not a name'),
    ("pvc/a,pvc/b", "is not KIND/NAME"),
    ("pvc/" + "a" * 254, "is not a name"),
])
def test_what_cannot_be_meant(line, words):
    with pytest.raises(UsageError) as caught:
        parsed(line)
    assert words in caught.value.message
    assert caught.value.exit_code == 2


def test_the_kinds_that_fit_are_named():
    with pytest.raises(UsageError) as caught:
        parse_kind("pod", allowed=(VOLUME_SNAPSHOT, PERSISTENT_VOLUME_CLAIM))
    assert caught.value.hint == "it takes: vs, pvc"
