"""Imports the official client without the parts that nothing here uses: about half the time of a command's start.

The client's packages import each other as a whole: pydantic for the typed models (here every object is a plain dict),
OAuth for one way to log in, parsers for dates of models. While the client is imported, small placeholders stand in for
those; afterwards they are gone, so that anybody else who imports these modules gets the real ones.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

NEVER_USED = (
    "pydantic", "dateutil", "kubernetes.dynamic", "kubernetes.informer", "kubernetes.leaderelection",
    "kubernetes.stream", "kubernetes.watch",
)
"""Replaced for good; the frozen executables leave them out."""
LATER = ("oauthlib", "requests_oauthlib")
"""Replaced until used: by users whose kubeconfig refreshes an OpenID Connect token."""


def import_client() -> None:
    """Imports kubernetes.client and kubernetes.config, once; nothing happens when somebody imported kubernetes."""
    if "kubernetes" in sys.modules:
        return
    placed = {name: module for name, module in _placeholders().items() if name not in sys.modules}
    sys.modules.update(placed)
    try:
        importlib.import_module("kubernetes.client")
        importlib.import_module("kubernetes.config.kube_config")
    finally:
        for name, module in placed.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]


class _RealOne(ModuleType):
    """Any attribute is taken from the real module, imported at the first question."""

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self.__name__), name)


def _placeholders() -> dict[str, ModuleType]:
    oauth2 = _RealOne("oauthlib.oauth2")
    modules = [
        _module("pydantic", BaseModel=type("BaseModel", (), {}), SecretStr=type("SecretStr", (), {}),
                StrictBytes=bytes, StrictInt=int, Field=lambda *arguments, **options: None),
        _module("dateutil"), _module("dateutil.parser", parse=_call_later("dateutil.parser", "parse")),
        oauth2, _module("oauthlib", oauth2=oauth2),
        _module("requests_oauthlib", OAuth2Session=_call_later("requests_oauthlib", "OAuth2Session")),
        *(_module(name) for name in NEVER_USED if name.startswith("kubernetes.")),
    ]
    return {module.__name__: module for module in modules}


def _module(name: str, **attributes: Any) -> ModuleType:
    module = ModuleType(name)
    module.__path__ = []
    vars(module).update(attributes)
    return module


def _call_later(module: str, name: str) -> Callable[..., Any]:
    def call(*arguments: Any, **options: Any) -> Any:
        return getattr(importlib.import_module(module), name)(*arguments, **options)

    return call
