"""The learning rate of "Attention is all you need": a warm-up, then the inverse square root of the step."""

from topolearn.checks import check_size


def noam(step: int, warmup: int) -> float:
    r"""Return the factor of the peak learning rate at a step, counted from 1.

    .. math:: \min(s / w, \sqrt{w / s})

    OpenNMT writes :math:`\text{lr} \cdot d^{-1/2} \min(s^{-1/2}, s w^{-3/2})`: the peak is
    :math:`\text{lr} / \sqrt{d w}` there. The *inoam* schedule of the paper adds another warm-up after each
    topology update, the method's ``rewarmup_steps``.

    Parameters
    ----------
    step, warmup : int

    References
    ----------
    Vaswani et al. (2017), "Attention is all you need", section 5.3.

    Examples
    --------
    >>> [noam(step, 100) for step in (1, 50, 100, 400)]
    [0.01, 0.5, 1.0, 0.5]
    """
    step = check_size("step", step)
    return min(step / warmup, (warmup / step) ** 0.5)
