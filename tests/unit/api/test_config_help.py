"""The configuration help: every device in every transport, filled in completely."""

import configparser
import itertools
from xml.etree import ElementTree

import pytest

from api.config_help.catalogue import TRANSPORTS, Device, Part, Words, devices, general
from api.config_help.fill_in import Line, Server, Wanted, fill_in
from api.config_help.servers import SipServer

SERVER = Server("sip.example.com", 5060, 5061)
COMBINATIONS = [
    pytest.param(device, transport, id=f"{name}-{transport}")
    for name, device in devices().items()
    for transport in device.transports
]


def filled(device, transport="udp", server=SERVER, auth_user="salice"):
    return fill_in(device, server, Wanted(transport, "alice", auth_user))


def text(part) -> str:
    return "\n".join(line.text for line in part.lines)


def test_all_devices_of_the_field_have_help():
    wanted = {
        "asterisk-pjsip", "audiocodes-mp11x", "baresip", "cisco-spa", "fanvil", "freeswitch", "grandstream-ht8xx",
        "linphone", "microsip", "patton-smartnode", "snom", "tiesse-imola", "yealink", "zoiper",
    }  # fmt: skip

    assert wanted <= set(devices())


@pytest.mark.parametrize(("device", "transport"), COMBINATIONS)
def test_everything_is_filled_in(device, transport):
    whole = "\n".join(map(text, filled(device, transport)))

    for value in ("sip.example.com", "alice", "salice", "PASSWORD"):
        assert value in whole
    assert not set("{}") & set(whole.replace("${EXTEN}", ""))


@pytest.mark.parametrize(("device", "transport"), COMBINATIONS)
def test_another_port_is_never_forgotten(device, transport):
    whole = "\n".join(map(text, filled(device, transport, Server("192.0.2.7", 5070, 5071))))

    # The ini file of the MP-11x has no setting for it that we know of.
    if device.id != "audiocodes-mp11x":
        assert ("5071" if transport == "tls" else "5070") in whole


def test_ipv6_is_written_in_brackets():
    (accounts,) = filled(devices()["baresip"], server=Server("2001:db8::1", 5060, 5061))

    assert "<sip:alice@[2001:db8::1]>" in text(accounts)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_asterisk_reads_what_is_written_for_it(transport):
    pjsip, _ = filled(devices()["asterisk-pjsip"], transport)
    sections = [part for part in text(pjsip).split("\n\n") if part.strip()]

    read = []
    for section in sections:
        parser = configparser.ConfigParser(delimiters=("=",), comment_prefixes=(";",), interpolation=None)
        parser.read_string(section)
        read += [dict(parser[name]) for name in parser.sections()]

    assert [section["type"] for section in read] == [
        "transport", "registration", "auth", "aor", "endpoint", "identify",
    ]  # fmt: skip
    assert (
        read[1]["server_uri"]
        == {
            "udp": "sip:sip.example.com",
            "tcp": "sip:sip.example.com\\;transport=tcp",
            "tls": "sip:sip.example.com:5061\\;transport=tls",
        }[transport]
    )


@pytest.mark.parametrize("device", ["freeswitch", "cisco-spa"])
def test_files_in_xml_are_well_formed(device):
    part = filled(devices()[device])[0]

    ElementTree.fromstring(f"<file>{text(part)}</file>")  # noqa: S314  # our own text


def test_the_imola_says_which_lines_nobody_has_seen():
    imola = devices()["tiesse-imola"]

    usual = [line for part in filled(imola) for line in part.lines]
    over_tls = [line for part in filled(imola, "tls", Server("h", 5070, 5071)) for line in part.lines]

    assert {line.confidence for line in usual} == {"documented"}
    assert [line.text for line in over_tls if line.confidence == "unverified"] == [
        "set voip sip profile monitor port 5071",
        "set voip sip profile monitor transport-protocol tls",
    ]


def test_a_mark_makes_one_line_unverified_and_is_not_shown():
    words = Words(en="x", it="x")
    part = Part(where=words, template="sure\n?perhaps\n")
    device = Device(id="d", name="D", kind="phone", confidence="tried", transports=("udp",), parts=(part,))

    (only,) = filled(device)

    assert only.lines == [Line("sure", "tried"), Line("perhaps", "unverified")]


def test_notes_are_in_both_languages():
    notes = itertools.chain(general().notes, general().checks, *(device.notes for device in devices().values()))

    assert all(note.en and note.it and note.en != note.it for note in notes)


@pytest.mark.parametrize(
    ("public", "page", "host"),
    [
        ("203.0.113.8", "monitor.example.com", "203.0.113.8"),
        (None, "monitor.example.com", "monitor.example.com"),
        (None, "localhost", "192.168.1.5"),
        (None, "127.0.0.1", "192.168.1.5"),
        (None, "::1", "192.168.1.5"),
        (None, None, "192.168.1.5"),
    ],
)
def test_the_server_is_called_what_devices_can_reach(public, page, host):
    server = SipServer(public, "192.168.1.5", 5060, 5061).seen_from(page)

    assert server == Server(host, 5060, 5061)
