"""The report: a single file with correct numbers that loads nothing and escapes all names."""

import base64
import io
import json
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure
from PIL import Image

from tests.plotting.fake_run import fake_run
from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.graph import BipartiteGraph
from topolearn.plotting import style
from topolearn.recording.report import write_report
from topolearn.recording.report.frames import MOST_FRAMES, frames, picture, row
from topolearn.recording.report.pictures import Pictures, over_time
from topolearn.recording.report.tables import layer_table
from topolearn.recording.report.words import changes

SMALL = {"fc1": (30, 16), "block/0 fc2": (30, 30)}


class Page(HTMLParser):
    """Tags and text of a page."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text, self.scripts, self.in_script = [], "", [], False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.in_script = tag == "script"

    def handle_data(self, data):
        if self.in_script:
            self.scripts.append(data)
        else:
            self.text += data

    def handle_endtag(self, tag):
        self.in_script = False

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def decoded(png):
    """Return the pixels of a slider picture, as palette indices."""
    return np.array(Image.open(io.BytesIO(base64.b64decode(png))))


def read(path):
    return Page(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "<b>x"
    path.mkdir()
    return fake_run(path, shapes=SMALL, density=0.2, epochs=3, updates=4)


@pytest.fixture(scope="module")
def dense(tmp_path_factory):
    path = tmp_path_factory.mktemp("dense-run")
    return fake_run(path, shapes={}, method="dense", density=1.0, epochs=3, updates=0, accuracy=0.98)


@pytest.fixture(scope="module")
def page(run, dense):
    open_before = pyplot.get_fignums()
    path = write_report(run, compare=[dense])
    assert path == run.path / "report.html"
    assert pyplot.get_fignums() == open_before
    return read(path)


def test_numbers(page, run, dense):
    text = page.text.replace("\N{NO-BREAK SPACE}", " ")
    best, reference = (f"{100 * each.summary['best_accuracy']:.3g} %" for each in (run, dense))
    assert f"CHTs with 20 % of the links reached {best} on digits" in text
    assert f"compared with {reference} for {dense.name} (FC)" in text
    active = f"({100 * run.summary['active_neurons']:.3g} % of hidden neurons stayed active), compared with {reference}"
    assert active in text, "it is a property of the first run"
    assert f"{run.summary['n_links']:,}" in text
    regrown = run.history.updates.groupby("layer")["regrown"].sum()
    assert all(f"{count:,}" in text for count in regrown)
    assert "optimizer.momentum" in text
    assert "a & b" in text


def test_what_changed_most_is_true(page, run):
    text = page.text.replace("\N{NO-BREAK SPACE}", " ")
    first, last = run.history.at(0), run.history.at(run.history.steps[-1])
    kept = {name: (first[name].to_scipy().toarray() & g.to_scipy().toarray()).sum() for name, g in last.items()}
    new = {name: 1 - kept[name] / g.n_links for name, g in last.items()}
    most = max(new, key=new.get)
    assert f"{most} replaced the most links: {100 * new[most]:.3g} % of its links at the end" in text
    moved = re.search(r"The maximum fan-out changed most in (.+): from (\d+) to (\d+) links", text)
    name, before, after = moved.groups()
    assert (first[name].fan_out.max(), last[name].fan_out.max()) == (int(before), int(after))


def test_the_slider_goes_through_the_history(page, run):
    shown = json.loads(page.scripts[0])
    assert [layer["name"] for layer in shown["layers"]] == list(SMALL)
    assert [frame["step"] for frame in shown["frames"]] == run.history.graph_steps
    for frame in shown["frames"]:
        now, first = run.history.at(frame["step"]), run.history.at(0)
        for name, png, told in zip(SMALL, frame["pictures"], frame["rows"], strict=True):
            drawn = decoded(png)
            assert ((drawn > 0) == now[name].to_scipy().toarray()).all()
            numbers = dict(zip(shown["columns"], told, strict=True))
            kept = np.isin(now[name].cells, first[name].cells).mean()
            assert numbers["links"] == f"{now[name].n_links:,}"
            assert numbers["kept from the start"].replace("\N{NO-BREAK SPACE}", " ") == f"{100 * kept:.3g} %"
            assert numbers["maximum fan-in"] == str(now[name].fan_in.max())
            overlaps = run.history.updates.query("step == @frame['step'] and layer == @name")["overlap"]
            assert (numbers["overlap"] == "–") == overlaps.isna().all()


def test_a_long_history_is_thinned_out(tmp_path):
    long = fake_run(tmp_path, shapes={"fc1": (9, 5)}, epochs=1, updates=60)
    steps = [frame["step"] for frame in frames(long, ["fc1"])["frames"]]
    assert len(steps) == MOST_FRAMES
    assert (steps[0], steps[-1]) == (0, long.history.graph_steps[-1])


def test_a_layer_that_loses_its_links_has_frames(tmp_path):
    g = BipartiteGraph(np.zeros((3, 300), bool))
    drawn = decoded(picture(g, 1.0))
    assert drawn.shape == (3, 100)
    assert not drawn.any()
    assert row(g, g, None)[0] == "0"


def test_measures_are_shown_at_start_and_end(page, run):
    table = run.measures[run.measures["layer"] == "fc1"]["closure"]
    assert f"{table.iloc[0]:.3g} → {table.iloc[-1]:.3g}" in page.text
    assert "Of the measures, " in page.text


def test_pictures_are_inside_and_described(page):
    images = [image for image in page.all("img") if "src" in image]
    assert len(images) == 2 + 2 * len(SMALL) + 4 + 4
    assert len(page.all("img")) == len(images) + len(SMALL)  # which the slider fills
    for image in images:
        assert image["alt"].strip()
        kind, data = image["src"].split(",", 1)
        assert kind == "data:image/png;base64"
        assert base64.b64decode(data).startswith(b"\x89PNG")


def test_nothing_is_loaded(page, run):
    for tag, attributes in page.tags:
        assert tag not in {"link", "iframe"}
        for name in ("src", "href", "srcset"):
            assert attributes.get(name, "data:").startswith("data:")
    html = (run.path / "report.html").read_text(encoding="utf-8")
    assert "http://" not in html
    assert "https://" not in html
    assert "@import" not in html
    assert len(html) < 3_000_000


def test_names_are_escaped(page, run):
    assert page.all("b") == []
    assert "<b>x" in page.text
    assert "host <here>" in page.text


def test_headings_and_tables(page):
    assert [tag for tag, _ in page.tags if tag == "h1"] == ["h1"]
    assert len(page.all("table")) == len(page.all("thead")) == 6
    assert all(th.get("scope") in {"col", "row"} for th in page.all("th"))
    assert page.all("html")[0]["lang"] == "en"


def test_png_files(page, run):
    names = {file.name for file in (run.path / "figures").iterdir()}
    assert names == {
        "accuracy.png", "loss.png", "evolution.png", "overlap.png", "link-flow.png", "active-neurons.png",
        "itop.png", "adjacency-01-fc1.png", "adjacency-02-block_0_fc2.png", "degrees-01-fc1.png",
        "degrees-02-block_0_fc2.png", "hubs.png", "small-world-plane.png", "measure-closure.png",
        "measure-path_length.png",
    }  # fmt: skip
    assert [file.name for file in run.path.iterdir() if file.name.startswith(".")] == []


def test_dense_run_alone(dense, tmp_path):
    path = write_report(dense, path=tmp_path / "dense.html")
    assert path == tmp_path / "dense.html"
    page = read(path)
    assert len(page.all("img")) == 2
    assert "FC with all links reached" in page.text
    assert "topology" not in page.text.lower()


def test_static_run(tmp_path):
    static = fake_run(tmp_path, shapes={"fc1": (9, 5)}, method="static", epochs=1, updates=0)
    static.summary["complete"] = False
    static.config.epochs = 6
    text = read(write_report(static)).text
    assert "Nothing: the topology was never updated." in text
    assert "The run has not finished: 1 of 6 epochs are done." in text


def test_a_run_without_an_epoch_is_rejected(dense, tmp_path):
    new = fake_run(tmp_path / "new", shapes=SMALL, epochs=0, updates=0)
    for runs in ((new, []), (dense, [new])):
        with pytest.raises(InvalidValueError, match="finish an epoch, or resume"):
            write_report(runs[0], compare=runs[1])
    assert not (tmp_path / "new").exists()


def test_a_single_run_is_compared_and_a_path_is_rejected(run, dense, tmp_path):
    assert f"for {dense.name} (FC)" in read(write_report(run, compare=dense, path=tmp_path / "one.html")).text
    for wrong in ("runs/b", ["runs/b"], [run, tmp_path]):
        with pytest.raises(InvalidTypeError, match=r"is not a run: pass tl.Run"):
            write_report(run, compare=wrong)


def test_pictures_with_one_name_get_one_file_each(tmp_path):
    pictures = Pictures(tmp_path / "figures")
    with style():
        for name in ("overlap", "a_b", "Overlap", "a_b", "a_b-2"):
            figure = Figure(figsize=(1, 1))
            figure.subplots().set_title(name)
            pictures.save(figure, name, "")
    files = {file.stem for file in (tmp_path / "figures").iterdir()}
    assert files == {"overlap", "a_b", "Overlap-2", "a_b-2", "a_b-2-2"}


def test_metrics_do_not_take_the_names_of_topology_pictures(tmp_path):
    loop = fake_run(tmp_path, shapes=SMALL, density=0.2, epochs=2, updates=2)
    loop.task, loop.config, names = None, {}, ("overlap", "hubs", *"abcdefgh")
    loop.metrics = pd.DataFrame({"step": [1, 2], **{name: [0.1, 0.2] for name in names}})
    loop.summary |= {"n_steps": 2}
    page = read(write_report(loop))
    assert "8 of 10 groups of metrics are shown." in page.text
    there = {file.stem for file in (tmp_path / "figures").iterdir()}
    assert {"overlap", "overlap-2", "hubs", "hubs-2"} <= there
    images = [image for image in page.all("img") if "src" in image]
    assert len(there) == len(images) + 1  # evolution.png is not on the page


def test_decayed_links_are_counted_and_nothing_is_said_of_an_overlap_without_regrowth(tmp_path):
    decaying = fake_run(tmp_path, shapes=SMALL, density=0.2, epochs=2, updates=2)
    first = decaying.history.at(0)
    decaying.history.updates = decaying.history.updates.assign(decayed=7, removed=0, regrown=0, overlap=0.0)
    (row, _) = layer_table(decaying, first)
    assert (row["decayed in total"], row["removed in total"]) == ("14", "0")
    said = " ".join(changes(decaying, first, first))
    assert "replaced" not in said
    assert "settled" not in said
    pictures = Pictures(tmp_path / "figures")
    assert not any("verlap" in each.alt for each in over_time(decaying, pictures))


def test_a_network_without_hidden_neurons_has_no_statement_about_them(tmp_path):
    single = fake_run(tmp_path, shapes={"fc": (9, 5)}, density=0.5, epochs=2, updates=2)
    single.outputs = {"fc": (9, 5)}
    single.measures = single.measures.assign(gamma=np.nan)
    text = read(write_report(single)).text
    assert "hidden neurons stayed" not in text
    assert {"active-neurons", "hubs", "measure-gamma"}.isdisjoint(
        file.stem for file in (tmp_path / "figures").iterdir()
    )
