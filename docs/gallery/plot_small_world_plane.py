"""
From a lattice to a random graph
================================

As the rewiring probability beta of a bipartite small world grows, shortcuts appear long before closure disappears: for
intermediate beta, paths are short and closure is high.
"""

from matplotlib import pyplot as plt

import topolearn as tl

betas = (0, 0.02, 0.1, 0.25, 0.5, 1)
graphs = {f"beta {beta}": tl.generators.bipartite_small_world(300, 300, 0.03, beta=beta, seed=0) for beta in betas}
tl.plotting.small_world_plane(graphs)
plt.show()
