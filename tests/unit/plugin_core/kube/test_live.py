"""LiveCluster against scripted servers: reading, writing, trying again, dry run."""

from __future__ import annotations

import gzip
import json
import time

import pytest

from plugin_core import errors
from plugin_core.kube.cluster import DryRun
from plugin_core.model.durations import Deadline
from plugin_core.model.kinds import CONFIG_MAP, NODE, PERSISTENT_VOLUME_CLAIM, POD, VOLUME_SNAPSHOT
from plugin_core.names import RUN_LABEL
from unit.plugin_core.kube.servers import on, refusing, status_object

PODS = "/api/v1/namespaces/app/pods"
MAPS = "/api/v1/namespaces/app/configmaps"
BUSY = status_object(429, "TooManyRequests", "too many requests")


def config_map(name="one", run=""):
    labels = {RUN_LABEL: run} if run else {}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "app", "labels": labels}}


def page(*names, more="", version="7"):
    items = [{"metadata": {"name": name}} for name in names]
    return {"metadata": {"resourceVersion": version, "continue": more}, "items": items}


# reading


def test_get_asks_for_one_object(serve, cluster_at):
    server = serve(on(f"GET {PODS}/web", {"kind": "Pod", "metadata": {"name": "web"}}))
    assert cluster_at(server).get(POD, "web", namespace="app")["metadata"]["name"] == "web"
    request = server.requests[0]
    assert request.header("user-agent") == ["kubectl-rwx"]
    assert request.header("accept") == ["application/json"]
    assert request.query == {}


def test_names_are_quoted_in_paths(serve, cluster_at):
    server = serve(on("GET /api/v1/namespaces/a%2Fb/pods/web%3Fx", {}))
    cluster_at(server).get(POD, "web?x", namespace="a/b")


def test_lists_are_read_in_pages(serve, cluster_at):
    server = serve(on(f"GET {PODS}", page("a", "b", more="next")), on(f"GET {PODS}", page("c", version="8")))
    listing = cluster_at(server).list_all(POD, namespace="app", labels="app=web", fields="metadata.name=a")
    assert [item["metadata"]["name"] for item in listing.items] == ["a", "b", "c"]
    assert listing.resource_version == "8"
    assert {(item["apiVersion"], item["kind"]) for item in listing.items} == {("v1", "Pod")}
    assert server.requests[0].query == {"limit": "500", "labelSelector": "app=web", "fieldSelector": "metadata.name=a"}
    assert server.requests[1].query["continue"] == "next"


def test_a_page_that_expired_makes_the_list_start_over_at_once(serve, cluster_at):
    server = serve(
        on(f"GET {PODS}", page("a", more="next")), refusing(f"GET {PODS}", 410, "Expired", "too old"),
        on(f"GET {PODS}", page("a", "b")),
    )
    listing = cluster_at(server).list_all(POD, namespace="app")
    assert [item["metadata"]["name"] for item in listing.items] == ["a", "b"]
    assert server.requests[2].query == {}, "neither a limit nor a continue, so that it cannot expire again"


def test_an_expired_first_page_is_told(serve, cluster_at):
    server = serve(refusing(f"GET {PODS}", 410, "Expired", "too old"))
    with pytest.raises(errors.Expired):
        cluster_at(server).list_all(POD, namespace="app")


def test_lists_of_all_namespaces_and_of_cluster_scoped_kinds(serve, cluster_at):
    server = serve(on("GET /api/v1/pods", page()), on("GET /api/v1/nodes", {"items": None, "metadata": {}}))
    assert cluster_at(server).list_all(POD).items == []
    assert cluster_at(server).list_all(NODE, namespace="ignored").items == []


def test_versions_of(serve, cluster_at):
    served = {"versions": [{"version": "v1beta1"}, {"version": "v1"}], "preferredVersion": {"version": "v1"}}
    server = serve(
        on("GET /apis/snapshot.storage.k8s.io", served),
        on("GET /apis/nothing.example", "404 page not found", status=404),
    )
    cluster = cluster_at(server)
    assert cluster.versions_of("snapshot.storage.k8s.io") == ["v1", "v1beta1"]
    assert cluster.versions_of("nothing.example") == []


def test_server_version(serve, cluster_at):
    assert cluster_at(serve(on("GET /version", {"gitVersion": "v1.36.3"}))).server_version() == "v1.36.3"


def test_raw_text(serve, cluster_at):
    server = serve(on("GET /metrics", "a_metric 1\n"), refusing("GET /metrics", 403, "Forbidden", "no"))
    cluster = cluster_at(server)
    assert cluster.raw("/metrics") == "a_metric 1\n"
    with pytest.raises(errors.Forbidden, match="cannot read /metrics: no"):
        cluster.raw("/metrics")


def test_large_answers_may_come_compressed(serve, cluster_at):
    body = gzip.compress(json.dumps({"gitVersion": "v1.36.3"}).encode())
    server = serve(on("GET /version", body, headers={"Content-Encoding": "gzip"}))
    assert cluster_at(server).server_version() == "v1.36.3"
    assert server.requests[0].header("accept-encoding") == ["gzip"]


# trying again


def test_429_is_tried_again(serve, cluster_at):
    server = serve(*[on("GET /version", BUSY, status=429)] * 3, on("GET /version", {"gitVersion": "v1"}))
    assert cluster_at(server).server_version() == "v1"


@pytest.mark.parametrize("status", [502, 503, 504])
def test_passing_5xx_are_tried_until_the_deadline(serve, cluster_at, status):
    server = serve(*[on("GET /version", status_object(status, "", "down for now"), status=status)] * 200)
    began = time.monotonic()
    with pytest.raises(errors.Unavailable, match="down for now") as caught:
        cluster_at(server).within(Deadline.after(0.3)).server_version()
    assert 0.1 < time.monotonic() - began < 1.5
    assert caught.value.status == status
    assert len(server.requests) > 3
    server._steps.clear()


def test_500_is_tried_a_few_times_only(serve, cluster_at):
    words = 'failed calling webhook "scc.example": connection refused'
    server = serve(*[refusing("GET /version", 500, "InternalError", words)] * 4)
    with pytest.raises(errors.Unavailable) as caught:
        cluster_at(server).within(Deadline.after(60)).server_version()
    assert caught.value.server_message == words


def test_retry_after_is_honoured(serve, cluster_at):
    server = serve(on("GET /version", BUSY, status=429, headers={"Retry-After": "1"}), on("GET /version", {}))
    began = time.monotonic()
    cluster_at(server).server_version()
    assert time.monotonic() - began >= 1.0


@pytest.mark.parametrize("header", ["60", "99999"])
def test_a_retry_after_beyond_the_deadline_is_told_at_once(serve, cluster_at, header):
    server = serve(on("GET /version", BUSY, status=429, headers={"Retry-After": header}))
    began = time.monotonic()
    with pytest.raises(errors.Unavailable) as caught:
        cluster_at(server).within(Deadline.after(5)).server_version()
    assert time.monotonic() - began < 1
    assert caught.value.retry_after == float(header)


def test_a_retry_after_date_is_passed_over(serve, cluster_at):
    when = "Fri, 31 Dec 1999 23:59:59 GMT"
    server = serve(on("GET /version", BUSY, status=429, headers={"Retry-After": when}), on("GET /version", {}))
    cluster_at(server).server_version()


def test_an_answer_lost_half_way_is_asked_for_again(serve, cluster_at):
    server = serve(
        on("GET /version", {}), on("GET /version", {"gitVersion": "v1.36.3"}, cut=10),
        on("GET /version", {"gitVersion": "v1.36.3"}),
    )
    cluster = cluster_at(server)
    cluster.server_version()
    assert cluster.server_version() == "v1.36.3"


def test_an_error_answer_lost_half_way_is_a_lost_connection(serve, cluster_at):
    server = serve(refusing(f"GET {PODS}/web", 403, "Forbidden", "no", cut=5), on(f"GET {PODS}/web", {}))
    cluster_at(server).get(POD, "web", namespace="app")


def test_a_refused_connection_is_told_at_once(cluster_at):
    began = time.monotonic()
    with pytest.raises(errors.ConnectionFailed) as caught:
        cluster_at("http://127.0.0.1:1").server_version()
    assert time.monotonic() - began < 1
    assert caught.value.message == (
        "cannot ask the server's version: no connection to http://127.0.0.1:1: Connection refused"
    )
    assert "context" in caught.value.hint


def test_a_server_that_answered_before_is_waited_for(serve, cluster_at):
    server = serve(on("GET /version", {}))
    cluster = cluster_at(server)
    cluster.server_version()
    server.close()
    began = time.monotonic()
    with pytest.raises(errors.ConnectionFailed):
        cluster.within(Deadline.after(0.4)).server_version()
    assert time.monotonic() - began > 0.2


def test_request_timeout(serve, cluster_at):
    server = serve(on("GET /version", {}, hold=1.5))
    with pytest.raises(errors.ConnectionFailed, match="did not answer in time") as caught:
        cluster_at(server, request_timeout=0.2).server_version()
    assert "--request-timeout" in caught.value.hint


def test_a_deadline_cuts_a_silent_request_short(serve, cluster_at):
    server = serve(on("GET /version", {}, hold=5))
    began = time.monotonic()
    with pytest.raises(errors.ConnectionFailed):
        cluster_at(server, request_timeout=30).within(Deadline.after(0.1)).server_version()
    assert time.monotonic() - began < 1.5


# writing


def test_create_posts_with_our_field_manager(serve, cluster_at):
    server = serve(on(f"POST {MAPS}", config_map(), status=201))
    cluster_at(server).create(config_map())
    request = server.requests[0]
    assert request.query == {"fieldManager": "kubectl-rwx"}
    assert request.header("content-type") == ["application/json"]
    assert request.body == config_map()


EXISTS = refusing(f"POST {MAPS}", 409, "AlreadyExists", 'configmaps "one" already exists')


@pytest.mark.parametrize("lost", [
    on(f"POST {MAPS}", config_map(run="r1"), status=201, cut=20),
    refusing(f"POST {MAPS}", 500, "InternalError", "etcd"),
    refusing(f"POST {MAPS}", 504, "Timeout", "timed out"),
], ids=["reset", "500", "504"])
def test_our_own_object_after_a_lost_answer_counts_as_created(serve, cluster_at, lost):
    server = serve(on("GET /version"), lost, EXISTS, on(f"GET {MAPS}/one", config_map(run="r1")))
    cluster = cluster_at(server)
    cluster.server_version()
    assert cluster.create(config_map(run="r1"))["metadata"]["labels"] == {RUN_LABEL: "r1"}


@pytest.mark.parametrize("ours, theirs", [("r1", "r2"), ("r1", ""), ("", "")])
def test_a_strangers_object_after_a_lost_answer_is_not_ours(serve, cluster_at, ours, theirs):
    look = [on(f"GET {MAPS}/one", config_map(run=theirs))] if ours else []
    server = serve(on("GET /version"), on(f"POST {MAPS}", {}, cut=0), EXISTS, *look)
    cluster = cluster_at(server)
    cluster.server_version()
    with pytest.raises(errors.AlreadyExists):
        cluster.create(config_map(run=ours))


def test_already_exists_without_a_lost_answer_is_a_failure_even_with_our_label(serve, cluster_at):
    server = serve(on(f"POST {MAPS}", BUSY, status=429), EXISTS)
    with pytest.raises(errors.AlreadyExists) as caught:
        cluster_at(server).create(config_map(run="r1"))
    assert caught.value.message == (
        'cannot create configmaps "one" in namespace "app": configmaps "one" already exists'
    )


def test_a_create_without_a_name_is_never_sent_twice(serve, cluster_at):
    server = serve(on("GET /version"), on(f"POST {MAPS}", {}, cut=0))
    cluster = cluster_at(server)
    cluster.server_version()
    nameless = config_map()
    nameless["metadata"] = {"generateName": "one-", "namespace": "app"}
    with pytest.raises(errors.ConnectionFailed):
        cluster.create(nameless)


def test_a_create_without_a_name_is_sent_again_when_nothing_was_done(serve, cluster_at):
    server = serve(on(f"POST {MAPS}", BUSY, status=429), on(f"POST {MAPS}", config_map("one-x"), status=201))
    nameless = config_map()
    nameless["metadata"] = {"generateName": "one-", "namespace": "app"}
    assert cluster_at(server).create(nameless)["metadata"]["name"] == "one-x"


def test_kinds_we_do_not_know_are_looked_up(serve, cluster_at):
    resources = {"resources": [
        {"name": "gadgets/status", "kind": "Gadget", "namespaced": True},
        {"name": "gadgets", "kind": "Gadget", "namespaced": False},
    ]}
    gadget = {"apiVersion": "example.com/v2", "kind": "Gadget", "metadata": {"name": "g"}}
    server = serve(on("GET /apis/example.com/v2", resources), on("POST /apis/example.com/v2/gadgets", gadget))
    assert cluster_at(server).create(gadget) == gadget


def test_kinds_the_server_does_not_know_are_told(serve, cluster_at):
    server = serve(on("GET /apis/example.com/v2", {"resources": []}))
    with pytest.raises(errors.NotFound, match="the server knows no kind Gadget in example.com/v2"):
        cluster_at(server).create({"apiVersion": "example.com/v2", "kind": "Gadget", "metadata": {"name": "g"}})


def test_apply(serve, cluster_at):
    server = serve(on(f"PATCH {MAPS}/one", config_map()))
    cluster_at(server).apply(config_map())
    request = server.requests[0]
    assert request.header("content-type") == ["application/apply-patch+yaml"]
    assert request.query == {"force": "true", "fieldManager": "kubectl-rwx"}


@pytest.mark.parametrize("patch_type, patch, content_type", [
    ("merge", {"data": {"a": "b"}}, "application/merge-patch+json"),
    ("json", [{"op": "add", "path": "/data", "value": {}}], "application/json-patch+json"),
])
def test_patch(serve, cluster_at, patch_type, patch, content_type):
    server = serve(on(f"PATCH {MAPS}/one/status", config_map()))
    cluster_at(server).patch(CONFIG_MAP, "one", patch, namespace="app", patch_type=patch_type, subresource="status")
    assert server.requests[0].header("content-type") == [content_type]
    assert server.requests[0].body == patch
    assert server.requests[0].query == {"fieldManager": "kubectl-rwx"}


def test_a_merge_patch_is_sent_again_after_a_lost_answer_and_a_json_patch_is_not(serve, cluster_at):
    lost = on(f"PATCH {MAPS}/one", {}, cut=0)
    server = serve(on("GET /version"), lost, on(f"PATCH {MAPS}/one", config_map()), lost)
    cluster = cluster_at(server)
    cluster.server_version()
    cluster.patch(CONFIG_MAP, "one", {"data": {}}, namespace="app")
    with pytest.raises(errors.ConnectionFailed):
        append = [{"op": "add", "path": "/x/-", "value": 1}]
        cluster.patch(CONFIG_MAP, "one", append, namespace="app", patch_type="json")


def test_a_conflict_is_told(serve, cluster_at):
    words = "the object has been modified; please apply your changes to the latest version"
    server = serve(refusing(f"PATCH {MAPS}/one", 409, "Conflict", words))
    with pytest.raises(errors.Conflict) as caught:
        cluster_at(server).patch(CONFIG_MAP, "one", {"metadata": {"resourceVersion": "1"}}, namespace="app")
    assert caught.value.server_message == words


def test_delete(serve, cluster_at):
    server = serve(on(f"DELETE {MAPS}/one"), on(f"DELETE {MAPS}/one"))
    cluster = cluster_at(server)
    cluster.delete(CONFIG_MAP, "one", namespace="app", uid="u-1")
    cluster.delete(CONFIG_MAP, "one", namespace="app")
    assert server.requests[0].body == {
        "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background", "preconditions": {"uid": "u-1"},
    }
    assert "preconditions" not in server.requests[1].body


def test_a_delete_whose_answer_was_lost_is_done_when_nothing_is_left(serve, cluster_at):
    gone = refusing(f"DELETE {MAPS}/one", 404, "NotFound", 'configmaps "one" not found')
    server = serve(on("GET /version"), on(f"DELETE {MAPS}/one", {}, cut=0), gone, gone)
    cluster = cluster_at(server)
    cluster.server_version()
    cluster.delete(CONFIG_MAP, "one", namespace="app")
    with pytest.raises(errors.NotFound):
        cluster.delete(CONFIG_MAP, "one", namespace="app")


# dry run


def test_server_dry_run_marks_every_write(serve, cluster_at):
    server = serve(
        on(f"POST {MAPS}", config_map()), on(f"PATCH {MAPS}/one", {}), on(f"PATCH {MAPS}/one", {}),
        on(f"DELETE {MAPS}/one"), on(f"GET {MAPS}/one"),
        on("POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {"status": {"allowed": True}}),
    )
    cluster = cluster_at(server, dry_run=DryRun.SERVER)
    cluster.create(config_map())
    cluster.apply(config_map())
    cluster.patch(CONFIG_MAP, "one", {}, namespace="app")
    cluster.delete(CONFIG_MAP, "one", namespace="app")
    cluster.get(CONFIG_MAP, "one", namespace="app")
    cluster.can_i("get", POD)
    assert [request.query.get("dryRun") for request in server.requests] == ["All"] * 4 + [None] * 2
    assert server.requests[3].body["dryRun"] == ["All"], "a DELETE with a body is read from its body alone"


def test_client_dry_run_sends_no_write(serve, cluster_at):
    there = {**config_map(), "data": {"a": "1", "b": "2"}}
    server = serve(on(f"GET {MAPS}/one", there))
    cluster = cluster_at(server, dry_run=DryRun.CLIENT)
    assert cluster.create(config_map()) == config_map()
    assert cluster.apply(config_map()) == config_map()
    assert cluster.patch(CONFIG_MAP, "one", {"data": {"a": None}}, namespace="app")["data"] == {"b": "2"}
    cluster.delete(CONFIG_MAP, "one", namespace="app")


@pytest.mark.parametrize("dry_run", [DryRun.CLIENT, DryRun.SERVER])
def test_nothing_is_executed_under_dry_run(serve, cluster_at, dry_run):
    with pytest.raises(errors.UsageError):
        cluster_at(serve(), dry_run=dry_run).execute("web", ["ls"], namespace="app")


# rights


def test_access_review(serve, cluster_at):
    path = "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    server = serve(
        on(path, {"status": {"allowed": True}}, status=201),
        on(path, {"status": {"allowed": False, "reason": "no RBAC policy matched"}}, status=201),
    )
    cluster = cluster_at(server)
    assert cluster.can_i("create", VOLUME_SNAPSHOT, namespace="app").allowed
    denied = cluster.can_i("create", POD, name="web", subresource="exec")
    assert not denied.allowed and denied.reason == "no RBAC policy matched"
    assert server.requests[0].body["spec"]["resourceAttributes"] == {
        "verb": "create", "group": "snapshot.storage.k8s.io", "resource": "volumesnapshots", "subresource": "",
        "name": "", "namespace": "app",
    }
    assert server.requests[1].body["spec"]["resourceAttributes"]["subresource"] == "exec"


def test_impersonation_headers_with_several_groups(serve, cluster_at):
    server = serve(on("GET /version"))
    who = (("Impersonate-User", "jane"), ("Impersonate-Group", "dev"), ("Impersonate-Group", "ops"))
    cluster_at(server, impersonation=who).server_version()
    assert server.requests[0].header("impersonate-user") == ["jane"]
    assert server.requests[0].header("impersonate-group") == ["dev", "ops"], "one header each: commas are not split"


def test_header_values_that_http_cannot_carry_are_refused_without_being_shown(serve, cluster_at):
    cluster = cluster_at(serve(), impersonation=(("Impersonate-User", "jane\r\nX-Evil: 1"),))
    with pytest.raises(errors.KubeconfigError) as caught:
        cluster.server_version()
    assert "Evil" not in caught.value.message


def test_a_token_with_a_line_break_at_its_end_is_sent_without_it(serve, cluster_at):
    server = serve(on("GET /version"))
    cluster = cluster_at(server)
    cluster._transport.client.configuration.api_key["BearerToken"] = "Bearer abc\n"
    cluster.server_version()
    assert server.requests[0].header("authorization") == ["Bearer abc"]


# words


def test_the_servers_words_are_kept(serve, cluster_at):
    words = 'persistentvolumeclaims "data" is forbidden: User "jane" cannot get resource "persistentvolumeclaims"'
    path = "/api/v1/namespaces/app/persistentvolumeclaims/data"
    server = serve(refusing(f"GET {path}", 403, "Forbidden", words, ))
    with pytest.raises(errors.Forbidden) as caught:
        cluster_at(server).get(PERSISTENT_VOLUME_CLAIM, "data", namespace="app")
    assert caught.value.message == f'cannot get persistentvolumeclaims "data" in namespace "app": {words}'
    assert (caught.value.server_message, caught.value.status, caught.value.exit_code) == (words, 403, 5)
    assert "--as" in caught.value.hint


def test_an_answer_that_is_not_json_is_told(serve, cluster_at):
    server = serve(on("GET /version", "<html><body>Please log in</body></html>"))
    with pytest.raises(errors.KubeconfigError, match="not as a Kubernetes API server: Please log in"):
        cluster_at(server).server_version()


def test_verbose_shows_requests_without_credentials(serve, cluster_at, caplog):
    server = serve(on(f"GET {PODS}", page()))
    cluster = cluster_at(server)
    cluster._transport.client.configuration.api_key["BearerToken"] = "Bearer s3cret"
    with caplog.at_level("INFO", logger="plugin_core"):
        cluster.list_all(POD, namespace="app")
    assert f"GET {server.url}{PODS}?limit=500" in caplog.text
    assert "s3cret" not in caplog.text and json.dumps("s3cret") not in caplog.text


def test_raw_text_of_a_path_that_serves_no_objects(serve, cluster_at):
    server = serve(on("GET /metrics", BUSY, status=429), on("GET /metrics", "kubernetes_feature_enabled 1\n"))
    assert cluster_at(server).raw("/metrics") == "kubernetes_feature_enabled 1\n"


def test_raw_text_may_be_forbidden(serve, cluster_at):
    forbidden = status_object(403, "Forbidden", 'User "u" cannot get path "/metrics"')
    server = serve(on("GET /metrics", forbidden, status=403))
    with pytest.raises(errors.Forbidden, match='cannot read /metrics: User "u" cannot get path'):
        cluster_at(server).raw("/metrics")
