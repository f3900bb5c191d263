"""The sandbox's certificate authority: one per sandbox, gone with it."""

import datetime
import ipaddress
import threading
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sandbox.context import ServerCertificate

_LIFETIME = datetime.timedelta(days=365)
_CLOCK_TOLERANCE = datetime.timedelta(hours=1)


class CertificateAuthority:
    """Issues certificates into ``directory`` as PEM files: ``<name>.crt`` and ``<name>.key``."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.bundle = directory / "ca.crt"
        self._guard = threading.Lock()
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._key = self.make_key("ca")
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rwx-sandbox")])
        certificate = self._builder(self._name, self._key).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        self._write_certificate("ca", certificate)

    def make_key(self, name: str) -> ec.EllipticCurvePrivateKey:
        """Write ``<name>.key``."""
        key = ec.generate_private_key(ec.SECP256R1())
        path = self.directory / f"{name}.key"
        path.touch(mode=0o600)
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return key

    def make_key_pair(self, name: str) -> None:
        """Write ``<name>.key`` and ``<name>.pub``: what tokens are signed and checked with."""
        public = self.make_key(name).public_key()
        pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        (self.directory / f"{name}.pub").write_bytes(pem)

    def issue_client(self, name: str, *, user: str, group: str | None = None) -> ServerCertificate:
        """A certificate that authenticates as this user, and as a member of this group."""
        attributes = [x509.NameAttribute(NameOID.COMMON_NAME, user)]
        if group:
            attributes.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, group))
        return self._issue(name, x509.Name(attributes), ExtendedKeyUsageOID.CLIENT_AUTH, names=[])

    def issue_server(self, name: str) -> ServerCertificate:
        """A certificate of a server on 127.0.0.1; asked again, the same files are returned."""
        with self._guard:
            if (self.directory / f"{name}.crt").exists():
                return self._files(name)
            subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
            names = [
                x509.DNSName("localhost"),
                x509.DNSName(name),
                x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
            ]
            return self._issue(name, subject, ExtendedKeyUsageOID.SERVER_AUTH, names=names)

    def _issue(
        self, name: str, subject: x509.Name, usage: x509.ObjectIdentifier, *, names: list[x509.GeneralName]
    ) -> ServerCertificate:
        builder = self._builder(subject, self.make_key(name)).add_extension(
            x509.ExtendedKeyUsage([usage]), False
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        self._write_certificate(name, builder)
        return self._files(name)

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.timezone.utc)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _CLOCK_TOLERANCE)
            .not_valid_after(now + _LIFETIME)
        )

    def _write_certificate(self, name: str, builder: x509.CertificateBuilder) -> None:
        certificate = builder.sign(self._key, hashes.SHA256())
        (self.directory / f"{name}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def _files(self, name: str) -> ServerCertificate:
        return ServerCertificate(
            certificate=self.directory / f"{name}.crt",
            key=self.directory / f"{name}.key",
            ca_bundle=self.bundle,
        )
