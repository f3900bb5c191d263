"""The cluster on plain dicts: the only package that imports `kubernetes`.

What must not live here: what a volume, workload or SCC means. Importing this package loads no client;
`connection.connect` does.
"""
