"""What would only fail later is refused before anything starts, in one sentence that says what to do."""

import os
import socket
from typing import Any

import pytest

from tests.ports import free_port
from vqm_local.preflight import CannotStart, check_ports, sole_user_of
from vqm_local.settings import LocalSettings


@pytest.fixture
def udp():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture
def tcp():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def settings(**changed) -> LocalSettings:
    usual: dict[str, Any] = {
        "bind": "127.0.0.1",
        "sip_port": free_port(),
        "sips_port": free_port(),
        "http_port": free_port(),
        "media_ports": "20000-29999",
    }
    return LocalSettings(**(usual | changed))


def test_free_ports_are_no_problem():
    check_ports(settings())


def test_a_taken_sip_port_is_named_with_its_variable(udp):
    with pytest.raises(CannotStart, match=rf"^UDP port {udp} is taken .* another: VQM_SIP_PORT=\d+$"):
        check_ports(settings(sip_port=udp))


@pytest.mark.parametrize("setting", ["sip_port", "sips_port"])
def test_a_taken_port_of_sip_over_tcp_or_tls_is_named_with_its_variable(tcp, setting):
    with pytest.raises(CannotStart, match=rf"^TCP port {tcp} is taken .* another: VQM_{setting.upper()}=\d+$"):
        check_ports(settings(**{setting: tcp}))


def test_the_port_of_tls_does_not_matter_where_it_is_not_spoken(tcp):
    check_ports(settings(sips_port=tcp, sip_transports="udp,tcp"))


def test_a_taken_http_port_is_named_with_its_variable(tcp):
    with pytest.raises(CannotStart, match=rf"^TCP port {tcp} is taken .* another: VQM_HTTP_PORT=\d+$"):
        check_ports(settings(http_port=tcp))


def test_an_address_of_another_machine_is_refused():
    with pytest.raises(CannotStart, match=r"^192\.0\.2\.7 is no address of this machine: VQM_BIND=0\.0\.0\.0"):
        check_ports(settings(bind="192.0.2.7"))


def test_a_media_range_that_others_use_is_refused():
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(4)]
    try:
        first = four_in_a_row(sockets)

        with pytest.raises(CannotStart, match=rf"^Most UDP ports of {first}-{first + 3} are taken .* VQM_MEDIA_PORTS="):
            check_ports(settings(media_ports=f"{first}-{first + 3}"))
    finally:
        for each in sockets:
            each.close()


def four_in_a_row(sockets: list[socket.socket]) -> int:
    for first in range(30000, 60000, 4):
        try:
            for offset, each in enumerate(sockets):
                each.bind(("127.0.0.1", first + offset))
        except OSError:
            for index, each in enumerate(sockets):
                each.close()
                sockets[index] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        else:
            return first
    raise AssertionError("no four free ports in a row")


def test_two_starts_do_not_share_a_data_folder(tmp_path):
    folder = tmp_path / "new" / "data"
    with (
        sole_user_of(folder),
        pytest.raises(CannotStart, match=rf"already runs on {folder} \(process {os.getpid()}\)"),
        sole_user_of(folder),
    ):
        pass

    with sole_user_of(folder):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")

    with (
        pytest.raises(CannotStart, match=r"^The data folder .*/file/data cannot be written .* VQM_DATA_DIR="),
        sole_user_of(tmp_path / "file" / "data"),
    ):
        pass
