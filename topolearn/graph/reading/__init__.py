"""Networks of others: what people have in files, read as graphs."""

from topolearn.graph.reading.formats import FORMATS, Format
from topolearn.graph.reading.read import read_graph
from topolearn.graph.reading.source import Source

__all__ = ["FORMATS", "Format", "Source", "read_graph"]
