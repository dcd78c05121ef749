"""
Initial topologies
==================

Four ways in which a layer can begin, with the same number of links: at random, as a small world, scale-free, and with
receptive fields. Rows are output neurons, columns input neurons.
"""

from matplotlib import pyplot as plt

import topolearn as tl

names = {"er": "Erdős-Rényi", "bsw": "small world", "bsf": "scale-free", "brf": "receptive fields"}
figure, axes = plt.subplots(1, 4, figsize=(10, 2.8))
for ax, (name, title) in zip(axes, names.items(), strict=True):
    graph = tl.generators.make(name, 120, 120, 0.05, seed=0)
    tl.plotting.adjacency(graph, ax=ax, title=title)
plt.show()
