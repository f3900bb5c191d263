"""The proof that a StorageClass does what it promises: real claims, pods, a snapshot, a restore and a clone.

Objects are made here and removed again; what the pods see is compared, never believed. No click, no printing.
"""
