"""Small networks as people have them: the bytes of each file, the options, and what must be read, or asked."""

# ruff: noqa: E501

import bz2
import gzip
import io

import igraph
import networkx as nx
import numpy as np
import pandas as pd
from scipy import io as scipy_io
from scipy import sparse

from topolearn.graph import BipartiteGraph

TRIANGLE = np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]])
KITE = nx.Graph([(0, 1), (0, 2), (1, 2), (1, 3), (2, 3), (3, 4), (4, 5)])
WOMEN = [("Ann", "E1"), ("Ann", "E2"), ("Eve", "E2"), ("Eve", "E3")]


def written(write, *options, **more):
    """Return the bytes that another library writes into a binary file."""
    file = io.BytesIO()
    write(*options, file, **more)
    return file.getvalue()


def with_path(write, suffix):
    """Return the bytes of a writer that takes only a path."""
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"net{suffix}")
        write(path)
        return path.read_bytes()


def named_triangle():
    graph = igraph.Graph([(0, 1), (1, 2), (0, 2)])
    graph.vs["name"] = ["a", "b", "c"]
    graph.es["weight"] = [1.0, 2.0, 3.0]
    return graph


def women_igraph():
    graph = igraph.Graph([(0, 2), (0, 3), (1, 3), (1, 4)])
    graph.vs["type"] = [False, False, True, True, True]
    graph.vs["name"] = ["Ann", "Eve", "E1", "E2", "E3"]
    return graph


def women_networkx():
    graph = nx.Graph(WOMEN)
    nx.set_node_attributes(graph, {a: 0 for a, _ in WOMEN} | {b: 1 for _, b in WOMEN}, "bipartite")
    return graph


FRAME = pd.DataFrame({"source": ["a", "b", "a"], "target": ["b", "c", "c"], "weight": [1.5, 2, 3]})
LAYER = BipartiteGraph(np.array([[1, 0, 1], [0, 0, 1]]), output_names=["no", "yes"])
ONE = {"sides": 1}

# name: bytes, options, (nodes, links[, mean clustering]) or ((inputs, outputs), links), words of the summary line
READ = {
    # lists: separators, blanks, encodings, line ends
    "blanks.edges": (b"0 1\n1 2\n0 2\n", ONE, (3, 3, 1), ["separated by whitespace", "ignored: nothing"]),
    "comma_blank.txt": (b"a, b\nb, c\na, c\n", ONE, (3, 3, 1), ["separated by commas"]),
    "blank_beside_tab.tsv": (b"a \tb\nb\t c\na\tc\n", ONE, (3, 3, 1), ["separated by tabs"]),
    "semicolons.csv": (b"a;b;0,5\nb;c;1,5\na;c;2,5\n", ONE, (3, 3, 1), ["by semicolons", "ignored: column 2 (counting from 0)"]),
    "bars.txt": (b"a|b\nb|c\na|c\n", ONE, (3, 3, 1), ["separated by vertical bars"]),
    "double_colons.dat": (b"1::2::5\n2::3::4\n1::3::1\n9::1::2\n", ONE, (4, 4), ["column 2"]),
    "many_blanks.txt": (b"  0   1 \n 1  2\n0\t2 \n", ONE, (3, 3, 1), ["separated by whitespace"]),
    "asked_sep.txt": (b"a~b\nb~c\na~c\n", ONE | {"sep": "~"}, (3, 3, 1), ["'~'"]),
    "mark.csv": (b"\xef\xbb\xbfa,b\nb,c\na,c\n", ONE, (3, 3, 1), []),
    "utf16.tsv": ("a\tb\nb\tc\na\tc\n".encode("utf-16"), ONE, (3, 3, 1), ["in UTF-16"]),
    "latin1.csv": ("José,Zoë\nZoë,Ann\nJosé,Ann\n".encode("latin-1"), ONE, (3, 3, 1), ["in Latin-1"]),
    "windows.csv": ("Žan,Zoë\nZoë,Ann\nŽan,Ann\n".encode("cp1252"), ONE, (3, 3, 1), ["in Windows-1252"]),
    "crlf.csv": (b"a,b\r\nb,c\r\na,c\r\n", ONE, (3, 3, 1), []),
    "old_mac.csv": (b"a,b\rb,c\ra,c", ONE, (3, 3, 1), []),
    "quotes.csv": (b'"Smith, J","O""Neil"\n"O""Neil",Lee\n"Smith, J",Lee\n', ONE, (3, 3, 1), []),
    "apostrophes.tsv": (b"O'Neil\tD'Arc\nD'Arc\tLee\nO'Neil\tLee\n", ONE, (3, 3, 1), []),
    "packed.csv.gz": (gzip.compress(b"a,b\nb,c\na,c\n"), ONE, (3, 3, 1), []),
    "packed.tsv.bz2": (bz2.compress(b"a\tb\nb\tc\na\tc\n"), ONE, (3, 3, 1), []),
    "comments.txt": (b"# from somewhere\n0 1\n# and more\n\n1 2\n% end\n0 2\n", ONE, (3, 3, 1), ["2 comments among"]),
    # lists: headers and columns
    "header.csv": (b"source,target\n1,2\n2,3\n1,3\n", ONE, (3, 3, 1), ["header: columns 'source', 'target'"]),
    "header_of_words.csv": (b"Drug,Target\naspirin,COX1\naspirin,COX2\nibu,COX1\n", {}, ((2, 2), 3), ["two kinds"]),
    "header_asked.csv": (b"x,y\na,b\nb,c\na,c\n", ONE | {"header": True}, (3, 3, 1), ["columns 'x', 'y'"]),
    "no_header_asked.csv": (b"x,y\na,b\nb,c\na,c\n", ONE | {"header": False}, (5, 4), []),
    "weights.csv": (b"source,target,weight\na,b,1.5\nb,c,2\na,c,3\n", ONE, (3, 3, 1), ["ignored: column 'weight'"]),
    "weight_time.txt": (b"1 2 1 1082008561\n2 3 1 1082008562\n1 3 1 1\n3 4 2 2\n1 4 1 3\n", ONE, (4, 5),
                        ["column 2 (counting from 0), column 3 (counting from 0)"]),
    "pandas_index.csv": (FRAME.to_csv().encode(), ONE, (3, 3, 1), ["column 'weight'", "links from column 'source'"]),
    "r_row_names.txt": (b'"source" "target"\n"1" "a" "b"\n"2" "b" "c"\n"3" "a" "c"\n', ONE, (3, 3, 1), []),
    "gephi.csv": (b"Source,Target,Type,Id,Label,Weight\n1,2,Undirected,0,,1\n2,3,Undirected,1,,1\n1,3,Undirected,2,,1\n",
                  ONE, (3, 3, 1), ["column 'Type' is undirected"]),
    "columns_asked.csv": (b"when,who,whom\n1,a,b\n2,b,c\n5,a,c\n", ONE | {"source": "who", "target": 2}, (3, 3, 1),
                          ["links from column 'who' to column 'whom'", "ignored: column 'when'"]),
    "networkx.edgelist": (written(nx.write_edgelist, KITE), ONE, (6, 7, nx.average_clustering(KITE)), ["data in braces"]),
    "networkx_weights.edgelist": (b"0 1 {'weight': 2}\n1 2 {'weight': 3}\n", ONE | {"weight": "weight"}, (3, 2), []),
    # lists: counts and ids
    "counted.txt": (b"# nodes 6 edges 3\n0 1\n1 2\n0 2\n", {}, (6, 3, 0.5), ["6 nodes (3 without a link)", "ids from 0"]),
    "snap.txt": (b"# Undirected graph: ../x.txt\n# a network\n# Nodes: 5 Edges: 3\n# FromNodeId\tToNodeId\n1\t2\n2\t3\n1\t5\n",
                 {}, (5, 3, 0), ["Nodes: 5 Edges: 3", "1 without", "ids from 1"]),
    "snap_sparse_ids.txt": (b"# Nodes: 3 Edges: 2\n10\t9000000000\n9000000000\t77\n", {}, (3, 2), ["ids 10..9000000000"]),
    "out.konect_sym": (b"% sym unweighted\n% 3 4 4\n1 2\n2 3\n1 3\n", {}, (4, 3, 0.75), ["KONECT sym", "ids from 1"]),
    "out.konect_bip": (b"% bip weighted\n% 3 2 4\n1 1 5 100\n1 2 4 101 \n2 3 1 102\n", {}, ((2, 4), 3),
                       ["two kinds", "column 'weight', column 'time'", "1 without"]),
    "one_based.txt": (b"1 2\n2 3\n1 3\n", ONE | {"index_base": 1}, (3, 3, 1), ["ids from 1"]),
    "zero_based_gaps.txt": (b"0 1\n1 5\n", ONE | {"index_base": 0}, (6, 2, 0), ["3 without a link"]),
    "names_kept.txt": (b"1 2\n2 7\n", ONE, (3, 2), ["ids 1..7 are names"]),
    "leading_zeros.txt": (b"007 7\n7 07\n", ONE, (3, 2), []),
    "beyond_int64.txt": (b"99999999999999999999 1\n1 2\n", ONE, (3, 2), []),
    "mixed_names.txt": (b"1 a\na 2\n1 2\n", ONE, (3, 3, 1), []),
    "names_like_missing.csv": (b"NA,None\nNone,nan\nNA,nan\n", ONE, (3, 3, 1), []),
    # lists: repeats, loops, directions
    "trailing_commas.csv": (b"a,b,\nb,c,\na,c,\n", ONE, (3, 3, 1), ["ignored: nothing"]),
    "merged.txt": (b"0 1\n0 1\n1 2\n", ONE | {"duplicates": "merge"}, (3, 2), ["ignored: 1 repeated link"]),
    "dropped.txt": (b"0 1\n1 1\n1 2\n", ONE | {"self_loops": "drop"}, (3, 2), ["ignored: 1 self-loop"]),
    "both_ways.txt": (b"0 1\n1 0\n1 2\n", ONE | {"directed": True}, (3, 2), ["direction of 3 links"]),
    "both_ways_merged.txt": (b"0 1\n1 0\n1 2\n", ONE | {"duplicates": "merge"}, (3, 2), ["1 reverse link"]),
    "both_ways_kept.txt": (b"0 1\n1 0\n1 2\n", {"sides": 2}, ((2, 3), 3), []),
    "decimal_commas.tsv": (b"a\tb\t1,500\nb\tc\t0,5\na\tc\t2,500\n", ONE | {"weight": 2}, (3, 3, 1), ["weights kept"]),
    "no_weight.txt": (b"0 1 5\n1 2 6\n0 3 7\n", ONE | {"weight": False, "format": "links"}, (4, 3, 0), ["ignored: column 2"]),
    "gephi_both.csv": (b"Source,Target,Type,Weight\n1,2,Directed,1\n2,3,Undirected,1\n1,3,Undirected,1\n",
                       ONE | {"directed": True}, (3, 3, 1), ["column 'Type' is directed and undirected", "direction of 3 links"]),
    "women.tsv": (b"Ann\tE1\nAnn\tE2\nEve\tE2\nEve\tE3\n", {}, ((2, 3), 4), ["no name is in both columns"]),
    "saved.csv": (with_path(LAYER.save, ".csv"), {}, ((3, 2), 3), ["saved by topolearn"]),
    # matrices
    "matrix.txt": (b"0 1 1\n1 0 1\n1 1 0\n", {}, (3, 3, 1), ["matrix separated by whitespace, 3 x 3"]),
    "matrix.csv": (b"0,2.5,1\n2.5,0,1\n1,1,0\n", {}, (3, 3, 1), ["entry values"]),
    "named_matrix.csv": (b",a,b,c\na,0,1,1\nb,1,0,1\nc,1,1,0\n", {}, (3, 3, 1), ["3 column names, 3 row names"]),
    "r_matrix.txt": (b"a b c\na 0 1 1\nb 1 0 1\nc 1 1 0\n", {}, (3, 3, 1), ["one kind"]),
    "biadjacency.txt": (b"1 1 0 0\n0 1 1 0\n", {}, ((4, 2), 4), ["rows are outputs"]),
    "named_biadjacency.csv": (b"woman,E1,E2,E3\nAnn,1,1,0\nEve,0,1,1\n", {}, ((3, 2), 4), ["two kinds"]),
    "directed_matrix.csv": (b"0,1,0\n0,0,1\n1,1,0\n", ONE | {"directed": True}, (3, 3, 1), ["direction of 4"]),
    "permuted_matrix.csv": (b",a,b,c,d\nb,1,0,1,0\na,0,1,0,0\nc,0,1,0,1\nd,0,0,1,0\n", {}, (4, 3), ["one kind"]),
    "permuted_matrix_as_two.csv": (b",a,b\nb,0,1\na,1,1\n", {"sides": 2}, ((2, 2), 3), ["rows are outputs"]),
    "matrix.npy": (written(lambda array, file: np.save(file, array), TRIANGLE), {}, (3, 3, 1), ["NumPy array"]),
    "scipy.npz": (written(lambda array, file: sparse.save_npz(file, array), sparse.csr_array(TRIANGLE)), {}, (3, 3, 1), []),
    "saved.npz": (with_path(LAYER.save, ".npz"), {}, ((3, 2), 3), ["two kinds"]),
    # Matrix Market
    "symmetric.mtx": (b"%%MatrixMarket matrix coordinate pattern symmetric\n% a comment\n4 4 3\n2 1\n3 1\n3 2\n", {},
                      (4, 3, 0.75), ["Matrix Market, 4 x 4", "1 without"]),
    "general.mtx": (b"%%MatrixMarket matrix coordinate real general\n2 3 3\n1 1 .5\n2 2 0\n2 3 1e3\n", {}, ((3, 2), 3),
                    ["1 stored zero among the links", "entry values"]),
    "array.mtx": (b"%%MatrixMarket matrix array integer general\n2 3\n1\n0\n1\n1\n0\n2\n", {}, ((3, 2), 4), []),
    "mark.mtx": (b"\xef\xbb\xbf%%MatrixMarket matrix coordinate pattern symmetric\r\n3 3 2\r\n2 1\r\n3 2\r\n", {}, (3, 2), []),
    "utf16.mtx": ("%%MatrixMarket matrix coordinate pattern symmetric\n3 3 2\n2 1\n3 2\n".encode("utf-16"), {}, (3, 2), []),
    "scipy.mtx": (written(lambda array, file: scipy_io.mmwrite(file, array), sparse.coo_array(TRIANGLE)), {}, (3, 3, 1), []),
    "comment_of_others.mtx": (b'%%MatrixMarket matrix coordinate pattern general\n%{"author": "x", "n_in": 9}\n%{ odd\n2 3 1\n1 1\n', {},
                              ((3, 2), 1), ["ignored: 2 comments"]),
    "saved.mtx": (with_path(LAYER.save, ".mtx"), {}, ((3, 2), 3), []),
    # GML, GraphML, Pajek
    "networkx.gml": (written(nx.write_gml, KITE), {}, (6, 7, nx.average_clustering(KITE)), ["GML"]),
    "igraph.gml": (with_path(lambda path: named_triangle().write_gml(str(path)), ".gml"), {}, (3, 3, 1), ["weight"]),
    "directed.gml": (written(nx.write_gml, nx.DiGraph([(0, 1), (1, 0), (1, 2)])), {"directed": True}, (3, 2), []),
    "accents.gml": ('graph [\nnode [ id 1 label "Zoë" ]\nnode [ id 2 label "Ann" ]\nedge [ source 1 target 2 ]\n]\n'.encode(),
                    {}, (2, 1), []),
    "networkx.graphml": (written(nx.write_graphml, KITE), {}, (6, 7, nx.average_clustering(KITE)), ["GraphML"]),
    "igraph.graphml": (with_path(lambda path: named_triangle().write_graphml(str(path)), ".graphml"), {}, (3, 3, 1),
                       ["link attributes weight"]),
    "igraph_women.graphml": (with_path(lambda path: women_igraph().write_graphml(str(path)), ".graphml"), {}, ((2, 3), 4),
                             ["sides from 'type'"]),
    "networkx_women.graphml": (written(nx.write_graphml, women_networkx()), {}, ((2, 3), 4), ["sides from 'bipartite'"]),
    "women_as_one.graphml": (written(nx.write_graphml, women_networkx()), ONE, (5, 4), []),
    "saved.graphml": (with_path(LAYER.save, ".graphml"), {}, ((3, 2), 3), []),
    "networkx.net": (written(nx.write_pajek, nx.relabel_nodes(KITE, str)), {}, (6, 7, nx.average_clustering(KITE)), ["Pajek"]),
    "igraph.net": (with_path(lambda path: named_triangle().write_pajek(str(path)), ".net"), {}, (3, 3, 1), []),
    "lists.net": (b'*Vertices 4\n1 "New York"\n2 b\n3 c\n4 d\n*Edgeslist\n1 2 3\n2 3\n', {}, (4, 3, 0.75), ["*edgeslist"]),
    "unnamed.net": (b"*Vertices 4\r\n*Edges\r\n1 2 5\r\n2 3 1\r\n", {}, (4, 2), ["link values"]),
    "women.net": (b'*Vertices 5 2\n1 "Ann"\n2 "Eve"\n3 "E1"\n4 "E2"\n5 "E3"\n*Edges\n1 3\n1 4\n4 2\n2 5\n', {}, ((2, 3), 4), []),
    "matrix.net": (b"*Vertices 3\n*Matrix\n0 1 1\n1 0 1\n1 1 0\n", {}, (3, 3, 1), []),
}  # fmt: skip

# name: bytes, options, words of the message
ASKED = {
    "overlap.txt": (b"0 1\n1 2\n", {}, "has two columns of ids, some of them in both, such as 1: pass sides=1"),
    "overlap_names.csv": (b"a,b\nb,c\n", {}, "has names in both columns, such as 'b': pass sides=1"),
    "ids_apart.txt": (b"0 7\n1 8\n0 8\n", {}, "two columns of ids, none of them in both"),
    "names_of_nodes.txt": (b"0 BGR\n1 BOS\n2 ANC\n", {}, "has each name only once, as a table of names does"),
    "maybe_header.csv": (b"medicine,enzyme\naspirin,COX1\naspirin,COX2\nibu,COX1\n", {}, "pass header=True"),
    "repeats.txt": (b"0 1\n0 1\n0 1\n1 2\n", ONE, "has 2 repeated links: pass duplicates='merge'"),
    "repeats_of_two.tsv": (b"a\tx\na\tx\nb\ty\n", {}, "has 1 repeated link: pass duplicates='merge'"),
    "loops.txt": (b"0 1\n1 1\n0 0\n", ONE, "has 2 self-loops: pass self_loops='drop'"),
    "loops_and_repeats.txt": (b"0 1\n1 1\n0 1\n", ONE, "has 1 repeated link: pass duplicates='merge'; it also has 1 self-loop"),
    "both_ways.txt": (b"0 1\n1 0\n1 2\n", ONE, "has 1 pair of nodes linked in both directions: pass directed=True"),
    "declared_directed.txt": (b"# Directed graph\n0 1\n1 2\n", {}, "has directed links: pass directed=True"),
    "konect_asym": (b"% asym unweighted\n1 2\n2 3\n", {}, "has directed links"),
    "konect_bip_as_one": (b"% bip unweighted\n1 1\n2 3\n", ONE, "two kinds of nodes"),
    "undirected.txt": (b"# nodes 3 edges 2 undirected\n0 1\n1 2\n", {"directed": True}, "leave out directed=True"),
    "comma_or_blank.txt": (b"Smith,J E1\nDoe,K E2\nSmith,J E2\n", {}, "pass sep=',' or sep=' '"),
    "three_names.txt": (b"a likes b\nb likes c\n", ONE, "pass source= and target="),
    "no_column.csv": (b"source,target\n1,2\n", ONE | {"weight": "w"}, "no column weight='w': its columns are 'source'"),
    "matrix_or_links.txt": (b"0 1 5\n1 2 6\n0 2 7\n", ONE, "pass format='matrix' or format='links'"),
    "square.csv": (b"0,1,0,1,1\n0,0,1,0,0\n1,1,0,0,0\n0,0,1,0,1\n1,0,0,0,0\n", {}, "square matrix, which may have one kind of node or two"),
    "directed_matrix.csv": (b"0,1,0\n0,0,1\n1,1,0\n", ONE, "has directed links"),
    "not_square.txt": (b"1 1 0 0\n0 1 1 0\n", ONE, "is 2 x 4, not square: sides=1 needs a row and a column for each"),
    "general_square.mtx": (b"%%MatrixMarket matrix coordinate pattern general\n3 3 2\n2 1\n3 1\n", {}, "square matrix"),
    "directed.gml": (written(nx.write_gml, nx.DiGraph([(0, 1), (1, 0)])), {}, "has directed links, including 1 pair in both"),
    "repeats.gml": (b"graph [ node [ id 0 ] node [ id 1 ] edge [ source 0 target 1 ] edge [ source 1 target 0 ] ]", {},
                    "has 1 repeated link: pass duplicates='merge'"),
    "arcs.net": (b"*Vertices 3\n*Arcs\n1 2\n2 3\n", {}, "has directed links"),
    "sep.gml": (written(nx.write_gml, KITE), {"sep": ","}, "sep=',' does not apply to the format 'gml'"),
    "below_base.txt": (b"0 1\n1 2\n", ONE | {"index_base": 1}, "has the id 0, below index_base=1"),
    "thousands.tsv": (b"a\tb\t12\nb\tc\t1,500\na\tc\t2.5\n", ONE | {"weight": 2},
                      "has the weight '1,500' in line 2, whose comma may separate thousands or decimals: write '1500' or '1.500'"),
    "gephi_directed.csv": (b"Source,Target,Type\n1,2,Directed\n2,3,Undirected\n1,3,Undirected\n", ONE, "has directed links"),
    "other_rows.csv": (b",a,b,c\na,0,1,0\nb,1,0,0\nx,0,0,0\n", ONE, "has a row 'x' but no such column"),
    "shared_rows.csv": (b",a,b,c\na,0,1,0\nb,1,0,0\nx,0,0,0\n", {"format": "matrix"}, "has a row 'x' but no such column"),
    "repeated_rows.csv": (b",a,b,b\na,0,1,0\nb,1,0,0\nb,0,0,0\n", ONE | {"format": "matrix"}, "has several rows named 'b'"),
    "permuted_loops.csv": (b",a,b,c,d\nb,0,1,1,0\na,1,0,0,0\nc,1,0,0,1\nd,0,0,1,0\n", {}, "it also has 2 self-loops"),
    "permuted_directed.csv": (b",a,b\nb,0,1\na,1,1\n", ONE | {"self_loops": "drop"}, "has directed links"),
    "names_with_base.txt": (b"a b\nb c\n", ONE | {"index_base": 1}, "index_base=1 works only with integer ids"),
    "huge_base.txt": (b"0 3000000000\n", ONE | {"index_base": 0}, "leave out index_base=0 to use ids as names"),
    "tab_in_name.csv": (b'"a\tb",x\nc,x\nc,y\n', {}, "control characters"),
    "two_and_directed.tsv": (b"a\tx\nb\tx\n", {"sides": 2, "directed": True}, "directed=True requires sides=1"),
    "two_and_loops.tsv": (b"a\tx\nb\tx\n", {"sides": 2, "self_loops": "drop"}, "self_loops='drop' requires sides=1"),
}  # fmt: skip

BROKEN = {
    "paper.pdf": (b"%PDF-1.7\n%\xe2\xe3\n1 0 obj\n", {}, "is a PDF"),
    "empty.csv": (b"", {}, "is empty"),
    "blank.csv": (b"\n \n\n", {}, "is empty"),
    "comments_alone.txt": (b"# nothing\n", {}, "has no links"),
    "hashtags.txt": (b"#a,#b\n#b,#c\n", ONE, "pass comments=''"),
    "header_alone.csv": (b"source,target\n", {}, "its only line is a header"),
    "one_column.txt": (b"a\nb\nc\n", {}, "line 1 is 'a'; each line must have two names"),
    "short_line.tsv": (b"# x\na\tb c\n\na\n", {}, "line 4 is 'a'"),
    "long_line.csv": (b"a,b\nb,c\na,b,c\n", ONE, "line 3 is 'a,b,c'; it has 3 columns separated by commas, but other lines have 2"),
    "adjacency_list.txt": (b"0 1 2\n1 2\n2 3 4 5\n0 1 2\n", ONE, "line 2 is '1 2'"),
    "empty_name.csv": (b"a,b\n,c\n", ONE, "line 2 is ',c'"),
    "open_quote.csv": (b'a,"b\nb,c\n', ONE, "line 1"),
    "bad_weight.csv": (b"source,target,weight\na,b,x\nb,c,1\n", ONE | {"weight": "weight"}, "a weight that is not a finite number in line 2"),
    "cut_off.txt": (b"# nodes 6 edges 4\n0 1\n1 2\n0 2\n", {}, "has 3 links, but its header says 4: it may be truncated"),
    "very_many.txt": (b"# nodes 99999999999999\n0 1\n1 2\n", {}, "99,999,999,999,996 of them without a link"),
    "very_many_names.txt": (b"# nodes 99999999999999\na b\nb c\n", {}, "of them without a link"),
    "very_many.net": (b"*Vertices 99999999999999\n*Edges\n1 2\n", {}, "of them without a link: correct the '*Vertices' line"),
    "very_many.mtx": (b"%%MatrixMarket matrix coordinate pattern general\n99999999999999 9 1\n1 2\n", {}, "correct the shape"),
    "too_many.txt": (b"# nodes 2 edges 3\n0 1\n1 2\n0 2\n", {}, "has 3 nodes, but its header says 2"),
    "binary.dat": (bytes(range(256)), {}, "is a binary file"),
    "book.xlsx": (b"PK\x03\x04" + b"\0" * 30 + b"xl/workbook.xml", {}, "an Excel or Office file"),
    "page.txt": (b"<!DOCTYPE html><html></html>", {}, "is a web page"),
    "net.gexf": (b'<?xml version="1.0"?><gexf></gexf>', {}, "is a GEXF file"),
    "net.json": (b'{"nodes": [], "links": []}', {}, "is a JSON file"),
    "cut.csv.gz": (gzip.compress(b"a,b\n" * 99)[:20], {}, "is not a complete .gz file"),
    "no_banner.mtx": (b"3 3 2\n1 2\n2 3\n", {}, "has the suffix of a 'matrix market' file but begins with '3 3 2'"),
    "bad_banner.mtx": (b"%%MatrixMarket matrix coordinate pattern\n3 3 1\n1 2\n", {}, "its first line must be like"),
    "wide.mtx": (b"%%MatrixMarket matrix coordinate pattern general\n3 3 2\n1 2 5\n2 3 5\n", {}, "more columns than"),
    "late_long_line.csv": (b"a,b\n" * 1500 + b"a,b,c\n", ONE, "line 1501 is 'a,b,c'; it has 3 columns"),
    "late_long_line.txt": (b"1 2\n" * 1500 + b"1 2 3\n", ONE, "line 1501 is '1 2 3'; it has 3 columns"),
    "late_short_line.txt": (b"1 2\n" * 1500 + b"1\n", ONE, "line 1501 is '1'"),
    "some_braces.edgelist": (b"0 1 {'w': 2}\n1 2\n2 3 {'w': 1}\n", ONE | {"weight": "w"}, "on only 2 of 3 lines"),
    "few.mtx": (b"%%MatrixMarket matrix coordinate pattern general\n3 3 2\n1 2\n", {}, "its size line says 2 entries, but it has 1"),
    "outside.mtx": (b"%%MatrixMarket matrix coordinate pattern general\n3 3 1\n1 4\n", {}, "outside the 3 x 3 matrix"),
    "zero.mtx": (b"%%MatrixMarket matrix coordinate pattern general\n3 3 1\n0 1\n", {}, "outside the 3 x 3 matrix"),
    "text.mtx": (b"%%MatrixMarket matrix coordinate real general\n3 3 1\n1 2 x\n", {}, "is not a valid Matrix Market file"),
    "sizes.mtx": (b"%%MatrixMarket matrix coordinate real general\n-3 3 1\n1 2 1\n", {}, "its size line is '-3 3 1'"),
    "upper.mtx": (b"%%MatrixMarket matrix coordinate pattern symmetric\n3 3 1\n1 2\n", {}, "above the diagonal"),
    "cut.gml": (b"graph [\nnode [ id 0", {}, "is not a valid file of the format 'gml'"),
    "cut.graphml": (b'<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><graph', {}, "is not a valid file of the format 'graphml'"),
    "outside.net": (b"*Vertices 2\n*Edges\n1 3\n", {}, "expected a link between two vertices in 1..2"),
    "minus.net": (b"*Vertices 3\n*Edges\n-1 3\n", {}, "line 3 is '-1 3': expected a link between two vertices in 1..3"),
    "minus_list.net": (b"*Vertices 3\n*Edgeslist\n1 -3\n", {}, "line 3 is '1 -3': expected a link between two vertices in 1..3"),
    "underscore.net": (b"*Vertices 30\n*Edges\n1_0 3\n", {}, "line 3 is '1_0 3': expected a link"),
    "cut_matrix.net": (b"*Vertices 3\n*Matrix\n0 1 1\n1 0 1\n", {}, "has a *Matrix of 2 rows instead of 3: it may be truncated"),
    "no_rows.net": (b"*Vertices 3\n*Matrix\n", {}, "has a *Matrix of 0 rows instead of 3"),
    "cut_two_mode.net": (b"*Vertices 5 2\n*Matrix\n1 1 0\n", {}, "has a *Matrix of 1 rows instead of 2"),
    "huge_array.mtx": (b"%%MatrixMarket matrix array real general\n900000000 900000000\n1\n", {},
                       "a general array of 900000000 x 900000000 has 810000000000000000 entries, not 1"),
    "pickle.npz": (written(lambda array, file: np.savez(file, array), np.array([print], dtype=object)), {}, "holds objects"),
    "several.npz": (written(lambda a, file: np.savez(file, a, a), TRIANGLE), {}, "holds 2 arrays"),
    "text_matrix.csv": (b"0,1\nx,0\n", {"format": "matrix"}, "is not a matrix"),
}  # fmt: skip

# name: bytes of a file with a weight that is not finite, which is inserted, and the option that keeps it
UNWEIGHTED = {
    "list.csv": (b"source,target,w\na,b,1\na,c,%s\n", "w"),
    "braces.edgelist": (b"0 1 {'w': 1}\n0 2 {'w': 1e999}\n", "w"),
    "arcs.net": (b"*Vertices 3\n*Edges\n1 2 1\n1 3 %s\n", True),
    "matrix.net": (b"*Vertices 3\n*Matrix\n0 1 %s\n1 0 0\n%s 0 0\n", True),
    "matrix.txt": (b"0 1 %s\n1 0 0\n%s 0 0\n", True),
    "entries.mtx": (b"%%%%MatrixMarket matrix coordinate real symmetric\n3 3 2\n2 1 1\n3 1 %s\n", True),
    "array.mtx": (b"%%%%MatrixMarket matrix array real general\n2 2\n0\n%s\n1\n0\n", True),
    "net.gml": (b"graph [ node [ id 0 ] node [ id 1 ] edge [ source 0 target 1 w %s ] ]", "w"),
    "net.graphml": (
        b'<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><key id="w" for="edge" attr.name="w" attr.type="double"/>'
        b'<graph edgedefault="undirected"><node id="a"/><node id="b"/><edge source="a" target="b"><data key="w">%s</data>'
        b"</edge></graph></graphml>",
        "w",
    ),
}
