"""One transpose of a tensor, shared by all csr layers that read it, such as those of queries, keys and values."""

import weakref
from typing import Any

import torch
from torch import Tensor

from topolearn.sparse.products.form import form_of

KEY = "topolearn.transposed"


def shared_transpose(x: Tensor, batch: Tensor) -> Tensor:
    """Return the transpose of a batch, contiguous; reuses the one that another layer made, as long as it exists.

    A tensor that autograd computed is identified by its node, whose metadata holds a weak reference to the transpose.
    The transpose lives as long as the graph of a layer needs it, and nothing else keeps it alive. Writing to the tensor
    gives it another node or version. A tensor without a node is transposed each time, since other code may write to its
    memory unnoticed.

    Parameters
    ----------
    x : Tensor, shape (..., n_in)
        The input of the layers.
    batch : Tensor, shape (n, n_in)
        x with all dimensions but the last flattened into one.

    Returns
    -------
    Tensor, shape (n_in, n)
        Must not be modified.

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
