"""Methods: their fields, the rules for combining them, and the table of named methods."""

from topolearn.evolution.methods.consistency import HISTORY, check_backend
from topolearn.evolution.methods.method import Method
from topolearn.evolution.methods.suffixes import split_pooled, split_soft
from topolearn.evolution.methods.table import METHODS, method, methods

__all__ = ["HISTORY", "METHODS", "Method", "check_backend", "method", "methods", "split_pooled", "split_soft"]
