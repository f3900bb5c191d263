from __future__ import annotations

import pytest

from fakes.storage import snapshot
from plugin_core.names import CONSISTENCY, QUIESCED_UNTIL, UNQUIESCED_CONSISTENCY
from plugin_core.storage.consistency import consistency_of

UNDER_A_FREEZE = {
    CONSISTENCY: "quiesced", QUIESCED_UNTIL: "2026-01-01T00:01:00Z", UNQUIESCED_CONSISTENCY: "fuzzy",
}


@pytest.mark.parametrize("annotations, cut, said", [
    ({}, "2026-01-01T00:00:59Z", ""),
    ({CONSISTENCY: "crash"}, "2026-01-01T00:00:59Z", "crash"),
    ({CONSISTENCY: "quiesced"}, "2026-01-01T00:00:59Z", "quiesced"),
    (UNDER_A_FREEZE, "", "quiesced"),
    (UNDER_A_FREEZE, "2026-01-01T00:01:00Z", "quiesced"),
    (UNDER_A_FREEZE, "2026-01-01T00:01:01.5Z", "fuzzy"),
])
def test_a_cut_after_the_freeze_is_what_it_had_been_without(annotations: dict[str, str], cut: str, said: str) -> None:
    found = snapshot(annotations=annotations)
    found["status"] = {"creationTime": cut} if cut else {}
    assert consistency_of(found) == said
