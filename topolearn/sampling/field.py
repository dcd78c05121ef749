"""The random field: the draw for a cell is a hash of where and why it is drawn, independent of earlier draws."""

import hashlib
from dataclasses import dataclass, field

import torch
from torch import Tensor

from topolearn.errors import InvalidTypeError

_GOLDEN = 0x9E3779B97F4A7C15
_MIX_1 = 0xBF58476D1CE4E5B9
_MIX_2 = 0x94D049BB133111EB


def _signed(value: int) -> int:
    """Return the int64 with the bits of an unsigned 64-bit integer."""
    return value - (1 << 64) if value >= 1 << 63 else value


def _shift_right(bits: Tensor, n: int) -> Tensor:
    """Return the logical right shift; torch's ``>>`` keeps the sign."""
    return (bits >> n).bitwise_and_((1 << (64 - n)) - 1)


def _mix(bits: Tensor) -> Tensor:
    """Return SplitMix64's finaliser of each int64: a bijection in which every input bit affects every output bit."""
    bits = _shift_right(bits, 30).bitwise_xor_(bits).mul_(_signed(_MIX_1))
    bits = _shift_right(bits, 27).bitwise_xor_(bits).mul_(_signed(_MIX_2))
    return _shift_right(bits, 31).bitwise_xor_(bits)


@dataclass(frozen=True)
class RandomField:
    """Independent uniform draws for the cells of one layer, at one update, for one purpose.

    The draw of cell ``c`` is the first 53 bits of ``mix(mix(c + g) ^ key)``, where ``key`` is a hash of the four
    parameters below, ``mix`` is the finaliser of SplitMix64 and ``g`` is the golden-ratio constant. It depends on
    nothing else, so it is the same for dense and edge-list candidates, in any order, on any device, thread and rank,
    and after a resume.

    Parameters
    ----------
    seed : int
        The seed of the run.
    layer : str
        Name of the layer.
    update : int
        Index of the topology update; 0 is the initial topology.
    purpose : str
        What the draw is for, such as ``"removal"``; two purposes never share a draw.

    References
    ----------
    Steele, Lea, Flood (2014), "Fast splittable pseudorandom number generators", OOPSLA.

    Examples
    --------
    >>> import torch
    >>> field = RandomField(seed=0, layer="hidden1", update=1, purpose="removal")
    >>> cells = torch.tensor([7, 3, 11])
    >>> torch.equal(field.uniform(cells)[1:], field.uniform(cells[1:]))
    True
    """

    seed: int
    layer: str = ""
    update: int = 0
    purpose: str = ""
    key: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        words = "\x1f".join((str(int(self.seed)), self.layer, str(int(self.update)), self.purpose))
        digest = hashlib.blake2b(words.encode(), digest_size=8).digest()
        object.__setattr__(self, "key", int.from_bytes(digest, "little", signed=True))

    @property
    def integer(self) -> int:
        """A non-negative 63-bit integer derived from the whole field, for seeding a generator object."""
        return self.key & ((1 << 63) - 1)

    def bits(self, cells: Tensor) -> Tensor:
        """Return 53 random bits for each cell.

        Parameters
        ----------
        cells : Tensor of int64, any shape
            Flat positions in the adjacency, ``output * n_in + input``.

        Returns
        -------
        Tensor of int64, same shape, in [0, 2**53)

        Raises
        ------
        InvalidTypeError
            For cells of another dtype, which would give other bits.
        """
        if cells.dtype != torch.int64:
            raise InvalidTypeError(f"cells must be torch.int64, not {cells.dtype}: convert them with cells.long()")
        return _shift_right(_mix(_mix(cells + _signed(_GOLDEN)) ^ self.key), 11)

    def uniform(self, cells: Tensor) -> Tensor:
        """Return a draw from U(0, 1] for each cell, as float64; 0 never occurs, so the logarithm is finite."""
        return (self.bits(cells) + 1).to(torch.float64) * 2.0**-53

    def normal(self, cells: Tensor) -> Tensor:
        """Return a draw from N(0, 1) for each cell, as float64, using the inverse of its distribution function.

        The inverse is evaluated at the midpoints of 2^52 equal subintervals of (0, 1), so no draw is infinite.
        """
        middles = (self.bits(cells) >> 1).to(torch.float64).add_(0.5).mul_(2.0**-52)
        return torch.special.ndtri(middles)

    def gumbel(self, cells: Tensor) -> Tensor:
        """Return a draw from the standard Gumbel distribution, ``-log(-log(u))``, for each cell, as float64."""
        return -torch.log(-torch.log(self.uniform(cells)))
