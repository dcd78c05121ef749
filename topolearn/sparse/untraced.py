"""What torch.compile must not look into: kernels take addresses of tensors, which do not exist while it looks.

A module of its own, imported at the first call, as it loads torch's compiler.
"""

import torch

from topolearn.sparse.chain_node import Chain

apply_chain = torch.compiler.disable(Chain.apply)
