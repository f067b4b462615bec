"""Certificates for tests, made on the spot by the openssl command."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


# Who an application is, by its certificate.
DESK = "spiffe://crm/desk"


@dataclass
class Certificate:
    """PEM files: what its bearer shows, the key to it, and the authority that it believes."""

    certificate: Path
    key: Path
    ca: Path

    @property
    def flags(self) -> list[str]:
        """Of a program that shows it, and asks callers for one of the same authority."""
        return [f"--tls-certificate={self.certificate}", f"--tls-key={self.key}", f"--tls-client-ca={self.ca}"]

    @property
    def curl(self) -> list[str]:
        return ["--cert", str(self.certificate), "--key", str(self.key), "--cacert", str(self.ca)]


class Authority:
    def __init__(self, folder: Path):
        folder.mkdir()
        self.folder = folder
        self.pem = folder / "ca.pem"
        self.key = folder / "ca.key"
        self._make(self.pem, self.key, "/CN=a test's authority")

    def issue(self, name: str, *names: str) -> Certificate:
        """Bears `names`, as OpenSSL writes them: DNS:desk.crm, URI:spiffe://crm/desk, IP:127.0.0.1."""
        issued = Certificate(self.folder / f"{name}.pem", self.folder / f"{name}.key", self.pem)
        self._make(
            issued.certificate, issued.key, f"/CN={name}", "-CA", self.pem, "-CAkey", self.key,
            "-addext", f"subjectAltName={','.join(names)}", "-addext", "basicConstraints=critical,CA:FALSE",
            "-addext", "extendedKeyUsage=serverAuth,clientAuth",
        )  # fmt: skip
        return issued

    def _make(self, certificate: Path, key: Path, subject: str, *more) -> None:
        """Each file is whole at any time: a renewal that is looked at while it is made is none."""
        new = [path.with_suffix(f"{path.suffix}.new") for path in (certificate, key)]
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-days", "1", "-subj", subject, "-out", new[0], "-keyout", new[1], *more],
            check=True, capture_output=True,
        )  # fmt: skip
        for path, made in zip((certificate, key), new, strict=True):
            made.rename(path)
