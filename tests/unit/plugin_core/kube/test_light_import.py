"""The client without its heavy parts, in a Python of its own: what is imported, and who gets placeholders."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PLUGINS = Path(__file__).parents[4] / "plugins"
BEGIN = "import sys\nfrom plugin_core.kube.light_import import import_client\n"


def in_a_new_python(script: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", BEGIN + script], env={"PYTHONPATH": str(PLUGINS)}, capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_heavy_parts_are_not_imported_and_no_placeholder_stays():
    heavy = {"pydantic", "dateutil", "requests", "oauthlib", "requests_oauthlib"}
    loaded = in_a_new_python("import_client()\nprint(*{name.split('.')[0] for name in sys.modules})")
    assert "kubernetes" in loaded
    assert not heavy & set(loaded)


def test_the_real_modules_are_there_for_whoever_uses_them():
    assert in_a_new_python(
        "import_client()\n"
        "from kubernetes.config import kube_config\n"
        "print(kube_config.OAuth2Session(client_id='x').__module__)\n"
        "print(kube_config.oauthlib.oauth2.rfc6749.errors.InvalidRequestError.error)\n"
        "import pydantic, kubernetes.watch\n"
        "print(pydantic.BaseModel.__module__, kubernetes.watch.Watch.__name__)\n"
        "from kubernetes.client import api_client\n"
        "print(api_client.parse('2026-11-21').year)\n"
    ) == ["requests_oauthlib.oauth2_session", "invalid_request", "pydantic.main", "Watch", "2026"]


def test_what_others_imported_first_is_left_alone():
    assert in_a_new_python(
        "import kubernetes.client, pydantic\n"
        "import_client()\n"
        "from kubernetes.client import api_client\n"
        "print(sys.modules['pydantic'] is pydantic, api_client.SecretStr is pydantic.SecretStr)\n"
    ) == ["True", "True"]
