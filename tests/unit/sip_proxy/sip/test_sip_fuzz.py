"""Whatever octets come in: a message that goes out as it came, or SipParseError (SdpError), and never anything else."""

import contextlib
import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sip_proxy.sip.digest import parse_authorization
from sip_proxy.sip.errors import SipParseError
from sip_proxy.sip.headers import parse_name_addr, parse_via
from sip_proxy.sip.uri import parse_uri, uris_equal
from tests.unit.sip_proxy.sip.fuzz_checks import (
    CREDENTIALS,
    OFFER,
    PARTS,
    SEEDS,
    check_credentials,
    check_description,
    check_message,
    check_parts,
    check_shown,
)

# Pieces that mean something to one of the parsers, so that mutations get past the first check.
PIECES = st.sampled_from(
    [
        *(bytes([octet]) for octet in b'\r\n\0"\\<>;,:@=%[]* \t\xff'),
        *(b"\r\n", b"\r\n ", b"\xc3\xa9", b"sip:", b"SIP/2.0", b"Via: ", b"l: 5", b"4294967296", b"m=", b"c=IN IP4 "),
    ]
)
# The same examples in every run: a test must not fail for somebody who changed nothing. Raise the number to hunt.
generous = settings(max_examples=300, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def mutated(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data)))
        end = draw(st.integers(at, min(len(data), at + 12)))
        data[at:end] = draw(st.one_of(PIECES, st.binary(max_size=6)))
    return bytes(data)


@generous
@given(st.binary(max_size=400))
def test_random_octets_are_no_message(data: bytes) -> None:
    check_message(data)


@generous
@given(mutated(SEEDS))
def test_a_mutated_message_is_kept_or_refused(data: bytes) -> None:
    check_message(data)


@generous
@given(st.text(max_size=80), st.text(max_size=20))
def test_any_text_is_a_value_or_refused(text: str, more: str) -> None:
    parsers: list[Callable[[str], object]] = [parse_uri, parse_name_addr, parse_via, parse_authorization]
    for parse in parsers:
        for candidate in (text, f"sip:{text}@h", f'"{text}" <sip:a@h;{more}>;{text}', f"Digest {text}, {more}={text}"):
            with contextlib.suppress(SipParseError):
                parse(candidate)


@generous
@given(
    st.from_regex(
        r"sips?:([a-z%0-9;é]{1,6}@)?[a-zA-Z0-9.]{1,6}(:[0-9]{1,4})?(;[a-z%0-9]{1,3}(=[a-z]{0,2})?){0,3}", fullmatch=True
    )
)
def test_a_uri_survives_writing_and_equals_itself(text: str) -> None:
    uri = parse_uri(text)

    assert parse_uri(str(uri)) == uri
    assert uris_equal(uri, uri)
    assert parse_uri(f"sip:{uri.aor()}").aor() == uri.aor()


@generous
@given(st.one_of(st.binary(max_size=200), mutated([CREDENTIALS])))
def test_credentials_of_any_kind_only_fail(value: bytes) -> None:
    check_credentials(value)


@generous
@given(st.one_of(st.binary(max_size=300), mutated([OFFER])))
def test_any_session_description_is_kept_or_refused(body: bytes) -> None:
    check_description(body)


@generous
@given(st.one_of(st.binary(max_size=300), mutated([PARTS])))
def test_any_body_of_several_parts_is_put_together_as_it_was(body: bytes) -> None:
    check_parts(body)


@generous
@given(st.one_of(st.binary(max_size=300), mutated(SEEDS)))
def test_what_people_see_is_bounded_text(data: bytes) -> None:
    check_shown(data)


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris: wheels for Python 3.11 on x86-64")
@pytest.mark.parametrize("target", ["message", "description", "parts", "credentials", "shown"])
def test_what_reads_octets_withstands_a_guided_search(target: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.unit.sip_proxy.sip.fuzzing", target, "-runs=5000", "-seed=1"]

    said = subprocess.run([*command, f"-artifact_prefix={tmp_path}/"], capture_output=True, text=True, timeout=120)

    assert said.returncode == 0, said.stderr[-4000:]
