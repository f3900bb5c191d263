"""Frozen data and pure functions on it. No I/O lives here, and nothing here waits, prints or knows a client."""
