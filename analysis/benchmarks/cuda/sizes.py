"""The sizes of each stage, for real measurements and for tests."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Block:
    """A block of LLaMA and its batch.

    Attributes
    ----------
    name : str
        The model that the block is from.
    width, hidden, n_heads : int
    batch, length : int
        Number of sequences, and of tokens in each.
    """

    name: str
    width: int
    hidden: int
    n_heads: int
    batch: int
    length: int

    @property
    def n_tokens(self) -> int:
        """Number of tokens per step."""
        return self.batch * self.length

    @property
    def n_weights(self) -> int:
        """Number of weights in the block's linear layers."""
        return 4 * self.width**2 + 3 * self.width * self.hidden

    @property
    def flops(self) -> float:
        """Floating-point operations of a training step of the block, without the attention scores."""
        return 6.0 * self.n_weights * self.n_tokens


@dataclass(frozen=True)
class Sizes:
    """What the stages measure.

    Attributes
    ----------
    mlp : tuple of int
        Features, hidden widths and classes of the network whose links are compared with the CPU's.
    n_updates : int
        Number of updates of that network.
    n_examples, n_epochs, hidden : int, int, tuple of int
        Training examples, epochs, and hidden widths for ``topolearn train``.
    blocks : tuple of Block
        The blocks whose steps are timed.
    n_blocks : int
        Number of blocks, of the first shape, in the model whose updates are timed.
    n_methods : int
        Maximum number of methods whose updates are timed.
    rounds, burst : int
        Number of timings, and of steps in each.
    densities, widths, width, density
        The axes of the paper's Figure 2, and the fixed value of the other axis.
    csr_widths, csr_batches, csr_densities, csr_seconds
        The axes of the table behind ``backend="auto"``, and the time to measure each point.
    vocabulary, n_layers, n_steps : int
        The language model whose tokens are counted, with blocks of the first shape.
    """

    mlp: tuple[int, ...]
    n_updates: int
    n_examples: int
    n_epochs: int
    hidden: tuple[int, ...]
    blocks: tuple[Block, ...]
    n_blocks: int
    n_methods: int
    rounds: int
    burst: int
    densities: tuple[float, ...]
    widths: tuple[int, ...]
    csr_widths: tuple[int, ...]
    csr_batches: tuple[int, ...]
    csr_densities: tuple[float, ...]
    csr_seconds: float
    vocabulary: int
    n_layers: int
    n_steps: int
    width: int = 1024
    density: float = 0.05


REAL = Sizes(
    mlp=(256, 512, 512, 10),
    n_updates=4,
    n_examples=12_000,
    n_epochs=3,
    hidden=(1568, 1568, 1568),
    blocks=(Block("LLaMA-130M", 768, 2048, 12, 64, 256), Block("LLaMA-1B", 2048, 5461, 32, 64, 256)),
    n_blocks=4,
    n_methods=99,
    rounds=15,
    burst=5,
    densities=(0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5),
    widths=(128, 256, 512, 1024, 2048, 4096),
    csr_widths=(256, 1024, 2048, 4096),
    csr_batches=(32, 512, 4096),
    csr_densities=(0.003, 0.01, 0.03, 0.1, 0.3),
    csr_seconds=0.1,
    vocabulary=32_000,
    n_layers=12,
    n_steps=220,
)
SMALL = Sizes(
    mlp=(12, 16, 16, 3),
    n_updates=1,
    n_examples=60,
    n_epochs=1,
    hidden=(16, 16),
    blocks=(Block("tiny", 16, 24, 2, 2, 4),),
    n_blocks=1,
    n_methods=2,
    rounds=1,
    burst=1,
    densities=(0.1, 0.3),
    widths=(16, 32),
    csr_widths=(8, 16),
    csr_batches=(1, 8),
    csr_densities=(0.1, 0.5),
    csr_seconds=0.002,
    vocabulary=20,
    n_layers=1,
    n_steps=6,
    width=24,
    density=0.1,
)
