"""How a missing link is scored: Cannistraci-Hebb predictors on the paths of length three of a bipartite graph.

Each predictor scores all non-links of a graph; links score 0. The adjacency may be a `BipartiteGraph`, a scipy or
numpy matrix, or a torch mask, of shape (n_out, n_in).
"""

from topolearn.linkpred.evaluation import evaluate
from topolearn.linkpred.named import ch1_l3, ch2_l3n, ch2_l3p, ch3_l3n, ch3_l3p, ch31_l3n, ra_l3, random
from topolearn.linkpred.scoring import PREDICTORS, names, score

__all__ = [
    "PREDICTORS",
    "ch1_l3",
    "ch2_l3n",
    "ch2_l3p",
    "ch3_l3n",
    "ch3_l3p",
    "ch31_l3n",
    "evaluate",
    "names",
    "ra_l3",
    "random",
    "score",
]
