"""connect(): which file, which entries of it, and what is told when one of them cannot be used."""

from __future__ import annotations

import base64
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from plugin_core import errors
from plugin_core.kube import connection
from plugin_core.kube.connection import ConnectionOptions, connect
from unit.plugin_core.kube.kubeconfigs import kubeconfig, self_signed, write
from unit.plugin_core.kube.servers import on

VERSION = {"gitVersion": "v1.36.3"}


@pytest.fixture(autouse=True)
def no_environment(monkeypatch, tmp_path):
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT", "HTTPS_PROXY", "https_proxy",
                 "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return self_signed(tmp_path_factory.mktemp("certificate"))


def given(path, **options):
    return connect(ConnectionOptions(kubeconfig=path, **options))


def configuration_of(cluster):
    return cluster._transport.client.configuration


def token_of(cluster):
    return cluster._transport.headers().get("authorization")


def refusal(path, **options):
    with pytest.raises(errors.KubeconfigError) as caught:
        given(path, **options)
    return caught.value


# which file


def test_the_flag_wins_over_the_environment_and_that_over_the_home(tmp_path, monkeypatch):
    write(tmp_path / "home/.kube/config", kubeconfig("https://home"))
    assert configuration_of(connect(ConnectionOptions())).host == "https://home"
    monkeypatch.setenv("KUBECONFIG", write(tmp_path / "env", kubeconfig("https://env")))
    assert configuration_of(connect(ConnectionOptions())).host == "https://env"
    flag = write(tmp_path / "flag", kubeconfig("https://flag"))
    assert configuration_of(given(flag)).host == "https://flag"


def test_several_files_are_merged_and_the_first_wins(tmp_path, monkeypatch):
    first = kubeconfig("https://first", name="one", current="")
    second = kubeconfig("https://second", name="two")
    second["clusters"] += kubeconfig("https://other", name="one")["clusters"]
    third = kubeconfig("https://third", name="three")
    files = [write(tmp_path / str(number), config) for number, config in enumerate((first, "", second, third))]
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join([str(tmp_path / "missing"), *files, ""]))
    assert configuration_of(connect(ConnectionOptions())).host == "https://second"
    assert configuration_of(connect(ConnectionOptions(context="one"))).host == "https://first"
    assert token_of(connect(ConnectionOptions(context="three"))) == "Bearer token-of-three"


def test_paths_start_at_the_file_that_names_them(tmp_path, monkeypatch):
    clusters = kubeconfig(name="one", cluster={"certificate-authority": "ca.pem"})
    users = kubeconfig(name="one", user={"client-certificate": "me.pem", "client-key": "me.key"})
    clusters["users"] = []
    users["clusters"] = users["contexts"] = []
    for name in ("a/ca.pem", "b/me.pem", "b/me.key"):
        write(tmp_path / name, "pem")
    files = [write(tmp_path / "a/config", clusters), write(tmp_path / "b/config", users)]
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(files))
    monkeypatch.setattr(connection, "_client", lambda configuration: _Client(configuration))
    configuration = configuration_of(connect(ConnectionOptions()))
    assert configuration.ssl_ca_cert == str(tmp_path / "a/ca.pem")
    assert (configuration.cert_file, configuration.key_file) == (str(tmp_path / "b/me.pem"), str(tmp_path / "b/me.key"))


class _Client:
    def __init__(self, configuration):
        self.configuration = configuration


def test_missing_files(tmp_path, monkeypatch):
    assert refusal(str(tmp_path / "nope")).message == f"there is no file {tmp_path}/nope"
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path}/a{os.pathsep}{tmp_path}/b")
    assert refusal("").message.startswith("no file named in KUBECONFIG exists: ")
    monkeypatch.delenv("KUBECONFIG")
    error = refusal("")
    assert error.message == "there is no kubeconfig and this is not a pod"
    assert "--kubeconfig" in error.hint


@pytest.mark.parametrize("content, words", [
    ("", "is empty: it names no cluster"),
    ("---\n", "is empty: it names no cluster"),
    ("apiVersion: v1\nkind: Config\nclusters: []\n", "is empty: it names no cluster"),
    ("a: [unclosed\nusers: {token: s3cret\n", "is not YAML (line "),
    ("\x00\x01\x02", "is not YAML"),
    ("- one\n- two\n", "is not a kubeconfig"),
    ("just words with a s3cret", "is not a kubeconfig"),
    ("clusters: s3cret\n", "clusters in the kubeconfig"),
    ("clusters: [s3cret]\n", "entry 1 of clusters in the kubeconfig"),
    ("clusters: [{name: a, cluster: s3cret}]\n", "entry 1 of clusters in the kubeconfig"),
    ("clusters: [{cluster: {server: 'https://s3cret'}}]\n", "has no name"),
])
def test_files_that_cannot_be_used_are_told_without_their_content(tmp_path, content, words):
    error = refusal(write(tmp_path / "config", content))
    assert words in error.message and "s3cret" not in error.message + error.hint


def test_a_folder_or_an_unreadable_file_is_told(tmp_path):
    assert refusal(str(tmp_path)).message == f"the kubeconfig {tmp_path} cannot be read: Is a directory"


def test_a_home_that_is_not_ours_counts_as_empty(monkeypatch):
    def denied(*arguments, **more):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "stat", denied)
    assert refusal("").message == "there is no kubeconfig and this is not a pod"


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    def denied(self):
        raise PermissionError(13, "Permission denied")

    path = write(tmp_path / "config", kubeconfig())
    monkeypatch.setattr(Path, "read_bytes", denied)
    assert refusal(path).message == f"the kubeconfig {path} cannot be read: Permission denied"


def test_a_pipe_is_read_as_kubectl_reads_it(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    content = json.dumps(kubeconfig("https://piped"))
    script = "import sys; open(sys.argv[1], 'w').write(sys.argv[2])"
    writer = subprocess.Popen([sys.executable, "-c", script, pipe, content])
    assert configuration_of(given(str(pipe))).host == "https://piped"
    writer.wait()


# which entries


def two_contexts():
    config = kubeconfig("https://one", name="one", namespace="first")
    other = kubeconfig("https://two", name="two")
    for section in ("clusters", "users", "contexts"):
        config[section] += other[section]
    return config


@pytest.mark.parametrize("options, host, token, namespace", [
    ({}, "https://one", "one", "first"),
    ({"context": "two"}, "https://two", "two", "default"),
    ({"cluster": "two"}, "https://two", "one", "first"),
    ({"user": "two"}, "https://one", "two", "first"),
    ({"namespace": "mine"}, "https://one", "one", "mine"),
    ({"context": "two", "cluster": "one", "user": "one", "namespace": "mine"}, "https://one", "one", "mine"),
])
def test_flags_choose_entries(tmp_path, options, host, token, namespace):
    cluster = given(write(tmp_path / "config", two_contexts()), **options)
    assert configuration_of(cluster).host == host
    assert token_of(cluster) == f"Bearer token-of-{token}"
    assert cluster.namespace == namespace


@pytest.mark.parametrize("options, words, hint", [
    ({"context": "x"}, 'has no context "x"', "choose one with --context: one, two"),
    ({"cluster": "x"}, 'has no cluster "x"', "choose one with --cluster: one, two"),
    ({"user": "x"}, 'has no user "x"', "choose one with --user: one, two"),
])
def test_names_that_are_not_there(tmp_path, options, words, hint):
    error = refusal(write(tmp_path / "config", two_contexts()), **options)
    assert words in error.message and error.hint == hint


def test_no_current_context(tmp_path):
    path = write(tmp_path / "config", {**two_contexts(), "current-context": ""})
    error = refusal(path)
    assert error.message.endswith("has no current context") and error.hint.endswith("one, two")
    cluster = given(path, cluster="two", user="one")
    assert (configuration_of(cluster).host, token_of(cluster)) == ("https://two", "Bearer token-of-one")


@pytest.mark.parametrize("server", ["", "127.0.0.1:6443", "ftp://x"])
def test_a_cluster_without_a_usable_server(tmp_path, server):
    assert 'the cluster "one"' in refusal(write(tmp_path / "config", kubeconfig(server))).message


@pytest.mark.parametrize("user", [{}, None])
def test_a_user_without_credentials_is_anonymous(tmp_path, user):
    config = kubeconfig()
    config["users"][0]["user"] = user
    assert token_of(given(write(tmp_path / "config", config))) is None


def test_token_file(tmp_path):
    write(tmp_path / "token", "abc\n")
    assert token_of(given(write(tmp_path / "config", kubeconfig(user={"tokenFile": "token"})))) == "Bearer abc"


# credential plugins


def plugin(tmp_path, script, **more):
    path = tmp_path / "bin" / "login"
    write(path, f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "bin/login", **more}}
    return write(tmp_path / "config", kubeconfig(user=user))


def credential(**status):
    answer = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}
    return f"cat <<'END'\n{json.dumps(answer)}\nEND"


def test_a_plugin_gives_a_token(tmp_path):
    assert token_of(given(plugin(tmp_path, credential(token="s3cret")))) == "Bearer s3cret"


def test_a_plugin_gives_a_certificate(tmp_path, certificate):
    pem, key = (Path(file).read_text() for file in certificate)
    configuration = configuration_of(given(plugin(tmp_path, credential(clientCertificateData=pem, clientKeyData=key))))
    assert Path(configuration.cert_file).read_text() == pem
    assert stat.S_IMODE(os.stat(configuration.key_file).st_mode) == 0o600


def test_a_plugin_is_asked_again_when_its_token_expires(tmp_path):
    count = f'echo x >> {tmp_path}/calls; n=$(wc -l < {tmp_path}/calls)'
    answer = credential(token="t-$n", expirationTimestamp="2000-01-01T00:00:00Z").replace("'END'", "END")
    cluster = given(plugin(tmp_path, f"{count}\n{answer}"))
    assert token_of(cluster) == "Bearer t-2"


def test_a_plugin_gets_its_arguments_and_environment(tmp_path):
    script = f'test "$1 $WHO" = "login me" || exit 9\n{credential(token="t")}'
    path = plugin(tmp_path, script, args=["login"], env=[{"name": "WHO", "value": "me"}])
    assert token_of(given(path)) == "Bearer t"


@pytest.mark.parametrize("script, words", [
    ("echo 'session expired, run: login again' >&2; exit 3", "session expired, run: login again"),
    ("echo '{\"status\": {\"token\": \"s3cret\"'", "failed to decode process output"),
    ("echo '{\"status\": {\"token\": \"s3cret\"}}'", "malformed response"),
    (credential(), "missing token or clientCertificateData"),
    (credential(clientCertificateData="x"), "missing clientKeyData"),
])
def test_a_plugin_that_fails_is_quoted(tmp_path, script, words, capfd):
    error = refusal(plugin(tmp_path, script, installHint="install it from example.com"))
    assert error.message.startswith(f"the credential plugin {tmp_path}/bin/login of the kubeconfig")
    assert words in error.message
    assert error.hint == "install it from example.com"
    shown = "".join(capfd.readouterr())
    assert "s3cret" not in error.message + error.hint + shown


def test_a_plugin_that_is_not_installed(tmp_path):
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "no-such-login"}}
    error = refusal(write(tmp_path / "config", kubeconfig(user=user)))
    assert "no-such-login" in error.message and "No such file" in error.message


def test_a_frozen_executable_gives_plugins_the_systems_library_path(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setenv("LD_LIBRARY_PATH", "/inside")
    monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", "/system")
    path = plugin(tmp_path, f'test "$LD_LIBRARY_PATH" = /system || exit 7\n{credential(token="t")}')
    assert token_of(given(path)) == "Bearer t"
    monkeypatch.setenv("LD_LIBRARY_PATH", "/inside")
    path = plugin(tmp_path, f'test -z "$LD_LIBRARY_PATH" || exit 7\n{credential(token="t")}')
    assert token_of(given(path)) == "Bearer t"


# certificates


def test_embedded_certificates_are_private_files(tmp_path, certificate):
    data = {f"client-{kind}-data": base64.b64encode(Path(file).read_bytes()).decode()
            for kind, file in zip(("certificate", "key"), certificate)}
    configuration = configuration_of(given(write(tmp_path / "config", kubeconfig(user=data))))
    assert Path(configuration.key_file).read_bytes() == Path(certificate[1]).read_bytes()
    assert stat.S_IMODE(os.stat(configuration.key_file).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(Path(configuration.key_file).parent).st_mode) == 0o700


def test_files_with_keys_are_gone_when_the_process_ends(tmp_path, certificate):
    data = {f"client-{kind}-data": base64.b64encode(Path(file).read_bytes()).decode()
            for kind, file in zip(("certificate", "key"), certificate)}
    path = write(tmp_path / "config", kubeconfig(user=data))
    script = ("import sys; from plugin_core.kube.connection import *; "
              "print(connect(ConnectionOptions(kubeconfig=sys.argv[1]))._transport.client.configuration.key_file)")
    ran = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True,
                         env={**os.environ, "TMPDIR": str(tmp_path / "home"), "PYTHONPATH": os.pathsep.join(sys.path)}
                         if (tmp_path / "home").mkdir() is None else {})
    assert ran.stdout.startswith(str(tmp_path / "home"))
    assert list((tmp_path / "home").iterdir()) == []


def test_certificate_data_that_is_not_base64(tmp_path):
    error = refusal(write(tmp_path / "config", kubeconfig(cluster={"certificate-authority-data": "s3cre"})))
    assert "is not base64" in error.message and "s3cre" not in error.message


def test_a_certificate_file_that_is_not_there(tmp_path):
    error = refusal(write(tmp_path / "config", kubeconfig(cluster={"certificate-authority": "nope.pem"})))
    assert f"File does not exist: {tmp_path}/nope.pem" in error.message


def test_tls_with_the_right_authority(tmp_path, certificate, serve):
    server = serve(on("GET /version", VERSION), certificate=certificate)
    path = write(tmp_path / "config", kubeconfig(server.url, cluster={"certificate-authority": certificate[0]}))
    assert given(path).server_version() == "v1.36.3"


@pytest.mark.parametrize("options, cluster", [
    ({"insecure_skip_tls_verify": True}, {}), ({}, {"insecure-skip-tls-verify": True}),
])
def test_tls_unchecked_on_request(tmp_path, certificate, serve, options, cluster, recwarn):
    server = serve(on("GET /version", VERSION), certificate=certificate)
    assert given(write(tmp_path / "config", kubeconfig(server.url, cluster=cluster)), **options).server_version()
    assert not recwarn.list


def test_an_unknown_authority_is_a_clear_sentence(tmp_path, certificate, serve):
    server = serve(certificate=certificate)
    with pytest.raises(errors.ConnectionFailed) as caught:
        given(write(tmp_path / "config", kubeconfig(server.url))).server_version()
    assert caught.value.message == (
        f"cannot ask the server's version: the TLS connection to {server.url} failed: "
        "certificate verify failed: self-signed certificate"
    )
    assert "certificate-authority" in caught.value.hint
    assert not caught.value.may_have_acted


def test_tls_towards_a_server_without(tmp_path, serve):
    server = serve()
    with pytest.raises(errors.ConnectionFailed, match="the TLS connection to https://127.0.0.1:"):
        given(write(tmp_path / "config", kubeconfig(server.url.replace("http:", "https:")))).server_version()
    server.problems.clear()


# impersonation, proxies, inside a pod


@pytest.mark.parametrize("user, options, expected", [
    ({}, {"as_user": "jane", "as_groups": ("a", "b")},
     [("impersonate-user", "jane"), ("impersonate-group", "a"), ("impersonate-group", "b")]),
    ({"as": "bob", "as-groups": ["dev"], "as-uid": "7", "as-user-extra": {"scopes/x": ["s"]}}, {},
     [("impersonate-user", "bob"), ("impersonate-group", "dev"), ("impersonate-uid", "7"),
      ("impersonate-extra-scopes%2fx", "s")]),
    ({"as": "bob", "as-groups": ["dev"]}, {"as_user": "jane"}, [("impersonate-user", "jane")]),
    ({"as": "bob"}, {"as_groups": ("a",)}, [("impersonate-user", "bob"), ("impersonate-group", "a")]),
])
def test_impersonation(tmp_path, serve, user, options, expected):
    server = serve(on("GET /version", VERSION))
    given(write(tmp_path / "config", kubeconfig(server.url, user={"token": "t", **user})), **options).server_version()
    assert [pair for pair in server.requests[0].headers if pair[0].startswith("impersonate")] == expected


def test_groups_alone_are_refused(tmp_path):
    with pytest.raises(errors.UsageError, match="--as-group needs --as"):
        given(write(tmp_path / "config", kubeconfig()), as_groups=("a",))


def test_proxy_url_is_used_whatever_no_proxy_says(tmp_path, serve, monkeypatch):
    proxy = serve(on("GET http://api.invalid/version", VERSION))
    monkeypatch.setenv("NO_PROXY", "api.invalid")
    path = write(tmp_path / "config", kubeconfig("http://api.invalid", cluster={"proxy-url": proxy.url}))
    assert given(path).server_version() == "v1.36.3"


def test_a_proxy_that_is_down_is_named_as_the_proxy(tmp_path):
    path = write(tmp_path / "config", kubeconfig("https://api.invalid", cluster={"proxy-url": "http://127.0.0.1:1"}))
    with pytest.raises(errors.ConnectionFailed, match="the proxy on the way to") as caught:
        given(path).server_version()
    assert "proxy-url" in caught.value.hint


@pytest.mark.parametrize("proxy", ["ftp://127.0.0.1:1", "socks5://127.0.0.1:1"])
def test_a_proxy_we_cannot_speak_to_is_told(tmp_path, proxy):
    error = refusal(write(tmp_path / "config", kubeconfig(cluster={"proxy-url": proxy})))
    assert error.message.startswith("the proxy 127.0.0.1 cannot be used")


def test_the_environments_proxy_is_not_for_this_machine(tmp_path, serve, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    server = serve(on("GET /version", VERSION))
    assert given(write(tmp_path / "config", kubeconfig(server.url))).server_version() == "v1.36.3"


def test_inside_a_pod(tmp_path, monkeypatch, certificate):
    from kubernetes.config import incluster_config

    write(tmp_path / "token", "pod-token\n")
    write(tmp_path / "namespace", "backup\n")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", certificate[0])
    monkeypatch.setattr(connection, "_SERVICE_ACCOUNT", tmp_path)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    cluster = connect(ConnectionOptions())
    assert configuration_of(cluster).host == "https://[fd00::1]:443"
    assert token_of(cluster) == "bearer pod-token"
    assert cluster.namespace == "backup"


def test_inside_a_pod_without_a_service_account(tmp_path, monkeypatch):
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    from kubernetes.config import incluster_config

    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    with pytest.raises(errors.KubeconfigError, match="this pod has no usable service account: Service token file"):
        connect(ConnectionOptions())


def test_401(tmp_path, serve):
    from unit.plugin_core.kube.servers import refusing

    server = serve(refusing("GET /version", 401, "Unauthorized", "Unauthorized"))
    with pytest.raises(errors.Forbidden) as caught:
        given(write(tmp_path / "config", kubeconfig(server.url))).server_version()
    assert "log in again" in caught.value.hint and caught.value.exit_code == 5
