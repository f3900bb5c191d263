from __future__ import annotations

import signal

import pytest

from fakes.progress import Recorder
from fakes.workloads import claim, workload
from oc_gsb.sidecar.containers import SidecarOptions
from oc_gsb.sidecar.images import image_of
from oc_gsb.sidecar.record import read_record
from oc_gsb.sidecar.selection import Selection
from oc_gsb.sidecar.template import add_sidecar, hold_at_zero, hold_removal, remove_sidecar
from oc_gsb.sidecar.upgrade import UpgradeRequest, upgrade
from plugin_core import errors
from plugin_core.kube.cluster import DryRun
from plugin_core.model.kinds import DEPLOYMENT
from plugin_core.model.refs import Target
from plugin_core.names import INJECTION_RECORD
from unit.oc_gsb.sidecar.world import COPY, PATCH, make_world

WEB = Selection((Target(DEPLOYMENT, "web"),))
ALL = Selection(everything=True)


def injected(name="web", image="tools:0", **options):
    return add_sidecar(workload(name=name, **options), options=SidecarOptions(image=image), scc=COPY)


def run(cluster, *, selection=WEB, image="", timeout=600.0):
    return upgrade(cluster, UpgradeRequest(selection, image, timeout, try_image=False, parallel=1), progress=Recorder())


def results(answer):
    return {item["name"]: item["result"] for item in answer.report.items}


def current(cluster, name="web"):
    return cluster.objects[DEPLOYMENT.resource, "app", name]


def test_one_patch_of_the_image_alone():
    cluster, controllers = make_world(injected(), expect=[PATCH])
    before = current(cluster)
    answer = run(cluster)
    assert results(answer) == {"web": "upgraded"} and answer.report.items[0]["message"] == "had tools:0"
    assert [image_of(patch) for patch in controllers.patches] == ["tools:1", "tools:1"]
    assert [read_record(patch).previous_image for patch in controllers.patches] == ["tools:0", ""]
    after = current(cluster)
    after["spec"]["template"]["spec"]["containers"][1]["image"] = "tools:0"
    assert after["spec"] == before["spec"]


def test_the_way_back_stays_exact():
    original = workload()
    cluster, _ = make_world(injected(), expect=[PATCH])
    run(cluster)
    removal = remove_sidecar(current(cluster), read_record(current(cluster)))
    assert removal.exact and removal.kept == ()
    assert removal.workload["spec"] == original["spec"]


def test_a_second_run_changes_nothing():
    cluster, controllers = make_world(injected(), expect=[PATCH])
    run(cluster)
    assert results(run(cluster)) == {"web": "unchanged"} and len(controllers.patches) == 2


@pytest.mark.parametrize("dry_run", [DryRun.CLIENT, DryRun.SERVER])
def test_dry_run(dry_run):
    cluster, controllers = make_world(injected(), expect=[PATCH], dry_run=dry_run)
    assert results(run(cluster)) == {"web": "upgraded"} and controllers.patches == []
    assert image_of(current(cluster)) == "tools:0"


def test_an_image_that_does_not_start_is_taken_back():
    cluster, controllers = make_world(injected(), expect=[PATCH])
    answer = run(cluster, image="broken:9", timeout=0.2)
    assert results(answer) == {"web": "rolled back"}
    assert isinstance(answer.failure, errors.TimedOut) and "ErrImagePull" in answer.failure.message
    assert image_of(current(cluster)) == "tools:0" and len(controllers.patches) == 2
    assert answer.report.items[0]["ready"] == 2


def test_an_exclusive_claim_goes_by_way_of_zero():
    made = injected(replicas=1)
    cluster, controllers = make_world(made, claims=[claim("data", "ReadWriteOnce")], expect=[PATCH])
    assert results(run(cluster)) == {"web": "upgraded"}
    assert [patch["spec"]["replicas"] for patch in controllers.patches] == [0, 1, 1]
    assert read_record(current(cluster)).replicas is None


def test_an_interrupted_one_is_finished():
    cluster, _ = make_world(injected(), expect=[PATCH])
    stopped = {"once": False}

    def stop(cluster, changed):
        if not stopped["once"]:
            stopped["once"] = True
            changed["status"]["availableReplicas"] = 0
            signal.raise_signal(signal.SIGINT)
        else:
            changed["status"]["availableReplicas"] = 2

    cluster._reactions[PATCH] = stop
    answer = run(cluster)
    assert isinstance(answer.failure, errors.Interrupted)
    assert image_of(current(cluster)) == "tools:0", "what was interrupted is taken back"


def test_one_killed_with_a_bad_image_returns_to_the_old_one():
    cluster, controllers = make_world(injected(), expect=[PATCH])
    run(cluster, image="broken:9", timeout=0.2)
    killed = controllers.patches[0]
    assert image_of(killed) == "broken:9" and read_record(killed).previous_image == "tools:0"
    for image, result, left in (("broken:9", "rolled back", "tools:0"), ("", "upgraded", "tools:1")):
        cluster, _ = make_world(killed, expect=[PATCH])
        assert results(run(cluster, image=image, timeout=0.2 if image else 5)) == {"web": result}
        assert image_of(current(cluster)) == left and read_record(current(cluster)).previous_image == ""


def test_one_killed_while_held_at_zero_is_finished_by_the_next_run():
    made = injected(image="tools:1", replicas=1)
    cluster, _ = make_world(hold_at_zero(made, read_record(made)), expect=[PATCH])
    answer = run(cluster)
    assert results(answer) == {"web": "upgraded"} and "has them back" in answer.report.items[0]["message"]
    assert current(cluster)["spec"]["replicas"] == 1 and read_record(current(cluster)).replicas is None
    assert results(run(cluster)) == {"web": "unchanged"}


def test_one_killed_with_a_bad_image_while_held_at_zero_goes_back_by_way_of_zero():
    made = injected(replicas=1)
    alone = [claim("data", "ReadWriteOnce")]
    cluster, controllers = make_world(made, claims=alone, expect=[PATCH])
    run(cluster, image="broken:9", timeout=0.2)
    killed = controllers.patches[0]
    assert (image_of(killed), killed["spec"]["replicas"]) == ("broken:9", 0)
    cluster, controllers = make_world(killed, claims=alone, expect=[PATCH])
    assert results(run(cluster, image="broken:9", timeout=0.2)) == {"web": "rolled back"}
    assert [(image_of(patch), patch["spec"]["replicas"]) for patch in controllers.patches] == [
        ("broken:9", 1), ("tools:0", 0), ("tools:0", 1)]
    assert read_record(current(cluster)).replicas is None


def without_record(made):
    del made["metadata"]["annotations"][INJECTION_RECORD]
    return made


def test_what_is_not_ours_is_refused_by_name_and_skipped_otherwise():
    cluster, _ = make_world(without_record(injected()), injected("db", image="tools:1"), workload(name="plain"))
    assert "not injected by oc-gsb" in run(cluster).failure.message
    assert results(run(cluster, selection=ALL)) == {"web": "skipped", "db": "unchanged"}


def test_one_without_a_sidecar_is_told_to_inject():
    cluster, _ = make_world(workload())
    assert run(cluster).failure.hint == "oc gsb inject deployment/web -n app"


def test_one_that_is_being_uninjected():
    made = injected()
    cluster, _ = make_world(hold_removal(made, read_record(made)))
    assert "being uninjected" in run(cluster).failure.message


def test_kastens_image_must_be_known():
    cluster, _ = make_world(injected(), denied=["get configmaps"])
    with pytest.raises(errors.Forbidden, match="the sidecar image is not known"):
        run(cluster)
