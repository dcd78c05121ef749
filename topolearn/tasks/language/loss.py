"""The loss of a language model: the mean cross-entropy of the next token."""

from torch import Tensor
from torch.nn import functional as F

from topolearn.tasks.language.windows import IGNORED


def token_loss(logits: Tensor, labels: Tensor, n_tokens: Tensor | int | None = None) -> Tensor:
    r"""Return the cross-entropy in float32, summed over tokens and divided by their number.

    .. math:: -\frac{1}{n} \sum_t \log p(y_t)

    Parameters
    ----------
    logits : Tensor, shape (n_windows, n_tokens, V)
    labels : Tensor of int64, shape (n_windows, n_tokens)
        The token that follows each one; -100 for padding.
    n_tokens : int, optional
        The number of tokens of the whole step; default the number of these labels.

    Examples
    --------
    >>> import torch
    >>> token_loss(torch.zeros(1, 2, 4), torch.tensor([[3, -100]]))  # log 4
    tensor(1.3863)
    """
    total = F.cross_entropy(logits.flatten(0, -2).float(), labels.flatten(), ignore_index=IGNORED, reduction="sum")
    return total / ((labels != IGNORED).sum() if n_tokens is None else n_tokens)
