"""
Attention heads as graphs
=========================

The query layers of a Transformer encoder, sparse at 10 %. Each head reads the residual stream through its own links.
"""

from matplotlib import pyplot as plt
from torch import nn

import topolearn as tl

model = nn.TransformerEncoder(nn.TransformerEncoderLayer(64, 4, 128, batch_first=True), 2)
model = tl.sparsify(tl.unpack_attention(model), tl.method("chts", density=0.1), exclude=[])
network = tl.topology_of(model)
queries = [name for name in network if "q" in name.rsplit(".", 1)[-1]]
figure, axes = plt.subplots(1, 2, figsize=(7, 3.4))
for ax, name in zip(axes, queries, strict=True):
    tl.plotting.adjacency(network[name], ax=ax, title=name)
plt.show()
