"""The certificate of SIP over TLS, and the authority that signs it."""

import ssl
import stat

import pytest
from cryptography import x509

from vqm_local.__main__ import main
from vqm_local.certificates import make_certificates


def names(path) -> list[str]:
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name) for kind in (x509.DNSName, x509.IPAddress) for name in extension.get_values_for_type(kind)]


def test_a_certificate_is_for_the_names_that_were_given(tmp_path):
    make_certificates(tmp_path, ["sip.example.com", "192.0.2.10"])

    assert names(tmp_path / "server.crt") == ["sip.example.com", "192.0.2.10"]
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
        tmp_path / "server.crt", tmp_path / "server.key"
    )


def test_the_authority_stays_so_that_devices_need_it_once(tmp_path):
    make_certificates(tmp_path, ["one.example.com"])
    authority = (tmp_path / "ca.crt").read_bytes()
    make_certificates(tmp_path, ["two.example.com"])

    certificate = x509.load_pem_x509_certificate((tmp_path / "server.crt").read_bytes())
    assert (tmp_path / "ca.crt").read_bytes() == authority
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(authority))


def test_keys_are_for_their_owner_only(tmp_path):
    make_certificates(tmp_path, ["sip.example.com"])

    for name in ("ca.key", "server.key"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_the_command_says_what_devices_have_to_trust(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("VQM_TLS_DIR", str(tmp_path / "made"))

    code = main(["certs", "sip.example.com"])

    said = capsys.readouterr().out
    assert code == 0
    assert str(tmp_path / "made" / "ca.crt") in said
    assert {"localhost", "127.0.0.1", "sip.example.com"} <= set(names(tmp_path / "made" / "server.crt"))


def test_a_folder_that_cannot_be_written_is_said_with_the_way_out(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    monkeypatch.setenv("VQM_TLS_DIR", str(tmp_path / "file" / "certs"))

    code = main(["certs"])

    assert code == 1
    assert "VQM_TLS_DIR=" in capsys.readouterr().err


@pytest.fixture(autouse=True)
def _no_other_settings(monkeypatch):
    monkeypatch.setattr("vqm_local.__main__.adopt_dotenv", lambda: None)
