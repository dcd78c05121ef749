"""The content of plots of measures, lives of links, small worlds, hubs, paths and orders."""

import itertools
import math

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.animation import FFMpegWriter
from PIL import Image
from torch import nn

import topolearn as tl
from tests.plotting.fake_run import fake_run
from topolearn import diagnostics as dg
from topolearn import plotting
from topolearn.errors import (
    InvalidTypeError,
    InvalidValueError,
    MissingFileError,
    MissingPackageError,
    UnknownNameError,
)
from topolearn.generators import make
from topolearn.graph import BipartiteGraph, Graph
from topolearn.plotting import small_world
from topolearn.plotting.strongest import find_strongest


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    path = tmp_path_factory.mktemp("pictures") / "run"
    config = tl.TrainConfig(
        epochs=2, hidden=(24, 20), density=0.15, update_interval=15, threads=1, run_dir=str(path),
        measures=("closure", "hub_share"),
    )  # fmt: skip
    return tl.train(config, quiet=True)


def test_a_measure_is_a_line_for_each_layer(trained):
    ax = plotting.measure(trained, "closure")
    assert [line.get_label() for line in ax.lines] == ["hidden1", "hidden2"]
    for line in ax.lines:
        rows = trained.measures[trained.measures["layer"] == line.get_label()]
        np.testing.assert_array_equal(line.get_xydata(), rows[["step", "closure"]])
    assert len(plotting.measure(trained, "hub_share").lines) == 1


def test_an_estimated_measure_has_a_band(run):
    ax = plotting.measure(run, "path_length")
    assert len(ax.collections) == len(ax.lines) == 2


def test_survival_is_the_curve_of_each_layer(trained):
    ax = plotting.survival(trained)
    for line in ax.lines:
        table = dg.survival(trained.history, line.get_label())
        np.testing.assert_array_equal(line.get_ydata(), table["survival"])
    for one in (["hidden2"], "hidden2"):
        assert [line.get_label() for line in plotting.survival(trained, one).lines] == ["hidden2"]


def test_the_plane_has_the_curve_and_each_track(trained):
    ax = plotting.small_world_plane(trained)
    named = [line for line in ax.lines if not line.get_label().startswith("_")]
    curves, tracks = named[:2], named[2:]
    of_layers = [f"BSW like {name}, β from 0 (right) to 1" for name in ("hidden1", "hidden2")]  # their shapes differ
    assert [line.get_label() for line in curves] == of_layers
    for curve in curves:
        assert np.all(np.diff(curve.get_ydata()[[0, 3, 6]]) < 0)  # closure falls from lattice to random graph
    for line in tracks:
        expected = [dg.closure(graphs[line.get_label()]) for _, graphs in trained.history.replay()]
        np.testing.assert_allclose(line.get_ydata(), expected)


def test_hubs_are_drawn_and_counted(trained):
    network = tl.LayeredNetwork(trained.history.at(0))
    ax = plotting.hubs(network, hub_fraction=0.25)
    found = dg.credit_assignment_paths(network, 0.25)
    assert f"{100 * found.share:.3g} %" in ax.get_title(loc="left") + ax.get_title()
    drawn = sum(len(part.get_segments()) for part in ax.collections if hasattr(part, "get_segments"))
    assert drawn == network.n_links


def test_a_network_without_a_path_says_so():
    gap = tl.BipartiteGraph(np.array([[1, 0], [0, 0]])), tl.BipartiteGraph(np.array([[0, 1], [0, 1]]))
    ax = plotting.hubs(tl.LayeredNetwork(dict(zip("ab", gap, strict=True))))
    assert ax.get_title(loc="left") == "hubs: 20 % of hidden neurons; no paths"


def by_enumeration(weights, k):
    sizes = [weights[0].shape[1], *(w.shape[0] for w in weights)]
    found = []
    for path in itertools.product(*map(range, sizes)):
        product = math.prod(abs(w[b, a]) for w, a, b in zip(weights, path, path[1:], strict=False))
        if product:
            found.append((math.log(product), path))
    return sorted(found, key=lambda each: -each[0])[:k]


@pytest.mark.parametrize("seed", range(5))
def test_the_strongest_paths_are_those_of_enumeration(seed):
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=shape) * (rng.random(shape) < 0.6) for shape in ((5, 4), (3, 5), (4, 3))]
    expected = by_enumeration(weights, 12)
    found = find_strongest(weights, 12)
    assert [path for _, path in found] == [path for _, path in expected]
    np.testing.assert_allclose([s for s, _ in found], [s for s, _ in expected])
    assert len(plotting.strongest_paths(weights, 12).lines) == 12


def test_power_laws_are_drawn_if_defined():
    g = make("bsf", 300, 300, 0.02, seed=0)
    ax = plotting.degree_distribution(g, fit=True)
    law = dg.power_law(g.fan_in, n_bootstraps=0)
    drawn = next(line for line in ax.lines if f"γ = {law.gamma:.2f} from {law.xmin:.0f}" in line.get_label())
    x, y = drawn.get_data()
    np.testing.assert_allclose(y, (g.fan_in >= law.xmin).mean() * law.ccdf(x))
    assert "power law: γ" in drawn.get_label()
    assert "p = " in drawn.get_label()
    implausible = plotting.degree_distribution(make("er", 300, 300, 0.02, seed=0), fit=True).lines[2:]
    assert all("p = " in line.get_label() for line in implausible)
    random = plotting.degree_distribution(make("er", 300, 300, 0.02, seed=0), fit=True)
    assert [line.get_label().partition(":")[0] for line in random.lines[2:]] == ["no power law"] * 2
    lattice = make("bsw", 40, 40, 0.1, beta=0, seed=0)  # all degrees are equal
    assert len(plotting.degree_distribution(lattice, fit=True).lines) == 2


def test_an_animation_has_a_frame_for_each_update(trained, tmp_path):
    path = plotting.save_animation(plotting.animate(trained, "hidden1", order="degree"), tmp_path / "movie.gif")
    with Image.open(path) as movie:
        assert movie.n_frames == len(trained.history.steps)
        first = np.asarray(movie.convert("L"))
        movie.seek(movie.n_frames - 1)
        assert (np.asarray(movie.convert("L")) != first).any()


def seen(movie):
    """Mark a movie as played, since matplotlib warns about movies that never are."""
    movie._draw_was_started = True
    return movie


def test_neuron_numbers_are_shown_only_in_numeric_order(trained):
    g = trained.history.at(0)["hidden1"]
    assert len(plotting.adjacency(g).get_xticks()) > 1
    ax = plotting.adjacency(g, order="degree")
    assert len(ax.get_xticks()) == 0
    assert ax.get_xlabel() == f"{g.n_in} input neurons, by degree"
    movie = seen(plotting.animate(trained, "hidden1", order="degree"))
    (ax,) = movie._fig.axes
    movie._func(0)
    assert len(ax.get_xticks()) == 0
    assert ax.get_xlabel() == f"{g.n_in} input neurons, by degree in the last frame"


@pytest.mark.slow
@pytest.mark.skipif(not FFMpegWriter.isAvailable(), reason="needs ffmpeg")
def test_ffmpeg_writes_a_valid_movie(trained, tmp_path):
    path = plotting.save_animation(plotting.animate(trained, "hidden1"), tmp_path / "movie.mp4")
    assert path.read_bytes()[4:8] == b"ftyp"


def test_without_ffmpeg_the_error_gives_a_solution(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(FFMpegWriter, "isAvailable", lambda: False)
    with pytest.raises(MissingPackageError, match=r"install ffmpeg.*or save a .gif"):
        plotting.save_animation(seen(plotting.animate(trained, "hidden1")), tmp_path / "movie.mp4")


def test_a_colour_means_the_same_in_all_frames(tmp_path):
    run = fake_run(tmp_path / "run", shapes={"fc": (700, 700)}, density=0.01, updates=3)
    movie = seen(plotting.animate(run, "fc"))
    limits = []
    for frame in range(4):
        movie._func(frame)
        limits.append(movie._fig.axes[0].collections[0].get_clim())
    assert len(set(limits)) == 1
    assert len(movie._fig.axes) == 2, "the colour bar is missing"


def test_cells_stay_cells_in_all_frames_although_the_layout_enlarges_the_axes(tmp_path):
    run = fake_run(tmp_path / "run", shapes={"fc": (300, 400)}, density=0.02, updates=1)
    movie = seen(plotting.animate(run, "fc"))
    drawn = []
    for frame in range(2):
        movie._func(frame)
        movie._fig.canvas.draw()
        ax, *bars = movie._fig.axes
        drawn.append((len(ax.images), len(ax.collections), len(bars)))
    assert drawn in ([(0, 1, 1)] * 2, [(1, 0, 0)] * 2)


def test_a_single_graph_and_a_network_are_placed_too():
    layer, single = make("er", 20, 20, 0.2, seed=0), BipartiteGraph(np.ones((1, 1)))
    for what, names in (
        (layer, ["layer"]),
        (Graph([(0, 1), (1, 2), (2, 0)], 3), ["graph"]),
        (tl.LayeredNetwork({"a": layer, "b": layer}), ["a", "b"]),
        ({"one link": single}, ["one link"]),
    ):
        labels = [line.get_label() for line in plotting.small_world_plane(what).lines]
        assert [label for label in labels if label in names] == names


@pytest.mark.parametrize("density", [0.004, 0.1])
def test_the_legend_says_on_which_side_the_lattice_is(density):
    curve = plotting.small_world_plane(make("er", 100, 100, density, seed=0)).lines[0]
    lattice, random = curve.get_xdata()[[0, -1]]
    assert f"from 0 ({'right' if lattice > random else 'left'}) to 1" in curve.get_label()


def test_bad_input_is_rejected(trained, tmp_path):
    layer = make("er", 5, 6, 0.5, seed=0)
    for question, error, message in [
        (
            lambda: plotting.measure(trained, "gamma"),
            InvalidValueError,
            "did not record the measure 'gamma' .it recorded closure",
        ),
        (lambda: plotting.measure(trained, "gama"), UnknownNameError, "did you mean 'gamma'"),
        (lambda: plotting.survival(trained, ["x"]), InvalidValueError, "no layer 'x'"),
        (lambda: plotting.survival(trained, []), InvalidValueError, r"layers=\[\] is empty: name .* hidden1, hidden2"),
        (lambda: plotting.measure("runs/a", "closure"), InvalidTypeError, r"'runs/a' is not a run: pass tl.Run"),
        (lambda: plotting.survival(tmp_path), InvalidTypeError, "is not a run: pass tl.Run"),
        (lambda: plotting.small_world_plane({}), InvalidValueError, "nothing to draw"),
        (lambda: plotting.hubs(layer), InvalidTypeError, "is not a network"),
        (lambda: plotting.hubs(tl.LayeredNetwork({"a": layer, "b": layer}, ())), InvalidValueError, "not a chain"),
        (lambda: plotting.strongest_paths([]), InvalidValueError, "weights is empty"),
        (lambda: plotting.strongest_paths([np.eye(3), np.eye(2)]), InvalidValueError, "do not form a chain of layers"),
        (lambda: plotting.strongest_paths([np.eye(3) * np.nan]), InvalidValueError, "finite matrix"),
        (lambda: plotting.strongest_paths([np.zeros((2, 2))]), InvalidValueError, "there is no path from an input"),
        (lambda: plotting.strongest_paths([np.eye(2)], k=0), InvalidValueError, "k=0"),
        (lambda: plotting.strongest_paths([np.eye(2)], k=2.5), InvalidTypeError, "k=2.5 must be an integer"),
        (lambda: plotting.strongest_paths(5), InvalidTypeError, "weights=5: pass a model, or a sequence"),
        (lambda: plotting.strongest_paths([[[1], [2, 3]]]), InvalidTypeError, "pass a matrix of numbers"),
        (
            lambda: plotting.strongest_paths([np.eye(2)] * 2, names=["a", "b"]),
            InvalidValueError,
            "2 names for 3 columns",
        ),
        (lambda: plotting.adjacency(layer, order="size"), UnknownNameError, "unknown order of neurons 'size'"),
        (lambda: plotting.animate(trained, "hidden1", most=1), InvalidValueError, "most=1 must be at least 2"),
        (lambda: plotting.animate(trained, "hidden1", most=2.5), InvalidTypeError, "most=2.5 must be an integer"),
        (
            lambda: plotting.save_animation(None, tmp_path / "no" / "a.gif"),
            MissingFileError,
            "no directory .*create it",
        ),
        (
            lambda: plotting.training_speed(pd.DataFrame({"density": [1]})),
            InvalidValueError,
            "the columns density, but",
        ),
        (lambda: plotting.save_animation(None, tmp_path / "a.avi"), InvalidValueError, "must end with .gif or .mp4"),
        (
            lambda: plotting.save_animation(None, tmp_path / "a.gif", frames_per_second=0),
            InvalidValueError,
            "at least 1",
        ),
    ]:
        with pytest.raises(error, match=message):
            question()


def test_a_run_of_huge_layers_is_rejected_from_its_start_alone(trained, monkeypatch):
    monkeypatch.setattr(small_world, "MOST_OF_LAYER", 100)
    replay, states = type(trained.history).replay, []

    def counted(history):
        for state in replay(history):
            states.append(state)
            yield state

    monkeypatch.setattr(type(trained.history), "replay", counted)
    with pytest.raises(InvalidValueError, match=r"'hidden1' has \d+ nodes and [\d,]+ links.*diagnostics.closure"):
        plotting.small_world_plane(trained)
    assert len(states) <= 2 < len(trained.history.graph_steps)


def test_the_style_is_restored(trained):
    before = dict(mpl.rcParams)
    plotting.survival(trained)
    plotting.small_world_plane({"a": make("er", 20, 20, 0.2, seed=0)})
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("backend", ["masked", "csr"])
def test_the_strongest_paths_of_a_model_are_those_of_its_weights(backend):
    dense = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3))
    model = tl.sparsify(dense, tl.method("static", density=0.4), seed=0, backend=backend)
    ax = plotting.strongest_paths(model, 5)
    layers = [layer for layer in model if not isinstance(layer, nn.ReLU)]
    weights = [
        (each.dense_weight() if hasattr(each, "dense_weight") else each.weight).detach().numpy() for each in layers
    ]
    expected = plotting.strongest_paths(weights, 5)
    for line, other in zip(ax.lines, expected.lines, strict=True):
        np.testing.assert_array_equal(line.get_xydata(), other.get_xydata())
    assert [label.get_text() for label in ax.get_xticklabels()] == ["inputs", "0", "2", "4"]
    for kind in (
        lambda w: torch.tensor(w, requires_grad=True),
        lambda w: torch.tensor(w).to_sparse(),
        np.ndarray.tolist,
    ):
        again = plotting.strongest_paths([kind(w) for w in weights], 5)
        assert [line.get_xydata().tolist() for line in again.lines] == [line.get_xydata().tolist() for line in ax.lines]
    with pytest.raises(InvalidValueError, match="has no linear layer"):
        plotting.strongest_paths(nn.ReLU())
