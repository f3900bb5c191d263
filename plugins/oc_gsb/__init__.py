"""oc gsb: Kasten's Generic Storage Backup, safe and provable. Knows nothing of kubectl_rwx."""
