"""Language models: text, a tokenizer learned from it, files of tokens, and windows of tokens."""

from topolearn.tasks.language.checkpoints import load_model
from topolearn.tasks.language.config import LanguageConfig
from topolearn.tasks.language.corpora import TEXTS, TextCorpus, TextFiles, read_texts
from topolearn.tasks.language.evaluation import perplexity
from topolearn.tasks.language.language_model import LanguageModel
from topolearn.tasks.language.sampling import sample
from topolearn.tasks.language.shards import TokenShards, cached_shards, write_shards
from topolearn.tasks.language.text import Text
from topolearn.tasks.language.tokenizer import Tokenizer, learn_tokenizer
from topolearn.tasks.language.training import resume, train
from topolearn.tasks.language.windows import WINDOWS, TokenWindows, WindowBatches, collate

__all__ = [
    "LanguageConfig",
    "LanguageModel",
    "TEXTS",
    "Text",
    "TextCorpus",
    "TextFiles",
    "TokenShards",
    "TokenWindows",
    "Tokenizer",
    "WINDOWS",
    "WindowBatches",
    "cached_shards",
    "collate",
    "learn_tokenizer",
    "load_model",
    "perplexity",
    "read_texts",
    "resume",
    "sample",
    "train",
    "write_shards",
]
