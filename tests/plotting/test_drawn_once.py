"""What is kept while a figure is arranged changes nothing: ticks are chosen again, and files are as by savefig."""

import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from topolearn import plotting
from topolearn.plotting.drawing.fitting import png
from topolearn.plotting.drawing.ticks import EvenTicks, LogTicks, percent_ticks, whole_ticks

CHANGES = {
    "limits": lambda ax: ax.set_xlim(1, 70),
    "width of the axes": lambda ax: ax.set_position([0.4, 0.1, 0.12, 0.8]),
    "size of the figure": lambda ax: ax.figure.set_size_inches(1.5, 3),
    "size of the labels": lambda ax: ax.tick_params(labelsize=40),
    "formatter": lambda ax: ax.xaxis.set_major_formatter(lambda tick, _: f"a long name of {tick}"),
    "scale": lambda ax: ax.set_xscale("log"),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("make", [EvenTicks, LogTicks])
def test_ticks_are_chosen_again_whenever_something_changes(make, change):
    ax, locator = Figure(figsize=(6, 3)).subplots(), make()
    ax.set_xlim(1, 100)
    whole_ticks(ax.xaxis)
    ax.xaxis.set_major_locator(locator)
    before = ax.get_xticks()
    CHANGES[change](ax)
    ax.xaxis.set_major_locator(locator)  # a change of scale sets another one
    after = ax.get_xticks()
    ax.xaxis.set_major_locator(make())
    assert after == ax.get_xticks()
    assert make is LogTicks or after != before


def test_changing_the_returned_ticks_does_not_change_the_axes():
    ax = Figure().subplots()
    whole_ticks(ax.xaxis)
    ticks = ax.xaxis.get_major_locator()()
    ticks[0] = -99
    assert -99 not in ax.xaxis.get_major_locator()()


def test_a_file_has_the_pixels_that_savefig_writes():
    def drawn():
        with plotting.style():
            ax = Figure(figsize=(4, 3), layout="constrained").subplots()
            ax.plot([0, 1, 2], [0.2, 0.9, 0.4], label="a line")
            ax.set(xlabel="epoch", ylabel="share", title="Title")
            percent_ticks(ax.yaxis)
            plotting.drawing.style.legend(ax)
        return ax.figure

    expected = io.BytesIO()
    drawn().savefig(expected, format="png", dpi=150)
    ours, theirs = (np.asarray(Image.open(file)) for file in (io.BytesIO(png(drawn(), 150)), expected))
    assert np.array_equal(ours, theirs)
