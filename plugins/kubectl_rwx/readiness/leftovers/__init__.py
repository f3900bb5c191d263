"""What crashed runs of any command left behind: found by labels, removed in the order that cannot deadlock.

Never removed: a snapshot that is ready, a claim whose data may be all there is of it, and an in-place restore, which is
gone on with or back from. No click, no printing.
"""
