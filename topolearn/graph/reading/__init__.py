"""Read networks from the files and tables that people have."""

from topolearn.graph.reading.formats import FORMATS, Format
from topolearn.graph.reading.read import read_graph
from topolearn.graph.reading.source import Source

__all__ = ["FORMATS", "Format", "Source", "read_graph"]
