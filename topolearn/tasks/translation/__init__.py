"""Translation: parallel text, a vocabulary learned from it, batches by tokens, translations and their scores."""

from topolearn.tasks.translation.batches import TokenBatches, collate
from topolearn.tasks.translation.checkpoints import load_model
from topolearn.tasks.translation.config import TranslationConfig
from topolearn.tasks.translation.corpora import CORPORA, CorpusFiles, read_corpus
from topolearn.tasks.translation.corpus import Corpus, ParallelText, read_parallel, sentences_of
from topolearn.tasks.translation.decoding import length_limit, translate
from topolearn.tasks.translation.learning import VOCABULARIES, learn_vocabulary
from topolearn.tasks.translation.pairs import EncodedPairs, encode_pairs
from topolearn.tasks.translation.scores import Comparison, compare, scores
from topolearn.tasks.translation.training import resume, train
from topolearn.tasks.translation.translator import Translator
from topolearn.tasks.translation.vocabulary import BEGIN, END, PAD, UNKNOWN, Vocabulary

__all__ = [
    "BEGIN",
    "CORPORA",
    "Comparison",
    "Corpus",
    "CorpusFiles",
    "END",
    "EncodedPairs",
    "PAD",
    "ParallelText",
    "TokenBatches",
    "TranslationConfig",
    "Translator",
    "UNKNOWN",
    "VOCABULARIES",
    "Vocabulary",
    "collate",
    "compare",
    "encode_pairs",
    "learn_vocabulary",
    "length_limit",
    "load_model",
    "read_corpus",
    "read_parallel",
    "resume",
    "scores",
    "sentences_of",
    "train",
    "translate",
]
