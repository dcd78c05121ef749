"""
A network with one kind of node
===============================

Zachary's karate club as an adjacency matrix whose nodes are ordered by community. Any network from networkx,
igraph or a file will do.
"""

import networkx as nx
from matplotlib import pyplot as plt

import topolearn as tl

karate = tl.Graph.from_networkx(nx.karate_club_graph())
figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.4))
tl.plotting.adjacency(karate, order="community", ax=left)
tl.plotting.degree_distribution(karate, ax=right)
plt.show()
