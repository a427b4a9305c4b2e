"""DIALS pages: current and older ones, from files and from a service, and what is no page."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from dqm.formats.dials import client, fetch, read_dials
from dqm.formats.results import ReadResult
from dqm.model.config import Config, DialsInput
from dqm.model.errors import ConfigError, InputError


def one(run: Any = 7, ls: Any = 3, **changed: Any) -> dict[str, Any]:
    made = {"me": "JetMET/vertices", "run_number": run, "ls_number": ls, "x_min": 0, "x_max": 4, "x_bin": 4}
    return made | {"entries": 10, "data": [1, 2, 3, 4]} | changed


def two(**changed: Any) -> dict[str, Any]:
    made = one(me="Ecal/occupancy", y_min=-1, y_max=1, y_bin=2, data=[[1, 2, 3, 4], [5, 6, 7, 8]], entries=36)
    return made | changed


def page(*results: Any, following: str | None = None) -> bytes:
    return json.dumps({"results": list(results), "next": following, "previous": None}).encode()


def read(folder: Path, *pages: bytes, elements: tuple[str, ...] = ()) -> ReadResult:
    for k, data in enumerate(pages):
        (folder / f"page{k}.json").write_bytes(data)
    return read_dials(DialsInput(kind="dials", files=("page*.json",), elements=elements), Config(folder=folder))


def reasons(result: ReadResult) -> list[str]:
    return [f"{each.code}: {each.reason}" for each in result.findings]


def test_both_dimensions_without_flow(tmp_path: Path) -> None:
    result = read(tmp_path, page(one(), two()), page(one(ls=4, data=[0, 0, 0, 9])))
    lines, maps = result.histograms[:2], result.histograms[2]
    assert [each.element for each in result.histograms] == ["JetMET/vertices", "JetMET/vertices", "Ecal/occupancy"]
    assert [each.ls.tolist() for each in lines] == [[3], [4]]
    np.testing.assert_array_equal(lines[0].inner, [[1, 2, 3, 4]])
    np.testing.assert_array_equal(maps.inner, [[[1, 2, 3, 4], [5, 6, 7, 8]]])
    assert [(axis.bins, axis.low, axis.high) for axis in maps.axes] == [(4, 0.0, 4.0), (2, -1.0, 1.0)]
    assert not any(each.has_flow for each in result.histograms)
    assert (lines[0].entries.tolist(), maps.entries.tolist()) == ([10.0], [36.0])
    assert result.quantities is not None
    assert list(result.quantities.index) == [(7, 3), (7, 4)]
    assert [each.rows_kept for each in result.files] == [2, 1]
    assert result.findings == ()


def test_older_pages_name_the_lumisection_by_number(tmp_path: Path) -> None:
    older = {key: value for key, value in one(title="old").items() if key not in ("me", "run_number", "ls_number")}
    known = {"id": 5, "ls_number": 37, "run": 357538}
    result = read(tmp_path, page(older | {"lumisection": 5}), page(known), page({"run_number": 357538, "year": None}))
    (found,) = result.histograms
    assert (found.element, found.run.tolist(), found.ls.tolist()) == ("old", [357538], [37])
    (tmp_path / "page1.json").unlink()
    result = read_dials(DialsInput(kind="dials", files=("page*.json",)), Config(folder=tmp_path))
    assert result.histograms == ()
    assert "older pages need those of the lumisections too" in reasons(result)[0]


def test_only_what_is_asked_for(tmp_path: Path) -> None:
    result = read(tmp_path, page(one(), two()), elements=("JetMET/*", "nothing"))
    assert [each.element for each in result.histograms] == ["JetMET/vertices"]


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (
            one(data=[1, 2, 3]),
            "histogram: JetMET/vertices: 3 cells where the axes ask for 6 with under- and overflow or 4",
        ),
        (one(data=[[1, 2], [3, 4, 5]]), "histogram: JetMET/vertices: "),
        (one(data=["a", "b", "c", "d"]), "histogram: JetMET/vertices: could not convert"),
        (one(x_bin=0, data=[]), "histogram: JetMET/vertices: an axis of 0 bins"),
        (one(x_max=0), "histogram: JetMET/vertices: an axis from 0.0 to 0.0"),
        (one(x_bin=10**12), "histogram: JetMET/vertices: 4 cells where the axes ask for"),
        (one(x_min="low"), "histogram: JetMET/vertices: could not convert"),
        (one(ls=None), "key: JetMET/vertices, run 7, LS None: name, run and LS are needed"),
        (one(run=-7), "key: JetMET/vertices, run -7, LS 3: name, run and LS are needed"),
        (one(run=7.5), "key: JetMET/vertices, run 7.5, LS 3: name, run and LS are needed"),
        (one(me=""), "key: a histogram without a name, run 7, LS 3"),
        ({"run_number": 7, "ls_number": 3, "me": "a", "data": []}, "histogram: a: 'x_bin' is missing"),
        ("text", 'row: a result is "text" and no histogram'),
    ],
)
def test_what_is_no_histogram_is_quarantined_and_the_others_are_read(tmp_path: Path, result: Any, reason: str) -> None:
    found = read(tmp_path, page(one(ls=9), result))
    assert [each.ls.tolist() for each in found.histograms] == [[9]]
    (told,) = reasons(found)
    assert told.startswith(reason)
    assert found.findings[0].severity == "quarantined"
    assert found.findings[0].file.endswith("page0.json")


def test_pages_without_a_lumisection_are_told(tmp_path: Path) -> None:
    """Mutant: nothing was read and nobody knows."""
    found = read(tmp_path, page())
    assert [(each.code, each.severity, each.reason) for each in found.findings] == [
        ("empty", "quarantined", "it holds no histogram")
    ]
    unasked = read(tmp_path, page(one()), elements=("nothing",))
    assert [(each.code, each.severity) for each in unasked.findings] == [("empty", "note")]
    assert "none of its 1 histogram was asked for" in unasked.findings[0].reason
    with pytest.raises(InputError, match="none of the files holds histograms"):
        read(tmp_path, page({"run_number": 357538, "year": None}))


def test_counts_that_cannot_be_are_delivered_and_noted(tmp_path: Path) -> None:
    broken = page(one(), one(ls=4, data=[1, -2, 3, 4])).replace(b"[1, 2, 3, 4]", b"[1, NaN, 3, 4]")
    found = read(tmp_path, broken)
    assert np.isnan(found.histograms[0].inner[0, 1])
    assert [each.code for each in found.findings] == ["invalid:counts", "negative-counts"]
    assert [(each.run, each.ls) for each in found.findings] == [(7, 3), (7, 4)]


def test_the_same_lumisection_in_two_pages(tmp_path: Path) -> None:
    found = read(tmp_path, page(one(), one(ls=4)), page(one(), one(ls=4, entries=11)))
    assert [each.ls.tolist() for each in found.histograms] == [[3]]
    assert [each.code for each in found.findings] == ["conflict"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"results": [', "not valid JSON: it ends too early"),
        (b"[]", "not a page of the service: no list 'results'"),
        (b'{"results": 5}', "not a page of the service: no list 'results'"),
        (b"\xff\xfe", "not UTF-8 text"),
        (b" ", "the file is empty"),
    ],
)
def test_what_is_no_page_is_refused_in_one_line(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(InputError, match=reason) as caught:
        read(tmp_path, data)
    assert "page0.json" in str(caught.value)
    assert "\n" not in str(caught.value)


class Service(BaseHTTPRequestHandler):
    """Two pages, for whoever brings the token."""

    pages: ClassVar[dict[str, bytes]] = {}

    def do_GET(self) -> None:
        allowed = self.headers.get("Authorization") == "Bearer secret"
        data = self.pages.get(self.path) if allowed else None
        self.send_response(200 if data is not None else 401)
        self.end_headers()
        self.wfile.write(data or b"")

    def log_message(self, *_: Any) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def service() -> Iterator[str]:
    """Address of a service on this machine."""
    server = HTTPServer(("127.0.0.1", 0), Service)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_from_the_service_by_its_links(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Service.pages = {"/th1": page(one(), following=f"{service}/th1?next=2"), "/th1?next=2": page(one(ls=4))}
    described = DialsInput(kind="dials", url=f"{service}/th1", token_env="DIALS_TOKEN")
    monkeypatch.delenv("DIALS_TOKEN", raising=False)
    with pytest.raises(ConfigError, match="the environment variable DIALS_TOKEN holds no token"):
        read_dials(described, Config())
    monkeypatch.setenv("DIALS_TOKEN", "wrong")
    with pytest.raises(InputError, match="/th1: cannot be read: the service answers 401"):
        read_dials(described, Config())
    monkeypatch.setenv("DIALS_TOKEN", "secret")
    (found,) = read_dials(described, Config()).histograms
    assert found.ls.tolist() == [3, 4]


def test_links_in_a_circle_and_to_another_host_are_refused() -> None:
    """Mutants: an endless loop; the token sent to whoever is linked to."""
    pages = {"http://a/1": page(following="http://a/2"), "http://a/2": page(following="http://a/1")}
    with pytest.raises(InputError, match="http://a/1: the pages lead in a circle"):
        list(fetch("http://a/1", pages.__getitem__))
    with pytest.raises(InputError, match="http://b/1: the next page lies on another host than a"):
        list(fetch("http://a/1", {"http://a/1": page(following="http://b/1")}.__getitem__))


def test_only_web_addresses_are_asked() -> None:
    with pytest.raises(OSError, match="not a web address"):
        client("")("file:///etc/hostname")
