import os
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from access.folder import DataFolder
from access.management.commands import up as command
from access.up.port import PortTakenError, ensure_free, web_address
from access.up.startup import Options, ask, start_servers, up
from access.up.supervisor import Supervisor


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def started(folder: DataFolder) -> list[str]:
    return sorted(path.name for path in folder.logs.iterdir())


def test_second_up_on_the_same_folder_says_who_has_it_and_starts_nothing(place, monkeypatch, capsys):
    monkeypatch.setenv("LINTEL_DATA", str(place / "data"))
    folder = DataFolder(place / "data")
    folder.ensure_keys()
    with folder.lock("http://127.0.0.1:8000"):
        assert up(Options(port=free_port())) == 3
    said = capsys.readouterr().err
    assert f"already running on {folder.path}: process {os.getpid()}" in said
    assert "at http://127.0.0.1:8000" in said
    assert started(folder) == []


def test_taken_port_is_named_with_its_holder_before_anything_starts(place, monkeypatch, capsys, taken):
    monkeypatch.setenv("LINTEL_DATA", str(place / "data"))
    assert up(Options(port=taken)) == 2
    said = capsys.readouterr().err
    assert f"port {taken} is taken by " in said
    assert "choose another with --port or LINTEL_BIND" in said
    if Path("/proc/net/tcp").exists():
        assert f"(process {os.getpid()})" in said
    assert started(DataFolder(place / "data")) == []


def test_folder_that_cannot_be_used_is_a_fault_with_a_reason(place, monkeypatch, capsys):
    (place / "file").touch()
    monkeypatch.setenv("LINTEL_DATA", str(place / "file"))
    assert up(Options(port=free_port())) == 1
    assert "is a file where a folder is needed" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["{}", "{}_FILE"])
def test_given_servers_take_the_place_of_the_embedded_ones(place, monkeypatch, form):
    monkeypatch.setenv(form.format("DATABASE_URL"), "postgresql://db.example/lintel")
    monkeypatch.setenv(form.format("REDIS_URL"), "redis://queue.example/0")
    folder = DataFolder(place / "data")
    folder.make()
    with Supervisor() as supervisor:
        start_servers(supervisor, folder)
        assert supervisor.names() == []
    assert not (folder.postgres / "data").exists()


def test_each_server_is_replaced_on_its_own(place, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://db.example/lintel")
    folder = DataFolder(place / "data")
    folder.make()
    with Supervisor() as supervisor:
        start_servers(supervisor, folder)
        assert supervisor.names() == ["valkey"]


def test_free_port_is_free_and_an_address_of_another_machine_is_not_ours(taken):
    ensure_free("127.0.0.1", free_port())
    with pytest.raises(PortTakenError):
        ensure_free("0.0.0.0", taken)
    with pytest.raises(PortTakenError, match="cannot be used"):
        ensure_free("192.0.2.1", free_port())


@pytest.mark.parametrize(
    ("bind", "host", "port"),
    [
        ("127.0.0.1:8000", "127.0.0.1", "8000"),
        ("0.0.0.0", "0.0.0.0", "8000"),
        ("door.example:81", "door.example", "81"),
        ("[::1]:9000", "::1", "9000"),
        ("[::1]", "::1", "8000"),
    ],
)
def test_bind_address_is_taken_apart(bind, host, port):
    assert command.address(bind) == (host, port)


@pytest.mark.parametrize(
    ("hosts", "asked"), [(None, "127.0.0.1"), ("*", "127.0.0.1"), (".door.example,localhost", "door.example")]
)
def test_website_is_asked_by_a_name_it_answers_to(monkeypatch, hosts, asked):
    class Echo(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(f"{self.headers['Host']} {self.path}".encode())

        def log_message(self, *_):
            pass

    if hosts:
        monkeypatch.setenv("LINTEL_HOSTS", hosts)
    with HTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        status, text = ask(f"http://127.0.0.1:{server.server_port}/readyz")
        thread.join()
    assert (status, text.replace(f":{server.server_port}", "")) == (200, f"{asked} /readyz")
    assert ask(f"http://127.0.0.1:{free_port()}/readyz")[0] == 0


def test_web_address_can_be_typed_into_a_browser():
    assert web_address("0.0.0.0", 8000) == "http://localhost:8000"
    assert web_address("::1", 8000) == "http://[::1]:8000"


@pytest.mark.parametrize("arguments", [["--workers", "0"], ["--port", "70000"], ["--bind", "here:there"]])
def test_impossible_wish_is_refused_before_anything_happens(place, monkeypatch, arguments):
    monkeypatch.setenv("LINTEL_DATA", str(place / "data"))
    with pytest.raises(CommandError):
        call_command("up", *arguments)
    assert not (place / "data").exists()
