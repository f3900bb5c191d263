"""kubectl rwx: shared storage whose snapshots can be trusted. Knows nothing of oc_gsb."""
