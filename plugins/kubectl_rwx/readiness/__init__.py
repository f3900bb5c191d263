"""Can this cluster's storage be shared and snapshotted, and how sure is that? Nothing here changes a cluster.

What is read is gathered once (observations.py); everything after that is pure functions on it. No click, no printing.
"""
