"""Downloads from a server on this machine: mirrors, retries, broken files, two processes at once."""

import http.server
import os
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from xpnet.datasets import DatasetError, mnist
from xpnet.datasets._download import download
from xpnet.datasets._obtain import obtain
from xpnet.datasets._places import own_cache

IMAGES = "train-images-idx3-ubyte.gz"


class Server:
    """Serves `files` (path to bytes); `faults` (path to list) come first: a status, or a body cut in half."""

    def __init__(self):
        self.files, self.faults, self.asked = {}, {}, []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(self.path)
                faults = outer.faults.get(self.path)
                fault = faults.pop(0) if faults else None
                body = outer.files.get(self.path)
                if isinstance(fault, int) or body is None:
                    return self.send_error(fault or 404)
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) // 2] if fault == "cut" else body)

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/"

    def hold(self, folder, contents):
        """Serve `contents` (name to compressed bytes) below `folder`; returns the base address."""
        self.files |= {f"/{folder}/{name}.gz": content for name, content in contents.items()}
        return f"{self.url}{folder}/"


@pytest.fixture
def server():
    served = Server()
    thread = threading.Thread(target=served.http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield served
    served.http.shutdown()
    thread.join(10)
    served.http.server_close()


def fetch(spec):
    """Download without waiting between tries, and read what came."""
    cache = own_cache(spec)
    download(spec, cache, pause=0)
    return cache.read(spec)


def test_a_missing_data_set_is_downloaded_once(tiny, server):
    spec = replace(tiny.spec, mirrors=(server.hold("a", tiny.packed),))
    tiny.check(obtain(spec))
    assert len(server.asked) == 4
    tiny.check(obtain(spec))
    assert len(server.asked) == 4
    assert sorted(os.listdir(own_cache(spec).path)) == sorted(f"{name}.gz" for name in tiny.packed)


def test_mirrors_are_tried_in_order_and_the_one_that_works_is_kept(tiny, server):
    spec = replace(tiny.spec, mirrors=(f"{server.url}dead/", server.hold("a", tiny.packed)))
    tiny.check(fetch(spec))
    dead = [path for path in server.asked if path.startswith("/dead/")]
    assert dead == [f"/dead/{IMAGES}"] * 2
    assert server.asked[:3] == [*dead, f"/a/{IMAGES}"]


def test_nobody_listens(tiny, server):
    spec = replace(tiny.spec, mirrors=("http://127.0.0.1:9/", server.hold("a", tiny.packed)))
    tiny.check(fetch(spec))


@pytest.mark.parametrize("fault", [500, 503, "cut"])
def test_a_fault_is_retried(tiny, server, fault):
    spec = replace(tiny.spec, mirrors=(server.hold("a", tiny.packed),))
    server.faults[f"/a/{IMAGES}"] = [fault]
    tiny.check(fetch(spec))
    assert server.asked[:2] == [f"/a/{IMAGES}"] * 2


@pytest.mark.parametrize("body", [b"", b"<html>captive portal</html>", "other", "cut"])
def test_a_wrong_body_is_never_put_in_place(tiny, other, server, body):
    spec = replace(tiny.spec, mirrors=(server.hold("a", tiny.packed),))
    wrong = {"other": other.packed[IMAGES[:-3]], "cut": tiny.packed[IMAGES[:-3]][:50]}
    server.files[f"/a/{IMAGES}"] = wrong.get(body, body)
    with pytest.raises(DatasetError, match=f"{IMAGES}: expected"):
        fetch(spec)
    assert not own_cache(spec).path.exists()
    good = replace(spec, mirrors=(*spec.mirrors, server.hold("b", tiny.packed)))
    tiny.check(fetch(good))


def test_another_data_set_from_a_mirror_is_refused(tiny, other, server):
    spec = replace(tiny.spec, mirrors=(server.hold("a", other.packed),))
    with pytest.raises(DatasetError, match="found an unknown file, not Tiny's"):
        fetch(spec)
    assert not own_cache(spec).path.exists()
    tiny.check(fetch(replace(spec, mirrors=(server.hold("b", tiny.packed),))))


@pytest.mark.parametrize("damage", ["cut", "foreign", "gone"])
def test_a_bad_file_in_the_cache_is_fetched_again_and_the_others_are_not(tiny, other, server, damage):
    spec = replace(tiny.spec, mirrors=(server.hold("a", tiny.packed),))
    path = tiny.write(own_cache(spec).path) / IMAGES
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:40] if damage == "cut" else other.packed[IMAGES[:-3]])
    tiny.check(obtain(spec))
    assert server.asked == [f"/a/{IMAGES}"]
    assert path.read_bytes() == tiny.packed[IMAGES[:-3]]


def test_all_mirrors_dead_says_what_was_tried_and_what_to_do(tiny, server):
    spec = replace(tiny.spec, mirrors=(f"{server.url}x/", f"{server.url}y/"))
    with pytest.raises(DatasetError) as caught:
        fetch(spec)
    message = str(caught.value)
    assert f"{server.url}x/{IMAGES}: 404" in message
    assert f"{server.url}y/{IMAGES}: 404" in message
    assert "set XPNET_DATA" in message
    assert "digits() (--dataset digits) needs no file" in message


def test_a_cache_that_cannot_be_written(tiny, server):
    spec = replace(tiny.spec, mirrors=(server.hold("a", tiny.packed),))
    own_cache(spec).path.parent.write_bytes(b"a file where the folder should be")
    with pytest.raises(DatasetError, match=r"expected a folder to keep data in.*set XPNET_DATA"):
        fetch(spec)


def test_xpnet_data_keeps_it_off_the_network(tiny, server, empty_disk, monkeypatch):
    monkeypatch.setenv("XPNET_DATA", str(empty_disk))
    with pytest.raises(DatasetError):
        obtain(replace(tiny.spec, mirrors=(server.hold("a", tiny.packed),)))
    assert server.asked == []


def test_without_pooch_the_error_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(DatasetError, match="pip install pooch"):
        mnist()


def test_two_processes_at_once(tiny, server):
    spec = replace(tiny.spec, mirrors=(server.hold("a", tiny.packed),))
    script = (
        "import sys; from xpnet.datasets._spec import IdxDataset, IdxFile; "
        "from xpnet.datasets._obtain import obtain\n"
        "sys.stdin.readline()\n"
        f"print(sum(int(array.sum()) for array in obtain({spec!r})))"
    )
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    both = [subprocess.Popen([sys.executable, "-c", script], env=env, **pipes) for _ in range(2)]
    for process in both:
        process.stdin.write("go\n")
        process.stdin.flush()
    total = str(sum(int(array.sum()) for array in tiny.arrays))
    assert [process.communicate(timeout=60)[0].strip() for process in both] == [total, total]
    tiny.check(own_cache(spec).read(spec))
    assert len(os.listdir(own_cache(spec).path)) == 4


def test_importing_the_loaders_does_not_load_pooch():
    script = "import sys, xpnet.datasets; sys.exit('pooch' in sys.modules or 'requests' in sys.modules)"
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", script], env=env, timeout=60).returncode == 0
