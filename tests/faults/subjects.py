"""Folders with every kind of file that topolearn writes or takes, and what reads each as a user would."""

import contextlib
import gzip
import struct
from pathlib import Path

import numpy as np
import torch

import topolearn as tl
from tests.recording.any_loop import Loop
from topolearn.recording.history import chunks
from topolearn.training import TrainConfig


def make_all(folder):
    """Make the folder of each subject."""
    for name, (make, _) in SUBJECTS.items():
        (folder / name).mkdir(parents=True)
        make(folder / name)


def _trained(backend):
    def make(folder):
        config = TrainConfig(
            method="chts", hidden=(16, 16), epochs=2, backend=backend, density=0.3, threads=1, measures=("closure",),
            run_dir=str(folder / "run"),
        )  # fmt: skip
        tl.train(config, quiet=True)

    return make


def _recorded(history, *, is_open):
    def make(folder):
        loop, before = Loop(steps=48), chunks.MOST_UPDATES
        chunks.MOST_UPDATES = 4
        try:
            options = {"measures": ("closure",), "every": 2, "config": {"lr": 0.01}, "history": history}
            recorder = tl.record(folder / "run", loop.topology, **options)
            loop.run(recorder, until=42)
            if is_open:
                recorder.write_summary(complete=False)
                recorder.abandon()
            else:
                recorder.close()
        finally:
            chunks.MOST_UPDATES = before

    return make


def _read_run(folder):
    run = tl.Run(folder / "run")
    history = run.history
    yield [run.metrics.to_csv(), run.layers.to_csv(), run.network.to_csv(), run.measures.to_csv(), run.not_finite]
    yield [run.schedulers, run.outputs, run.inits, run.title, run.theta, run.summary, run.is_complete, run.environment]
    yield repr(run.config)
    yield [history.kept, history.layers, history.steps, history.snapshots, history.updates.to_csv()]
    yield [
        (step, [(name, graph.cells.tolist()) for name, graph in graphs.items()]) for step, graphs in history.replay()
    ]
    if history.kept == "full":
        yield [history.events(name).to_csv() for name in history.layers]


def _read_checkpoints(folder):
    from topolearn.training.build import build
    from topolearn.training.checkpoint import load_checkpoint
    from topolearn.training.data import load_dataset

    run = tl.Run(folder / "run")
    for which in ("best", "last"):
        yield _tensors(run.load_model(which).state_dict())
    model, optimizer, topology = build(run.config, load_dataset("digits"))
    yield load_checkpoint(folder / "run/checkpoints/last.safetensors", model, optimizer, topology)
    yield [_tensors(model.state_dict()), topology.n_steps, topology.converged, topology.seed]
    yield [_tensors(entry) for entry in optimizer.state_dict()["state"].values()]


def _tensors(state):
    return [(name, each.dtype, each.tolist()) for name, each in state.items() if torch.is_tensor(each)]


def _make_graphs(folder):
    graph = tl.generators.erdos_renyi(9, 7, 0.4, seed=0)
    named = tl.BipartiteGraph(graph.to_scipy(), input_names=list("abcdefghi"), output_names=list("jklmnop"))
    other = tl.Graph.from_networkx(__import__("networkx").karate_club_graph())
    for suffix in ("npz", "mtx", "csv", "graphml"):
        named.save(folder / f"two.{suffix}")
        other.save(folder / f"one.{suffix}")


def _read_graphs(folder):
    for suffix in ("npz", "mtx", "csv", "graphml"):
        two = tl.BipartiteGraph.load(folder / f"two.{suffix}")
        yield [two.edges().tolist(), two.shape, two.input_names, two.output_names]
        one = tl.Graph.load(folder / f"one.{suffix}")
        yield [one.edges().tolist(), one.n_nodes, one.names]


def _make_links(folder):
    from safetensors.torch import save_file

    from topolearn.integrations.checkpoints.topology_file import save_topology

    loop = Loop()
    loop.step()
    state = {name: tensor for name, tensor in loop.model.state_dict().items() if not name.endswith("links_packed")}
    (folder / "beside").mkdir()
    save_file(state, folder / "beside/model.safetensors")
    save_topology(folder / "beside", loop.topology.state_dict(), {"method": "chts"})
    save_file(loop.model.state_dict(), folder / "masked.safetensors")
    csr = tl.sparsify(torch.nn.Sequential(torch.nn.Linear(12, 8), torch.nn.Linear(8, 2)), "set", backend="csr", seed=0)
    save_file(csr.state_dict(), folder / "csr.safetensors")


def _read_links(folder):
    from safetensors.torch import load_file

    from topolearn.integrations.checkpoints.topology_file import read_topology
    from topolearn.integrations.checkpoints.weight_files import WeightFiles

    for path in (folder / "beside", folder / "masked.safetensors"):
        network = tl.from_checkpoint(path)
        yield [(name, graph.cells.tolist()) for name, graph in network.graphs.items()]
    state, about = read_topology(folder / "beside")
    yield [about, {key: value for key, value in state.items() if not isinstance(value, dict)}]
    loop = Loop()
    with _named(folder / "beside"):
        loop.topology.load_state_dict(state)
    WeightFiles([folder / "csr.safetensors"])
    csr = tl.sparsify(torch.nn.Sequential(torch.nn.Linear(12, 8), torch.nn.Linear(8, 2)), "set", backend="csr", seed=1)
    with _named(folder / "csr.safetensors"):
        csr.load_state_dict(load_file(folder / "csr.safetensors"))
    yield [_tensors(csr.state_dict()), csr(torch.ones(2, 12)).shape]


@contextlib.contextmanager
def _named(file):
    """Let ``load_state_dict``, which knows layers and no file, stand for who calls it with what a file held."""
    try:
        yield
    except (RuntimeError, tl.errors.CheckpointError) as error:
        if not isinstance(error, tl.errors.CheckpointError) and "Error(s) in loading state_dict" not in str(error):
            raise
        raise tl.errors.CheckpointError(f"{file}: {' '.join(str(error).split())}") from None


def _make_data(folder):
    rng = np.random.default_rng(0)
    arrays = {f"{split}_x": rng.random((12, 5)) for split in ("train", "test")}
    arrays |= {f"{split}_y": np.arange(12) % 3 for split in ("train", "test")}
    np.savez_compressed(folder / "own.npz", **arrays)
    idx = bytes([0, 0, 8, 3]) + struct.pack(">3i", 2, 3, 4) + bytes(range(24))
    (folder / "images").write_bytes(idx)
    (folder / "images.gz").write_bytes(gzip.compress(idx, mtime=0))


def _read_data(folder):
    from topolearn.training.data import load_dataset
    from topolearn.training.data.idx import read_idx

    data = load_dataset(str(folder / "own.npz"))
    yield [getattr(data, name).tolist() for name in ("train_x", "train_y", "test_x", "test_y")]
    yield [read_idx(folder / name).tolist() for name in ("images", "images.gz")]


def _make_texts(folder):
    from topolearn.tasks.language import Text, learn_tokenizer
    from topolearn.tasks.language.shards import write_shards
    from topolearn.tasks.translation import ParallelText, learn_vocabulary

    lines = "a dog runs\na cat sleeps\n\nthe dog and the cat\n" * 5
    (folder / "train.txt").write_text(lines)
    tokenizer = learn_tokenizer([lines], 270)
    tokenizer.save(folder / "tokenizer.json")
    write_shards(Text((folder / "train.txt",)), tokenizer, folder / "tokens")
    some = ("a dog runs", "a cat sleeps")
    learn_vocabulary(ParallelText(some, some, (Path("a"), Path("b"))), "word").save(folder / "vocabulary.json")
    (folder / "train.en").write_text("A dog runs.\nTwo men.\n")
    (folder / "train.de.gz").write_bytes(gzip.compress("Ein Hund rennt.\nZwei Männer.\n".encode(), mtime=0))
    row = '{"premise": "It rains.", "hypothesis": "It is wet.", "label": "entailment"}\n'
    (folder / "val.jsonl").write_text(row * 3)
    (folder / "dev.tsv").write_text("It rains.\t1\nIt is wet.\t0\n")


def _read_texts(folder):
    from topolearn.tasks.language import Tokenizer
    from topolearn.tasks.language.shards import TokenShards
    from topolearn.tasks.translation.corpus import read_parallel
    from topolearn.tasks.translation.vocabulary import Vocabulary
    from topolearn.tasks.zero_shot.documents import read_documents
    from topolearn.tasks.zero_shot.tasks import LocalDocuments

    tokenizer = Tokenizer.load(folder / "tokenizer.json")
    yield [tokenizer.n_tokens, tokenizer.encode(["a dog"]), tokenizer.hash]
    shards = TokenShards(folder / "tokens")
    yield [len(shards), shards.read(0, len(shards)).tolist(), shards.document_starts().tolist(), shards.key]
    yield [shards.n_words, shards.n_bytes]
    vocabulary = Vocabulary.load(folder / "vocabulary.json")
    yield [vocabulary.hash, vocabulary.encode_source(["a dog"]), vocabulary.decode([[5, 6, 2]])]
    text = read_parallel(folder / "train.en", folder / "train.de.gz")
    yield [text.source, text.target]
    of_json = LocalDocuments(("val.jsonl",), {"sentence1": "premise"}, labels={"entailment": 0, "neutral": 1})
    yield read_documents(of_json, [folder / "val.jsonl"])
    of_table = LocalDocuments(("dev.tsv",), {"sentence": 0}, 1, {"0": 0, "1": 1})
    yield read_documents(of_table, [folder / "dev.tsv"])


STUDY = """name = "small"
seeds = [0]

[base]
epochs = 1
hidden = [8]
density = 0.5

[[setting]]
label = "SET"
method = "set"
"""


def _make_study(folder):
    from topolearn.studies import Study, run_study

    (folder / "study.toml").write_text(STUDY)
    run_study(Study.load(folder / "study.toml"), folder / "results", jobs=1, quiet=True)


def _read_study(folder):
    from topolearn.studies import Study, results

    study = Study.load(folder / "study.toml")
    yield [(run.label, run.seed, run.hash) for run in study.runs()]
    table = results(study, folder / "results")
    yield table.to_csv()


SUBJECTS = {
    "a trained run": (_trained("masked"), _read_run),
    "checkpoints, masked": (_trained("masked"), _read_checkpoints),
    "checkpoints, csr": (_trained("csr"), _read_checkpoints),
    "a recorded loop": (_recorded("full", is_open=False), _read_run),
    "a recorded loop, killed": (_recorded("full", is_open=True), _read_run),
    "a history of snapshots": (_recorded("snapshots", is_open=False), _read_run),
    "graphs": (_make_graphs, _read_graphs),
    "saved links": (_make_links, _read_links),
    "data": (_make_data, _read_data),
    "texts": (_make_texts, _read_texts),
    "a study": (_make_study, _read_study),
}
NOT_READ = (".lock", "report.html", "results.csv", "errors", "train.txt")  # by these readers


def files_of(folder, name):
    """Return the files of a subject that its reader reads."""
    if name.startswith("checkpoints"):
        return sorted((folder / name).rglob("*.safetensors"))
    files = sorted(file for file in (folder / name).rglob("*") if file.is_file() and not _is_skipped(file))
    return [file for file in files if name == "saved links" or file.suffix != ".safetensors"]


def _is_skipped(file):
    is_deep = "results" in file.parts and file.name not in ("study.toml", "summary.json", "network.csv", "metrics.csv")
    return is_deep or any(word in str(file) for word in NOT_READ) or file.name.startswith(".")
