"""Test doubles: a cluster in memory that fails on any request it was not told to expect, and builders of objects."""
