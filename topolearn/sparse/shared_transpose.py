"""One transpose of a tensor for all csr layers that read it, such as those of queries, keys and values."""

import weakref
from typing import Any

import torch
from torch import Tensor

from topolearn.sparse.product_form import form_of

KEY = "topolearn.transposed"


def shared_transpose(x: Tensor, batch: Tensor) -> Tensor:
    """Return the transpose of a batch, contiguous: the one that another layer has made of it, as long as that is kept.

    A tensor that autograd has computed is known by its node, in whose metadata the transpose is referred to weakly. So
    it lives as long as the graph of a layer needs it, and nothing is kept beside the graph. Writing to the tensor gives
    it another node or version. A tensor without a node is transposed each time, as its memory may be written to by
    others, unnoticed.

    Parameters
    ----------
    x : Tensor, shape (..., n_in)
        What the layers are given.
    batch : Tensor, shape (n, n_in)
        x with one dimension for all but the features.

    Returns
    -------
    Tensor, shape (n_in, n)
        It must not be changed.

    Examples
    --------
    >>> x = torch.ones(2, 3, requires_grad=True) * 2
    >>> first = shared_transpose(x, x)
    >>> shared_transpose(x, x) is first, shared_transpose(x.add_(1), x) is first
    (True, False)
    """
    batch = batch.detach()
    if x.grad_fn is None or not torch.is_grad_enabled() or batch.t().is_contiguous():
        return form_of(batch).transposed(batch)
    metadata: Any = x.grad_fn.metadata  # a dict, which torch's stubs call a method
    key = KEY, x.output_nr
    stamp = x._version, x.data_ptr(), x.shape
    known = metadata.get(key)
    turned: Tensor | None = known[1]() if known is not None and known[0] == stamp else None
    if turned is None:
        turned = form_of(batch).transposed(batch)
        metadata[key] = stamp, weakref.ref(turned)
    return turned
