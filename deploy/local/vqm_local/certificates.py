"""A certificate authority of one's own, and the certificate with which SIP over TLS can be tried at once."""

import os
import socket
from collections.abc import Sequence
from pathlib import Path

import trustme

from shared.settings import CommonSettings

ORGANIZATION = "VoIP Quality Monitor"
CA_CERTIFICATE, CA_KEY = "ca.crt", "ca.key"
SERVER_CERTIFICATE, SERVER_KEY = "server.crt", "server.key"
# ATAs of the last decade check RSA only.
_KEY_TYPE = trustme.KeyType.RSA


def make_certificates(folder: Path, names: Sequence[str]) -> None:
    """Writes a certificate for these host names and addresses, signed by the folder's authority, which is made when
    there is none: devices that trust it already go on to do so.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    authority = _authority(folder)
    leaf = authority.issue_cert(*names, organization_name=ORGANIZATION, key_type=_KEY_TYPE)
    # the key first: sip-proxy reads the pair again when the certificate has changed
    _write(folder / SERVER_KEY, leaf.private_key_pem.bytes(), secret=True)
    _write(folder / SERVER_CERTIFICATE, b"".join(blob.bytes() for blob in leaf.cert_chain_pems))


def own_names(settings: CommonSettings) -> list[str]:
    """What devices may call this machine."""
    names = ["localhost", "127.0.0.1", socket.gethostname().lower(), settings.advertised_address()]
    return list(dict.fromkeys(names))


def _authority(folder: Path) -> trustme.CA:
    certificate, key = folder / CA_CERTIFICATE, folder / CA_KEY
    if certificate.exists() and key.exists():
        return trustme.CA.from_pem(certificate.read_bytes(), key.read_bytes())
    authority = trustme.CA(organization_name=ORGANIZATION, key_type=_KEY_TYPE)
    _write(key, authority.private_key_pem.bytes(), secret=True)
    _write(certificate, authority.cert_pem.bytes())
    return authority


def _write(path: Path, octets: bytes, *, secret: bool = False) -> None:
    """All or nothing, and a key never readable by others, not even for a moment."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if secret else 0o644)
    with os.fdopen(descriptor, "wb") as file:
        file.write(octets)
    new.replace(path)
