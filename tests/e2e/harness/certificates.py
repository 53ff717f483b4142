"""An authority of a test's own, and certificates of servers by it, made by openssl."""

import dataclasses
import pathlib
import subprocess

_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
# As many days as openssl lets one ask for backwards.
YESTERDAY = -1


@dataclasses.dataclass(frozen=True)
class Certificate:
    certificate: pathlib.Path
    key: pathlib.Path

    @property
    def both(self):
        """Key and certificate in one file."""
        file = self.key.with_suffix(".both")
        file.write_text(self.key.read_text() + self.certificate.read_text())
        return file


class Authority:
    def __init__(self, folder, name="authority"):
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.own = Certificate(folder / f"{name}.pem", folder / f"{name}.key")
        _openssl("req", "-x509", *_KEY, "-subj", f"/CN={name}", "-days", 2,
                 "-keyout", self.own.key, "-out", self.own.certificate)  # fmt: skip

    @property
    def file(self):
        """What its clients trust."""
        return self.own.certificate

    def issue(self, name, host="127.0.0.1", days=1):
        """A certificate for a server at the address `host`."""
        made = Certificate(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        request, extension = self._folder / f"{name}.request", self._folder / f"{name}.extension"
        extension.write_text(f"subjectAltName=IP:{host}\n")
        _openssl("req", *_KEY, "-subj", f"/CN={name}", "-keyout", made.key, "-out", request)
        _openssl("x509", "-req", "-in", request, "-CA", self.own.certificate, "-CAkey", self.own.key,
                 "-CAcreateserial", "-extfile", extension, "-days", days, "-out", made.certificate)  # fmt: skip
        return made


def server_certificates(folder):
    """The authority that is trusted, and by name a sound certificate and some that must be refused."""
    authority = Authority(folder)
    return authority, {
        "sound": authority.issue("sound"),
        "of another host": authority.issue("other_host", host="127.0.0.2"),
        "expired": authority.issue("expired", days=YESTERDAY),
        "of another authority": Authority(folder, "other_authority").issue("other_authority_server"),
        "signed by itself": Authority(folder, "itself").own,
    }


def _openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
