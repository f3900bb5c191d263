"""Tests of the frozen executables."""
