"""The certificates that we show over TLS: a folder of them, chosen by the name that is asked for (SNI), read again when
they change."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import structlog
from cryptography import x509

log = structlog.get_logger(__name__)

DEFAULT = "server"  # shown to whoever names nobody, or nobody that we know
CHECK_S = 10.0


class CertificateUnusable(Exception):
    """A certificate or key that is missing or does not fit; the message says which and why."""


@dataclass(frozen=True, slots=True)
class TlsRules:
    """How we speak TLS."""

    folder: Path  # NAME.crt (the chain) and NAME.key, PEM
    client_certificates: Literal["off", "optional", "required"] = "off"
    authority: Path | None = None  # of clients' certificates, and of servers' besides the system's own
    ciphers: str | None = None  # OpenSSL's list, for ATAs that know only old ones: DEFAULT@SECLEVEL=1


class Certificates:
    """The server and client contexts of now. `refresh` makes them anew when a file has changed."""

    def __init__(self, rules: TlsRules) -> None:
        """
        Raises:
            CertificateUnusable: there is none, or one that cannot be used.
        """
        self._rules = rules
        self._stamp = self._stamps()
        self._load()

    def server(self) -> ssl.SSLContext:
        return self._default

    def client(self) -> ssl.SSLContext:
        return self._client

    def refresh(self) -> None:
        """Takes up what changed on disk. Half-written files keep the old certificates in use."""
        stamp = self._stamps()
        if stamp == self._stamp:
            return
        try:
            self._load()
        except CertificateUnusable as error:
            log.warning("changed certificate not taken up", error=str(error))
            return
        self._stamp = stamp
        log.info("certificates read again", names=sorted(self._by_name))

    def _stamps(self) -> dict[str, tuple[int, int]]:
        files = [*self._rules.folder.glob("*.crt"), *self._rules.folder.glob("*.key")]
        files += [] if self._rules.authority is None else [self._rules.authority]
        return {str(file): _stamp(file) for file in files}

    def _load(self) -> None:
        default, by_name = None, {}
        for chain in sorted(self._rules.folder.glob("*.crt")):
            key = chain.with_suffix(".key")
            if chain.stem != DEFAULT and not key.exists():
                continue  # an authority's, perhaps
            context = self._server_context(chain, key)
            by_name.update(dict.fromkeys(_names(chain), context))
            default = context if chain.stem == DEFAULT else default
        if default is None:
            raise CertificateUnusable(f"{self._rules.folder / DEFAULT}.crt is missing")
        client = self._client_context()
        self._default, self._by_name, self._client = default, by_name, client

    def _server_context(self, chain: Path, key: Path) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2  # RFC 8996
        _set_ciphers(context, self._rules.ciphers)
        try:
            context.load_cert_chain(chain, key)
            if self._rules.client_certificates != "off":
                required = self._rules.client_certificates == "required"
                context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
                context.load_verify_locations(self._rules.authority)
        except OSError as error:  # also ssl.SSLError
            raise CertificateUnusable(f"{chain} with {key.name}: {error}") from error
        context.sni_callback = self._choose
        return context

    def _client_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        _set_ciphers(context, self._rules.ciphers)
        chain = self._rules.folder / f"{DEFAULT}.crt"
        try:
            if self._rules.authority is not None:
                context.load_verify_locations(self._rules.authority)
            context.load_cert_chain(chain, chain.with_suffix(".key"))  # for a server that asks for one
        except OSError as error:
            raise CertificateUnusable(f"{self._rules.authority or chain}: {error}") from error
        return context

    def _choose(self, connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
        """RFC 6066 3: the certificate for the name that the client asks for, with or without its first label."""
        asked = (name or "").lower()
        wildcard = "*." + asked.partition(".")[2]
        connection.context = self._by_name.get(asked) or self._by_name.get(wildcard) or self._default


def _stamp(file: Path) -> tuple[int, int]:
    try:
        status = file.stat()
    except OSError:
        return (0, 0)  # between the two halves of a replacement
    return (status.st_mtime_ns, status.st_size)


def _set_ciphers(context: ssl.SSLContext, ciphers: str | None) -> None:
    if ciphers is None:
        return
    try:
        context.set_ciphers(ciphers)
    except ssl.SSLError as error:
        raise CertificateUnusable(f"cipher list {ciphers!r}: {error}") from error


def _names(chain: Path) -> list[str]:
    """What the first certificate of a chain is for, in lower case."""
    try:
        certificate = x509.load_pem_x509_certificate(chain.read_bytes())
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError) as error:
        raise CertificateUnusable(f"{chain}: {error}") from error
    except x509.ExtensionNotFound:
        return []
    return [name.lower() for name in names.get_values_for_type(x509.DNSName)]
