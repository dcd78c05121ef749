"""The links of a masked layer as bits, the form in which ``state_dict`` stores them."""

import torch
from torch import Tensor

KEY = "links_packed"  # in addition to the keys of `torch.nn.Linear`
BITS = 8  # per byte, with the first input in the highest bit, as in `numpy.packbits`


def packed(mask: Tensor) -> Tensor:
    """Return a mask, shape (n_out, n_in), as uint8, shape (n_out, ceil(n_in / 8)), on its device.

    Examples
    --------
    >>> packed(torch.tensor([[True, False, True], [False, False, True]])).tolist()
    [[160], [32]]
    """
    n_out, n_in = mask.shape
    padded = torch.nn.functional.pad(mask.to(torch.uint8), (0, -n_in % BITS)).view(n_out, -(-n_in // BITS), BITS)
    return (padded << _shifts(mask.device)).sum(dim=2, dtype=torch.uint8)


def unpacked(bits: Tensor, n_in: int) -> Tensor:
    """Return the packed mask, unpacked to shape (n_out, n_in).

    Examples
    --------
    >>> unpacked(torch.tensor([[160]], dtype=torch.uint8), 3).tolist()
    [[True, False, True]]
    """
    mask = (bits[:, :, None] >> _shifts(bits.device)).bitwise_and_(1).to(torch.bool)
    return mask.flatten(1)[:, :n_in]


def _shifts(device: torch.device) -> Tensor:
    return torch.arange(BITS - 1, -1, -1, dtype=torch.uint8, device=device)
