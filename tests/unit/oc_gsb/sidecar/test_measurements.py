from __future__ import annotations

from oc_gsb.sidecar.measurements import missing_bits, parse_measurement

PROC = """Name:\tcat
Uid:\t1000680000\t1000680000\t1000680000\t1000680000
CapInh:\t0000000000000000
CapEff:\t0000000000000000
CapBnd:\t000000000000000b
NoNewPrivs:\t1
700 600 0:49 / / rw,relatime - overlay overlay rw
701 700 8:1 /vol /data/my\\040data rw,relatime shared:1 master:2 - ext4 /dev/sda1 rw
702 700 0:50 / /proc rw - proc proc rw
not a mount line
"""


def test_what_proc_says() -> None:
    measurement = parse_measurement(PROC)
    assert (measurement.bounding, measurement.effective, measurement.no_new_privileges) == (0xB, 0, True)
    assert measurement.user == 1000680000
    assert measurement.mounts == {"/": "overlay", "/data/my data": "ext4", "/proc": "proc"}


def test_nothing_is_made_up() -> None:
    measurement = parse_measurement("")
    assert (measurement.bounding, measurement.effective, measurement.no_new_privileges) == (None, None, None)
    assert measurement.mounts == {}


def test_bits() -> None:
    assert missing_bits(0xB) == () and missing_bits(0xFFFF) == ()
    assert missing_bits(0) == ("CHOWN", "DAC_OVERRIDE", "FOWNER")
    assert missing_bits(0x3) == ("FOWNER",)
