"""
Which predictor finds hidden links?
===================================

A tenth of the links of a network is hidden, and each predictor ranks all pairs that are not linked. The area under the
ROC curve is 0.5 for guessing and 1 for a perfect ranking.
"""

import networkx as nx
from matplotlib import pyplot as plt

import topolearn as tl

women = nx.davis_southern_women_graph()
predictors = ["ch3_l3p", "ch2_l3n", "ra_l3", "preferential_attachment", "random"]
table = tl.linkpred.evaluate(women, predictors, repeats=20, seed=0)
table.boxplot(column="auc_roc", by="predictor", figsize=(8, 3.4), grid=False)
plt.suptitle("")
plt.title("hidden links of a bipartite network")
plt.ylabel("AUC-ROC")
plt.show()
