"""`train` and `resume`: from a configuration, or a run directory, to a trained language model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from topolearn.errors import InvalidValueError
from topolearn.files import read_json, write_json
from topolearn.recording import Logger, Run
from topolearn.recording.run import BEST
from topolearn.recording.writing.holding import Hold
from topolearn.tasks.checkpoints import last_checkpoint
from topolearn.tasks.language.checkpoints import TOKENIZER, check_tokenizer, load_model
from topolearn.tasks.language.config import LanguageConfig
from topolearn.tasks.language.corpora import TextCorpus, read_texts
from topolearn.tasks.language.evaluation import perplexity
from topolearn.tasks.language.hub_texts import hub_folder
from topolearn.tasks.language.model import build_model
from topolearn.tasks.language.shards import TokenShards, cache_to_resume, cached_shards, default_cache
from topolearn.tasks.language.text import Text
from topolearn.tasks.language.tokenizer import Tokenizer, learn_tokenizer
from topolearn.tasks.language.windows import TokenWindows, WindowBatches
from topolearn.tasks.parameters import n_parameters
from topolearn.tasks.running import Prepared, run_training, settled, trainer_device
from topolearn.tasks.stream import BatchStream
from topolearn.threads import thread_count
from topolearn.training.random_states import random_states_kept
from topolearn.training.ranks import Ranks
from topolearn.training.run_directory import new_directory, taken_up, warn_of_other_ranks

TOKENS = "tokens.json"  # in a run: counts and checksums of its encoded text
PACKAGES = ("transformers", "accelerate", "tokenizers")


@thread_count()
@random_states_kept()
def train(
    config: LanguageConfig, *, overwrite: bool = False, loggers: Sequence[Logger] = (), quiet: bool = False
) -> Run:
    """Train a language model and write a run directory.

    At the end, the model with the best validation perplexity is evaluated on the test text, if there is one.

    Training runs in several threads of a process take turns, as dropout draws from torch's one global generator.

    Parameters
    ----------
    config : LanguageConfig
        What to train. Everything is checked before the directory is made. Without a ``run_dir`` the directory is named
        after data, method, density and seed, and numbered if it exists.
    overwrite : bool
        Remove the run in ``config.run_dir``, if there is one.
    loggers : sequence of Logger
        Loggers that receive numbers and figures in addition to the run directory.
    quiet : bool
        Show no progress.

    Returns
    -------
    Run

    Raises
    ------
    MissingPackageError
        When a package of the extra ``hf`` is not installed.
    ExistingFileError
        When ``config.run_dir`` exists, and ``overwrite`` is False.
    TopolearnError
        For anything else that cannot be trained.
    """
    corpus = read_texts(config.dataset, config.data_dir, config.column, config.cache_dir)
    shapes = [(config.width, config.hidden), (config.width, config.width)]
    batch = config.window * config.batch_windows
    config = settled(config, shapes=shapes, batch=batch, name=Path(corpus.name).name.replace(":", "-"))
    path, ranks = new_directory(config, overwrite=overwrite), Ranks()
    ranks.wait()  # until all ranks have seen whether the directory exists
    encoded = Encoded(config, corpus, _tokenizer(config, corpus))
    return _run(config, path, encoded, loggers, quiet=quiet, overwrite=overwrite)


@thread_count()
@random_states_kept()
def resume(
    path: str | Path,
    *,
    device: str | None = None,
    accept_changes: bool = False,
    loggers: Sequence[Logger] = (),
    quiet: bool = False,
) -> Run:
    """Continue a run from its last checkpoint; the result is bit-identical to a run that was never stopped.

    Parameters
    ----------
    path : path
        The run directory.
    device : str, optional
        Device to continue on; default that of the run. The run's files keep naming the original device.
    accept_changes : bool
        Continue despite changes since the run began; see `topolearn.training.resume`.
    loggers, quiet
        As for `train`.

    Raises
    ------
    MissingFileError, CorruptFileError, CheckpointError, InvalidValueError
        When there is no run, its tokenizer, checkpoint or configuration is unusable, its text has changed, or another
        process is writing it.
    ChangedRunError
        When it would not continue as it began; the message says what has changed.
    """
    run = Run(path)
    config: LanguageConfig = run.config
    here = config if device is None else replace(config, device=trainer_device(device))
    # The named cache is only read, as the run may come from somebody else.
    named = None if config.cache_dir is None else Path(config.cache_dir)
    cache = named if named and hub_folder(config.dataset, config.column, named).is_dir() else None
    corpus, file = read_texts(config.dataset, config.data_dir, config.column, cache), run.path / TOKENIZER
    was_written = file.is_file()  # else the run was killed before
    encoded = Encoded(here, corpus, Tokenizer.load(file) if was_written else _tokenizer(config, corpus), True)
    last, changed = partial(last_checkpoint, run.path), encoded.changed(run.path / TOKENS)
    with taken_up(run.path, last, known=changed, accept_changes=accept_changes) as hold:
        warn_of_other_ranks(run, Ranks())
        return _run(here, run.path, encoded, loggers, hold=hold, quiet=quiet)


@dataclass(frozen=True)
class Encoded:
    """The splits of a corpus as tokens."""

    config: LanguageConfig
    corpus: TextCorpus
    tokenizer: Tokenizer
    is_resumed: bool = False

    @cached_property
    def shards(self) -> dict[str, TokenShards]:
        """The tokens of each existing split."""
        cache = default_cache() if self.config.cache_dir is None else Path(self.config.cache_dir)
        splits: dict[str, Text | None] = {
            "train": self.corpus.train, "val": self.corpus.val, "test": self.corpus.test,
        }  # fmt: skip
        there = {name: text for name, text in splits.items() if text is not None}
        caches = {
            name: cache_to_resume(text, self.tokenizer, cache) if self.is_resumed else cache
            for name, text in there.items()
        }
        return {name: cached_shards(text, self.tokenizer, caches[name]) for name, text in there.items()}

    def write_keys(self, file: Path) -> None:
        """Write the index of each split: counts and checksums."""
        write_json(file, {name: shards.index for name, shards in self.shards.items()})

    def changed(self, file: Path) -> list[str]:
        """Describe which splits differ from those with which a run began."""
        known = read_json(file) if file.is_file() else {}
        now = {name: shards.index for name, shards in self.shards.items()}
        return [
            f"the {name} text of {self.config.dataset} has changed since the run began (see {file})"
            for name, index in known.items()
            if now.get(name) != index
        ]


def _tokenizer(config: LanguageConfig, corpus: TextCorpus) -> Tokenizer:
    if config.tokenizer is None:
        return learn_tokenizer((piece for piece, _ in corpus.train.pieces()), config.vocabulary_size)
    tokenizer = Tokenizer.load(config.tokenizer)
    if tokenizer.n_tokens > config.vocabulary_size:
        raise InvalidValueError(
            f"the tokenizer {config.tokenizer} has {tokenizer.n_tokens} tokens, more than "
            f"vocabulary_size={config.vocabulary_size}: raise vocabulary_size"
        )
    return tokenizer


def _run(
    config: LanguageConfig, path: Path, encoded: Encoded, loggers: Sequence[Logger], *, quiet: bool,
    hold: Hold | None = None, overwrite: bool = False,
) -> Run:  # fmt: skip
    """Train to the end, from the last checkpoint if there is one, and evaluate the best model."""

    def prepare(checkpoint: Path | None) -> Prepared:
        return _prepared(config, path, encoded, checkpoint)

    return run_training(config, path, prepare, loggers, hold=hold, overwrite=overwrite, quiet=quiet, packages=PACKAGES)


def _prepared(config: LanguageConfig, path: Path, encoded: Encoded, checkpoint: Path | None) -> Prepared:
    from topolearn.tasks.language.trainer import trainer_of

    shards = encoded.shards
    windows = {name: TokenWindows(each, config.window, config.windows) for name, each in shards.items()}
    batches = WindowBatches(len(windows["train"]), config.batch_windows, seed=config.seed)
    stream = BatchStream(batches, config.steps * config.accumulation * Ranks().size)  # the ranks take alternating ones
    if checkpoint is not None:
        check_tokenizer(checkpoint, encoded.tokenizer)
    model = build_model(config, encoded.tokenizer)
    trainer = trainer_of(config, path, model, stream, windows, lambda model: _measured(config, model, shards["val"]))
    files = {TOKENIZER: encoded.tokenizer.save, TOKENS: encoded.write_keys}
    return Prepared(trainer, files, lambda: _test(config, path, shards.get("test")))


def _measured(config: LanguageConfig, model: Any, shards: TokenShards) -> dict[str, float]:
    return perplexity(model, shards, config.window, config.batch_windows, config.windows)


def _test(config: LanguageConfig, path: Path, shards: TokenShards | None) -> dict[str, Any]:
    """Return the best model's perplexities on the test text, if there is one, and its parameter count."""
    model = load_model(path, BEST).to(config.device)
    measured = {} if shards is None else _measured(config, model, shards)
    return {f"test_{name}": value for name, value in measured.items()} | {"n_parameters": n_parameters(model)}
