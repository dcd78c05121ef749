"""The loss of a translator: mean cross-entropy per token with smoothed labels."""

from torch import Tensor
from torch.nn import functional as F

from topolearn.tasks.translation.batches import IGNORED
from topolearn.tasks.translation.vocabulary import BEGIN, PAD


def decoder_inputs(labels: Tensor) -> Tensor:
    """Return the decoder's inputs for predicting labels: the begin mark, and each label except the last.

    Models of transformers only derive these when they compute the loss, which is computed outside of them here.

    Examples
    --------
    >>> import torch
    >>> decoder_inputs(torch.tensor([[7, 2, -100]])).tolist()
    [[1, 7, 2]]
    """
    shifted = labels.roll(1, dims=-1)
    shifted[..., 0] = BEGIN
    return shifted.masked_fill_(shifted == IGNORED, PAD)


def token_loss(logits: Tensor, labels: Tensor, smoothing: float = 0.0, n_tokens: Tensor | int | None = None) -> Tensor:
    r"""Return the cross-entropy with smoothed labels, summed over tokens and divided by their number.

    .. math:: -\frac{1}{n} \sum_t \Big( (1 - \epsilon) \log p_t(y_t) + \frac{\epsilon}{V} \sum_v \log p_t(v) \Big)

    Parameters
    ----------
    logits : Tensor, shape (n_sentences, n_tokens, V)
    labels : Tensor of int64, shape (n_sentences, n_tokens)
        -100 for padding.
    smoothing : float
    n_tokens : int, optional
        The number of tokens of the whole step; default the number of these labels.

    References
    ----------
    Szegedy et al. (2016), "Rethinking the Inception architecture", CVPR, section 7.

    Examples
    --------
    >>> import torch
    >>> token_loss(torch.zeros(1, 2, 4), torch.tensor([[3, -100]]))  # log 4
    tensor(1.3863)
    """
    total = F.cross_entropy(
        logits.flatten(0, -2).float(), labels.flatten(), ignore_index=IGNORED, reduction="sum",
        label_smoothing=smoothing,
    )  # fmt: skip
    return total / ((labels != IGNORED).sum() if n_tokens is None else n_tokens)
