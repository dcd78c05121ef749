"""Every plot at the widths of a column and of a page: no text overlaps, is cut off, covered or illegible.

The functions are those of ``plotting.__all__``, so that new ones are tested automatically.
"""

from itertools import combinations

import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure

from tests.plotting.every_picture import FUNCTIONS, draw_at, every_picture, few
from tests.plotting.fake_run import fake_run
from topolearn import plotting
from topolearn.generators import make
from topolearn.plotting.drawing.ink import background_of, contrast
from topolearn.plotting.drawing.style import draw_line, legend, line_styles

NAMES = [*FUNCTIONS, "accuracy of 2 runs", "accuracy of many runs", "adjacency, large", "adjacency, wide",
         "adjacency, named", "adjacency, people", "adjacency, titled", "degree_distribution, a law",
         "degree_distribution, no law", "degree_distribution, nodes", "metrics, all", "link_flow of a layer",
         "small_world_plane of shapes"]  # fmt: skip
SLACK = 1.5  # pixels


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    shapes = {"hidden1": (40, 64), "hidden2": (40, 40), "hidden3": (10, 40)}
    runs = [
        fake_run(tmp_path_factory.mktemp("runs") / f"run{i}", shapes=shapes, density=0.15, epochs=8, seed=i, updates=8)
        for i in range(12)
    ]
    return every_picture(runs[0], runs)


def axis_labels(axis):
    """Return the labels of the ticks within the limits of an axis."""
    low, high = sorted(axis.get_view_interval())
    slack = 1e-6 * (high - low)
    return [tick.label1 for tick in axis.get_major_ticks() if low - slack <= tick.get_loc() <= high + slack]


def words(figure):
    """Return all visible text."""
    texts = [text for each in (figure, *all_parts(figure)) for text in each.texts]
    for ax in figure.axes:
        inner = [*ax.texts, ax.title, ax._left_title, ax._right_title, ax.xaxis.label, ax.yaxis.label]
        named = ax.get_legend().get_texts() if ax.get_legend() else []
        texts += [*inner, *named, *axis_labels(ax.xaxis), *axis_labels(ax.yaxis)]
    return [text for text in texts if text.get_visible() and text.get_text().strip()]


def all_parts(figure):
    return [part for each in figure.subfigs for part in (each, *all_parts(each))]


def overlap(one, other):
    """Return the overlap of two boxes in pixels, horizontally and vertically."""
    return min(one.x1, other.x1) - max(one.x0, other.x0), min(one.y1, other.y1) - max(one.y0, other.y0)


def faults(figure):
    """Return descriptions of all faults in the text of a figure."""
    figure.canvas.draw()
    boxes = [(text.get_text(), text.get_window_extent()) for text in words(figure)]
    wrong = [
        f"{one!r} and {other!r} meet" for (one, a), (other, b) in combinations(boxes, 2) if min(overlap(a, b)) > SLACK
    ]
    whole = figure.bbox
    for text, box in boxes:
        if min(box.x0, box.y0) < -SLACK or box.x1 > whole.x1 + SLACK or box.y1 > whole.y1 + SLACK:
            wrong.append(f"{text!r} is cut")
    legends = [ax.get_legend().get_window_extent() for ax in figure.axes if ax.get_legend()]
    wrong += [f"a legend covers {ax}" for ax in figure.axes for box in legends if min(overlap(box, ax.bbox)) > SLACK]
    for ax in figure.axes:
        if ax.get_label() != "<colorbar>" and min(ax.bbox.width, ax.bbox.height) < 0.3 * figure.dpi:
            wrong.append(f"{ax} is too small")
        for axis in (ax.xaxis, ax.yaxis):
            if axis.get_scale() == "log" and sum(bool(label.get_text()) for label in axis_labels(axis)) < 2:
                wrong.append(f"{ax} has a logarithmic axis with one tick")
    return wrong + unreadable(figure)


def unreadable(figure):
    """Return text whose colour is too close to the background."""
    behind = background_of(figure)
    return [f"{text.get_text()!r} cannot be read" for text in words(figure) if contrast(text.get_color(), behind) < 4.5]


@pytest.mark.parametrize("name", NAMES)
def test_words_fit_into_a_column_and_can_be_read_in_the_dark(name, pictures):
    with pyplot.style.context("dark_background"):
        figure = draw_at(pictures[name], 3.35)
    assert faults(figure) == []


def test_titles_fit_above_axes_that_are_narrower_than_their_place(tmp_path):
    run = fake_run(tmp_path, shapes={"fc": (100, 64)}, density=0.1, epochs=2, updates=2)
    figure = pyplot.figure(figsize=(3.35, 7.2))
    plotting.evolution(run, figure)
    assert faults(figure) == []


@pytest.mark.parametrize("name", few(NAMES, "adjacency_change", "degree_change", "evolution"))
def test_words_fit_into_a_page(name, pictures):
    assert faults(draw_at(pictures[name], 7.0)) == []


def test_all_plots_are_tested(pictures):
    assert list(pictures) == NAMES


@pytest.mark.parametrize("options", [{"layout": "constrained"}, {"layout": "tight"}], ids=str)
@pytest.mark.parametrize(
    "name", ["degree_distribution, no law", "accuracy of many runs", "adjacency, large", "overlap"]
)
def test_words_fit_in_layouts_of_the_caller(name, options, pictures):
    assert faults(draw_at(pictures[name], 3.35, height=3.2, **options)) == []


@pytest.mark.parametrize("name", ["overlap", "small_world_plane", "degree_change"])
def test_a_dark_figure_of_the_caller_is_legible_too(name, pictures):
    assert faults(draw_at(pictures[name], 7.0, facecolor="#101820")) == []


@pytest.mark.parametrize("name", few(FUNCTIONS, "adjacency", "overlap"))
def test_new_figures_have_no_faults_either(name, pictures):
    drawn = pictures[name]()
    assert faults(getattr(drawn, "figure", None) or drawn) == []


def test_faults_are_noticed():
    figure = pyplot.figure(figsize=(3.35, 2))
    ax = figure.subplots()
    ax.plot([1, 2], [3, 4], label="a line")
    ax.legend(loc="center")
    ax.set_title("A title that is far too long for its figure, and so is cut at both ends")
    ax.text(1.2, 3.5, "one"), ax.text(1.2, 3.5, "other", color="#F8F8F8")
    ax.set_xscale("log")
    said = "; ".join(faults(figure))
    assert all(word in said for word in ("meet", "is cut", "a legend covers", "cannot be read", "with one tick")), said


def test_drawing_again_changes_nothing(pictures):
    figure = draw_at(pictures["degree_distribution, a law"], 3.35)
    figure.canvas.draw()
    places = [text.get_window_extent().extents.round(1).tolist() for text in words(figure)]
    for _ in range(3):
        figure.canvas.draw()
    assert [text.get_window_extent().extents.round(1).tolist() for text in words(figure)] == places


def test_words_unwrap_when_there_is_more_room(pictures):
    figure = draw_at(pictures["degree_distribution, no law"], 3.35)
    figure.canvas.draw()
    ax = figure.axes[0]
    narrow = [text.get_text() for text in ax.get_legend().get_texts()]
    assert any("\n" in text for text in narrow)
    figure.set_size_inches(12, 5)
    figure.canvas.draw()
    assert not any("\n" in text.get_text() for text in (*ax.get_legend().get_texts(), ax.yaxis.label))


def test_a_legend_of_the_caller_stays(pictures):
    ax = pictures["overlap"]()
    mine = ax.legend(loc="center", title="mine")
    ax.figure.canvas.draw()
    assert ax.get_legend() is mine
    assert mine.get_title().get_text() == "mine"


def test_subplots_can_be_moved_and_tight_layout_keeps_working(pictures, recwarn):
    figure, axes = pyplot.subplots(1, 2, figsize=(7, 3))
    plotting.adjacency(make("bsw", 900, 900, 0.02, seed=0), axes[0])
    pictures["overlap"](ax=axes[1])
    figure.subplots_adjust(left=0.3)
    figure.canvas.draw()
    assert axes[0].get_subplotspec().get_position(figure).x0 == pytest.approx(0.3)
    figure.tight_layout()
    figure.canvas.draw()
    assert not [each for each in recwarn if "layout" in str(each.message) and "compatible" not in str(each.message)]


@pytest.mark.parametrize("n_lines", [2, 9, 18, 40])
def test_lines_differ_without_their_colours(n_lines):
    figure = Figure(figsize=(7, 5))
    ax = figure.subplots()
    looks = line_styles([f"line {i}" for i in range(n_lines)])
    for name, look in looks.items():
        draw_line(ax, range(100), range(100), label=name, **look)
    legend(ax)
    figure.canvas.draw()
    assert len({(line.get_marker(), line.get_linestyle(), str(line._dash_pattern)) for line in ax.lines}) == n_lines
    assert all(line.get_markevery()[1] > 1 for line in ax.lines), "a long line has a marker on each point"


def test_a_line_shows_through_one_that_hides_it(pictures):
    """The later of two lines has gaps, and the earlier one is thicker."""
    below, above = pictures["active_neurons"]().lines
    assert below.get_linestyle() == "-"
    assert above.get_linestyle() == "--"
    assert below.get_linewidth() > above.get_linewidth()
