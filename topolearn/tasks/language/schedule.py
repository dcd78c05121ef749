"""The learning rate of language models: a linear warm-up, then a cosine decay to a share of the peak."""

import math

from topolearn.checks import check_size


def warmup_cosine(step: int, warmup: int, steps: int, final: float = 0.1) -> float:
    r"""Return the factor of the peak learning rate at a step, counted from 1.

    .. math:: \frac{s}{w} \;(s \le w), \qquad f + (1 - f)\,\frac{1 + \cos(\pi (s - w) / (n - w))}{2} \;(s > w)

    Parameters
    ----------
    step, warmup, steps : int
        The current step, the number of warm-up steps, and the number of all steps.
    final : float
        The share of the peak at the last step, in [0, 1].

    References
    ----------
    Loshchilov and Hutter (2017), "SGDR: stochastic gradient descent with warm restarts", ICLR, equation 5.

    Examples
    --------
    >>> [round(warmup_cosine(step, 100, 500), 3) for step in (1, 100, 300, 500)]
    [0.01, 1.0, 0.55, 0.1]
    """
    step = check_size("step", step)
    if step <= warmup:
        return step / warmup
    progress = min((step - warmup) / max(steps - warmup, 1), 1.0)
    return final + (1 - final) * (1 + math.cos(math.pi * progress)) / 2
