"""Language models: text, a tokenizer learnt from it, tokens in files, and windows of them."""

from topolearn.tasks.language.corpora import TEXTS, TextCorpus, TextFiles, read_texts
from topolearn.tasks.language.shards import TokenShards, cached_shards, write_shards
from topolearn.tasks.language.text import Text
from topolearn.tasks.language.tokenizer import Tokenizer, learn_tokenizer
from topolearn.tasks.language.windows import WINDOWS, TokenWindows, WindowBatches, collate

__all__ = [
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
    "read_texts",
    "write_shards",
]
