"""Whom to trust when a kubeconfig names no certificate authority, as `oc login` leaves it for public certificates."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from pathlib import Path

BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Where systems keep theirs (the list of Go's crypto/x509, and thereby kubectl's)."""


def authorities_to_name(*, bundles: Sequence[str] = BUNDLES) -> str | None:
    """A file with the system's authorities; None when OpenSSL finds them by itself.

    A frozen executable carries an OpenSSL that looks where the machine it was built on keeps them. SSL_CERT_FILE and
    SSL_CERT_DIR win, as everywhere. Where the system has none, certifi's, which comes with the client, are used.
    """
    paths = ssl.get_default_verify_paths()
    if paths.cafile or (paths.capath and any(Path(paths.capath).iterdir())):
        return None
    found = next((bundle for bundle in bundles if Path(bundle).is_file()), None)
    if found:
        return found
    import certifi

    return certifi.where()
