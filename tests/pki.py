"""A hospital's certificates, made by openssl: an authority and whom it vouches for."""

import hashlib
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

from programs import find_program

CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


@dataclass(frozen=True)
class Certificate:
    """A certificate and its key, PEM."""

    certificate: Path
    key: Path

    @property
    def fingerprint(self) -> str:
        der = ssl.PEM_cert_to_DER_cert(self.certificate.read_text())
        return hashlib.sha256(der).hexdigest()

    def dcmtk(self, *trusted: Path) -> list[str]:
        """Return the options by which DCMTK's programs show it and trust those."""
        anchors = [word for path in trusted for word in ("+cf", str(path))]
        return ["+tls", str(self.key), str(self.certificate), *anchors]

    def context(self, trusted: Path | None) -> ssl.SSLContext:
        """Return the context of a plain TLS client that shows it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if trusted:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(trusted)
        context.load_cert_chain(self.certificate, self.key)
        return context

    def server_context(self, trusted: Path) -> ssl.SSLContext:
        """Return the context of a TLS server that wants to see a certificate as well."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(trusted)
        context.load_cert_chain(self.certificate, self.key)
        return context


class Authority:
    """Vouches for whoever asks."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.ca = Certificate(folder / f"{name}.pem", folder / f"{name}.key")
        is_ca = ("-addext", "basicConstraints=critical,CA:TRUE", "-days", "3650")
        _openssl("req", "-x509", *CURVE, *_out(self.ca), "-subj", f"/CN={name}", *is_ca)

    @property
    def anchor(self) -> Path:
        return self.ca.certificate

    def issue(
        self, name: str, days: int = 365, names: str = "DNS:localhost,IP:127.0.0.1"
    ) -> Certificate:
        """Make a certificate; with fewer than no days it has expired."""
        made = Certificate(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        request = self.folder / f"{name}.csr"
        alternative = ("-addext", f"subjectAltName={names}") if names else ()
        subject = ("-subj", f"/CN={name}", *alternative)
        _openssl("req", *CURVE, "-keyout", str(made.key), "-out", str(request), *subject)
        signer = ("-CA", str(self.ca.certificate), "-CAkey", str(self.ca.key), "-CAcreateserial")
        how = ("-days", str(days), "-copy_extensions", "copyall", "-out", str(made.certificate))
        _openssl("x509", "-req", "-in", str(request), *signer, *how)
        return made


def _out(made: Certificate) -> tuple[str, ...]:
    return "-keyout", str(made.key), "-out", str(made.certificate)


def _openssl(*arguments: str) -> None:
    command = [find_program("openssl"), *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
