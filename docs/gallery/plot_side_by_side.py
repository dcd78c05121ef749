"""
Two layers side by side
=======================

A layer and its degree-preserving null model: adjacency, degrees and measures next to each other.
"""

from matplotlib import pyplot as plt

import topolearn as tl

layer = tl.generators.make("bsw", 200, 200, 0.04, seed=0)
tl.plotting.side_by_side({"small world": layer, "same degrees, random": tl.generators.randomise(layer, seed=0)})
plt.show()
