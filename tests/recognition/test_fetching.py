import dataclasses
import functools
import http.server
import threading

import pytest

from recognition import fetching


def ignore(_done, _whole):
    return None


@pytest.fixture
def absent(tiny_card):
    """The tiny model as one that must be fetched."""
    return dataclasses.replace(tiny_card, folder=None)


@pytest.fixture
def address(tiny_card):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            return None

    handler = functools.partial(Quiet, directory=str(tiny_card.folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_file_comes_from_a_folder_and_is_then_present(absent, tiny_card, tmp_path):
    origin = str(tiny_card.folder)
    target = tmp_path / "models"
    (first,) = fetching.fetch(absent, target, origin=origin, progress=ignore)
    (second,) = fetching.fetch(absent, target, origin=origin, progress=ignore)
    assert (first.outcome, second.outcome) == ("fetched", "present")
    assert [path.name for path in target.iterdir()] == ["tiny_nchw.onnx"]
    assert absent.paths(target) == (target / "tiny_nchw.onnx",)


def test_a_file_comes_from_an_address(absent, address, tmp_path):
    (result,) = fetching.fetch(absent, tmp_path, origin=address, progress=ignore)
    assert result.outcome == "fetched"
    upstream = dataclasses.replace(absent, download=f"{address}/tiny_nchw.onnx")
    (again,) = fetching.fetch(upstream, tmp_path / "other", progress=ignore)
    assert again.outcome == "fetched"


def test_a_file_that_is_not_there_is_reported(absent, address, tmp_path):
    (folder,) = fetching.fetch(absent, tmp_path, origin=str(tmp_path / "empty"), progress=ignore)
    (remote,) = fetching.fetch(absent, tmp_path, origin=f"{address}/nowhere", progress=ignore)
    assert (folder.outcome, remote.outcome) == ("not there", "not there")
    assert list(tmp_path.iterdir()) == []


def test_without_an_address_the_operator_is_told_to_bring_it(absent, tmp_path):
    (result,) = fetching.fetch(absent, tmp_path, progress=ignore)
    assert (result.outcome, result.detail) == ("no address", "no public address; give --from FOLDER")


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 100_000])
def test_another_file_is_never_put_in_place(absent, tmp_path, content):
    origin, target = tmp_path / "origin", tmp_path / "models"
    origin.mkdir()
    (origin / "tiny_nchw.onnx").write_bytes(content)
    (result,) = fetching.fetch(absent, target, origin=str(origin), progress=ignore)
    assert result.outcome == "wrong hash"
    assert not target.exists()


def test_a_damaged_file_in_place_is_replaced(absent, tiny_card, tmp_path):
    (tmp_path / "tiny_nchw.onnx").write_bytes(b"half")
    (result,) = fetching.fetch(absent, tmp_path, origin=str(tiny_card.folder), progress=ignore)
    assert result.outcome == "fetched"
    assert (tmp_path / "tiny_nchw.onnx").read_bytes() == (tiny_card.folder / "tiny_nchw.onnx").read_bytes()
