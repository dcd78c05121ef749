"""`train` and `resume`: from a configuration, or a run directory, to a trained translator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from topolearn.files import written_aside
from topolearn.recording import Logger, Run
from topolearn.recording.run import BEST
from topolearn.recording.writing.holding import Hold
from topolearn.tasks.checkpoints import last_checkpoint
from topolearn.tasks.parameters import n_parameters
from topolearn.tasks.running import Prepared, run_training, settled, trainer_device
from topolearn.tasks.stream import BatchStream
from topolearn.tasks.translation.batches import TokenBatches
from topolearn.tasks.translation.checkpoints import VOCABULARY, check_vocabulary, load_model
from topolearn.tasks.translation.config import TranslationConfig
from topolearn.tasks.translation.corpora import read_corpus
from topolearn.tasks.translation.corpus import Corpus, ParallelText
from topolearn.tasks.translation.decoding import translate
from topolearn.tasks.translation.evaluation import perplexity
from topolearn.tasks.translation.learning import learn_vocabulary
from topolearn.tasks.translation.model import IDLE, POSITIONS, build_model
from topolearn.tasks.translation.pairs import EncodedPairs, encode_pairs
from topolearn.tasks.translation.scores import scores
from topolearn.tasks.translation.vocabulary import Vocabulary
from topolearn.terminal import warn_user
from topolearn.threads import thread_count
from topolearn.training.random_states import random_states_kept
from topolearn.training.ranks import Ranks
from topolearn.training.run_directory import new_directory, taken_up, warn_of_other_ranks

TRANSLATIONS = "test.translated.txt"
PACKAGES = ("transformers", "accelerate", "tokenizers", "sacrebleu")


@thread_count()
@random_states_kept()
def train(
    config: TranslationConfig,
    *,
    corpus: Corpus | None = None,
    overwrite: bool = False,
    loggers: Sequence[Logger] = (),
    quiet: bool = False,
) -> Run:
    """Train a translator and write a run directory.

    At the end, the model with the best validation BLEU translates the test sentences. The scores are written to the
    summary, and the translations to ``test.translated.txt``.

    Training runs in several threads of a process take turns, as dropout draws from torch's one global generator.

    Parameters
    ----------
    config : TranslationConfig
        What to train. Everything is checked before the directory is made. Without a ``run_dir`` the directory is named
        after data, method, density and seed, and numbered if it exists.
    corpus : Corpus, optional
        Your own text; default the text named by ``config.dataset``.
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
    if corpus is not None:
        config = replace(config, dataset=corpus.name)
    corpus = corpus or _corpus_of(config)
    shapes = [(config.width, config.feed_forward)]
    config = settled(config, shapes=shapes, batch=config.batch_tokens, name=Path(corpus.name).name)
    path, ranks = new_directory(config, overwrite=overwrite), Ranks()
    ranks.wait()  # until all ranks have seen whether the directory exists
    return _run(config, path, corpus, _vocabulary(config, corpus), loggers, quiet=quiet, overwrite=overwrite)


@thread_count()
@random_states_kept()
def resume(
    path: str | Path,
    *,
    corpus: Corpus | None = None,
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
    corpus : Corpus, optional
        The text that the run was started with, if it was given as an object.
    device : str, optional
        Device to continue on; default that of the run. The run's files keep naming the original device.
    accept_changes : bool
        Continue despite changes since the run began; see `topolearn.training.resume`.
    loggers, quiet
        As for `train`.

    Raises
    ------
    MissingFileError, CorruptFileError, CheckpointError, InvalidValueError
        When there is no run, its vocabulary, checkpoint or configuration is unusable, or another process is writing it.
    ChangedRunError
        When it would not continue as it began; the message says what has changed.
    """
    run = Run(path)
    config: TranslationConfig = run.config
    here = config if device is None else replace(config, device=trainer_device(device))
    corpus = corpus or _corpus_of(config)
    file, last = run.path / VOCABULARY, partial(last_checkpoint, run.path)
    with taken_up(run.path, last, data=corpus.checksum(), accept_changes=accept_changes) as hold:
        was_written = file.is_file()  # else the run was killed before
        vocabulary = Vocabulary.load(file) if was_written else _vocabulary(config, corpus)
        warn_of_other_ranks(run, Ranks())
        return _run(here, run.path, corpus, vocabulary, loggers, hold=hold, quiet=quiet)


def _corpus_of(config: TranslationConfig) -> Corpus:
    return read_corpus(config.dataset, (config.source, config.target), config.data_dir)


def _training_text(config: TranslationConfig, corpus: Corpus) -> ParallelText:
    return corpus.train if config.max_pairs is None else corpus.train.first(config.max_pairs)


def _vocabulary(config: TranslationConfig, corpus: Corpus) -> Vocabulary:
    return learn_vocabulary(_training_text(config, corpus), config.vocabulary, size=config.vocabulary_size)


def _run(
    config: TranslationConfig, path: Path, corpus: Corpus, vocabulary: Vocabulary, loggers: Sequence[Logger], *,
    quiet: bool, hold: Hold | None = None, overwrite: bool = False,
) -> Run:  # fmt: skip
    """Train to the end, from the last checkpoint if there is one, and score the best model."""

    def prepare(checkpoint: Path | None) -> Prepared:
        return _prepared(config, path, corpus, vocabulary, checkpoint)

    return run_training(config, path, prepare, loggers, hold=hold, overwrite=overwrite, quiet=quiet, packages=PACKAGES)


def _prepared(
    config: TranslationConfig, path: Path, corpus: Corpus, vocabulary: Vocabulary, checkpoint: Path | None
) -> Prepared:
    from topolearn.tasks.translation.trainer import trainer_of

    pairs = _encoded(config, _training_text(config, corpus), vocabulary)
    batches = TokenBatches(pairs.lengths, config.batch_tokens, seed=config.seed)
    stream = BatchStream(batches, config.steps * config.accumulation * Ranks().size)  # the ranks take alternating ones
    model = build_model(config, vocabulary)
    validation = _encoded(config, corpus.val, vocabulary)
    for text in (corpus.val.first(config.validation_sentences), corpus.test):  # all of these will be translated
        encode_pairs(text, vocabulary, tokens=POSITIONS, positions=POSITIONS)
    if checkpoint is not None:
        check_vocabulary(checkpoint, vocabulary)
    score = _score(config, corpus, vocabulary, validation)
    trainer = trainer_of(config, path, model, stream, pairs, validation, score)
    files, data = {VOCABULARY: vocabulary.save}, corpus.checksum()
    dropped = _dropped({"train": pairs, "val": validation})
    return Prepared(trainer, files, lambda: _test(config, path, corpus, vocabulary) | dropped, data)


def _encoded(config: TranslationConfig, text: ParallelText, vocabulary: Vocabulary) -> EncodedPairs:
    too_long: Any = config.too_long  # a literal, as the configuration has checked
    return encode_pairs(text, vocabulary, tokens=config.batch_tokens, positions=POSITIONS, too_long=too_long)


def _dropped(splits: Mapping[str, EncodedPairs]) -> dict[str, int]:
    """Return for the summary how many pairs of each split were dropped, and warn about them; empty if none were."""
    counts = {split: pairs.n_dropped for split, pairs in splits.items() if pairs.n_dropped}
    for split, n in counts.items():
        warn_user(f"{n} of {n + len(splits[split])} pairs of {split} are too long and are dropped (too_long='drop')")
    return {f"n_dropped_{split}": n for split, n in counts.items()}


def _score(
    config: TranslationConfig, corpus: Corpus, vocabulary: Vocabulary, pairs: EncodedPairs
) -> Callable[[Any], Mapping[str, float]]:
    """Return a function that scores a model during training."""
    text = corpus.val.first(config.validation_sentences)

    def score(model: Any) -> dict[str, float]:
        translated = _translated(config, model, vocabulary, text.source)
        return perplexity(model, pairs, config.batch_tokens) | {"bleu": scores(translated, text.target)["bleu"]}

    return score


def _translated(config: TranslationConfig, model: Any, vocabulary: Vocabulary, sentences: Sequence[str]) -> list[str]:
    return translate(model, vocabulary, sentences, beams=config.beams, length_penalty=config.length_penalty)


def _test(config: TranslationConfig, path: Path, corpus: Corpus, vocabulary: Vocabulary) -> dict[str, Any]:
    """Translate the test sentences with the best model and write them to a file; return its scores and size."""
    model = load_model(path, BEST).to(config.device)
    translated = _translated(config, model, vocabulary, corpus.test.source)
    with written_aside(path / TRANSLATIONS) as aside:
        aside.write_text("".join(f"{sentence}\n" for sentence in translated), encoding="utf-8")
    of_test = {f"test_{name}": value for name, value in scores(translated, corpus.test.target).items()}
    return of_test | {"n_parameters": n_parameters(model, IDLE)}
