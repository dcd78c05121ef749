"""
Is it a power law?
==================

The degrees of a scale-free layer and of a random one, each with the power law that fits best. The fit says from which
degree it holds, and whether the data reject it.
"""

from matplotlib import pyplot as plt

import topolearn as tl

figure, axes = plt.subplots(1, 2, figsize=(8, 3.2))
for ax, name in zip(axes, ("bsf", "er"), strict=True):
    graph = tl.generators.make(name, 400, 400, 0.02, seed=0)
    tl.plotting.degree_distribution(graph, fit=True, ax=ax)
    ax.set_title(f"Degrees of {name}", loc="left")
plt.show()
