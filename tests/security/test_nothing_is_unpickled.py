"""No reader executes the content of a file, whatever its name; readers are found in the source, so none is missed."""

import ast
import contextlib
import pickle
import shutil
import warnings

import numpy as np
import pytest
import torch
from torch.distributed import checkpoint as dcp

import topolearn as tl
from tests.security.payloads import Payload, is_armed, payloads
from tests.security.readers import SOURCES, call, readers
from topolearn.errors import CorruptFileError, InvalidTypeError
from topolearn.integrations.checkpoints.distributed_reader import read_distributed
from topolearn.integrations.distributed_checkpoint import to_folder

SUFFIXES = (
    ".npz", ".npy", ".mtx", ".csv", ".graphml", ".pkl", ".pickle", ".pt", ".pth", ".bin", ".ckpt", ".safetensors",
    ".safetensors.index.json", ".json", ".toml", ".gz", ".txt", ".edges", ".gml", ".net", ".jsonl", ".parquet",
    ".tokens", ".joblib", "",
)  # fmt: skip
NAMES = (
    "initial.npz", "updates-1.npz", "open-1.bin", "snapshot-1.npz", "metrics.csv", "measures.csv", "layers.csv",
    "network.csv", "summary.json", "recording.json", "environment.json", "config.json", "config.toml", "index.json",
    "tokenizer.json", "vocabulary.json", "topology.safetensors", "model.safetensors", "pytorch_model.bin",
    "model.safetensors.index.json", ".metadata", "train.txt", "val.txt", "train.a", "train.b", "gzip.zip",
    "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
    "checkpoints/last.safetensors", "checkpoints/checkpoint-1/optimizer.pt", "checkpoints/checkpoint-1/rng_state.pth",
    "checkpoints/checkpoint-1/trainer_state.json", "topology/initial.npz", "study.toml", "tokens.json",
)  # fmt: skip


def feed(within, folder, kinds, suffixes):
    """Call every reader of some modules with every file and with a folder of files; return the number of calls."""
    mark, n_calls = folder / "ran", 0
    assert is_armed(mark)
    contents = {name: content for name, content in payloads(mark).items() if kinds is None or name in kinds}
    for kind, content in contents.items():
        files = [folder / f"file{suffix}" for suffix in suffixes]
        inside = folder / f"folder of {kind}"
        for path in [*files, *(inside / name for name in NAMES)]:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        for name, function, paths in readers(within):
            for path in [*files, inside]:
                with contextlib.suppress(Exception), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    call(function, paths, path)
                n_calls += 1
                assert not mark.exists(), f"{name} ran what {path.name} holds, a {kind}"
        shutil.rmtree(inside)
    return n_calls


@pytest.mark.parametrize("within", ["graph", "recording", "training"])
def test_readers_of_a_room_run_nothing(within, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert feed(within, tmp_path, ("pickle", "npz"), (".npz", ".csv", ".pt", "")) > 50


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_no_reader_runs_anything(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert feed("", tmp_path, None, SUFFIXES) > 10_000


# --- checkpoints of several ranks, whose description is a pickle ------------------------------------------------------


def saved(folder, values):
    warnings.simplefilter("ignore")
    dcp.save(values, storage_writer=dcp.FileSystemWriter(folder, per_thread_copy_ahead=0), no_dist=True)
    return folder


@pytest.mark.filterwarnings("ignore")
def test_the_description_of_a_distributed_checkpoint_runs_nothing(tmp_path):
    folder, mark = saved(tmp_path / "saved", {"model": {"w": torch.ones(2)}}), tmp_path / "ran"
    (folder / ".metadata").write_bytes(pickle.dumps(Payload(mark)))
    with pytest.raises(CorruptFileError, match=r"refers to (posix|nt)\.mkdir, which does not describe tensors"):
        to_folder(folder, tmp_path / "out", torch.nn.Linear(2, 2), "set")
    assert not mark.exists()


@pytest.mark.filterwarnings("ignore")
def test_the_values_of_a_distributed_checkpoint_run_nothing(tmp_path):
    mark = tmp_path / "ran"
    folder = saved(tmp_path / "saved", {"model": {"w": torch.ones(2)}, "topology": {"step": Payload(mark)}})
    with pytest.raises(CorruptFileError, match="not a checkpoint of tensors and plain values"):
        to_folder(folder, tmp_path / "out", torch.nn.Linear(2, 2), "set")
    assert not mark.exists()


@pytest.mark.filterwarnings("ignore")
def test_a_distributed_checkpoint_stays_in_its_folder(tmp_path):
    folder = saved(tmp_path / "saved", {"model": {"w": torch.ones(2)}})
    described = pickle.loads((folder / ".metadata").read_bytes())
    for place in described.storage_data.values():
        place.relative_path = "../elsewhere.distcp"
    (folder / ".metadata").write_bytes(pickle.dumps(described))
    with pytest.raises(CorruptFileError, match=r"names '\.\./elsewhere\.distcp', which is not in its folder"):
        to_folder(folder, tmp_path / "out", torch.nn.Linear(2, 2), "set")


# --- guards that read the source -------------------------------------------------------------------------------------

# What unpickles or runs text, and the keyword without which it may.
RUNS = {
    "pickle.load": None, "pickle.loads": None, "pickle.Unpickler": None, "cloudpickle.load": None,
    "cloudpickle.loads": None, "dill.load": None, "joblib.load": None, "shelve.open": None, "marshal.loads": None,
    "marshal.load": None, "pd.read_pickle": None, "yaml.load": None, "yaml.unsafe_load": None, "eval": None,
    "exec": None, "torch.load": "weights_only", "np.load": "allow_pickle", "numpy.load": "allow_pickle",
    "npy.read_array": "allow_pickle", "torch.hub.load": None, "dcp.load": None, "dcp_to_torch_save": None,
    "subprocess.run": None, "os.system": None, "runpy.run_path": None, "tarfile.open": None,
    "shutil.unpack_archive": None,
}  # fmt: skip
SAFE = {"weights_only": True, "allow_pickle": False}
ALLOWED = {
    ("studies/registered.py", "cloudpickle.loads"),  # of a process of this session
    ("training/data/cifar10.py", "pickle.load"),  # of the official archive alone, by its sha256
    ("training/data/cifar10.py", "tarfile.open"),  # read in memory, nothing is extracted
    ("training/data/cifar10_jpeg.py", "tarfile.open"),  # the same
    ("integrations/checkpoints/distributed_reader.py", "pickle.Unpickler"),  # which rejects all but a few classes
}


def dotted(node):
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def dangers(source):
    """Return the calls and base classes in a source that can execute the content of a file."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef):
            yield from (name for base in node.bases if (name := dotted(base)) in RUNS)
        if isinstance(node, ast.Call) and (name := dotted(node.func)) in RUNS:
            keyword = RUNS[name]
            given = {word.arg: getattr(word.value, "value", None) for word in node.keywords}
            if keyword is None or given.get(keyword) is not SAFE[keyword]:
                yield name
        if isinstance(node, ast.keyword) and node.arg == "trust_remote_code" and node.value.value is not False:
            yield "trust_remote_code"


def test_no_source_unpickles():
    root = tl.__path__[0]
    there = {(path.relative_to(root).as_posix(), name) for path in SOURCES for name in dangers(path.read_text())}
    assert there == ALLOWED


@pytest.mark.parametrize(
    "source",
    ["pickle.load(f)", "torch.load(f)", "torch.load(f, weights_only=False)", "np.load(f)", "eval(text)",
     "x(trust_remote_code=True)", "class A(pickle.Unpickler): pass", "np.load(f, allow_pickle=True)"],
)  # fmt: skip
def test_the_guard_sees(source):
    assert list(dangers(source))


def test_arrays_of_objects_are_rejected_in_one_line(tmp_path):
    held = np.empty(1, dtype=object)
    np.savez(tmp_path / "data.npz", train_x=held, train_y=held, test_x=held, test_y=held)
    with pytest.raises(CorruptFileError, match=r"data\.npz"):
        tl.training.load_dataset(str(tmp_path / "data.npz"))
    torch.save(Payload(tmp_path / "ran"), tmp_path / "model.pt")
    with pytest.raises(InvalidTypeError, match="a pickle can run any program"):
        tl.from_checkpoint(tmp_path / "model.pt")


@pytest.mark.filterwarnings("ignore")
def test_an_honest_distributed_checkpoint_is_read(tmp_path):
    torch.manual_seed(0)
    rule = tl.method("set", density=0.5)
    model = tl.sparsify(torch.nn.Sequential(torch.nn.Linear(6, 6), torch.nn.Linear(6, 2)), rule, backend="masked")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    topology = tl.TopologyScheduler(model, optimizer, rule, total_steps=4, interval=2)
    state = {"model": model.state_dict(), "topology": topology.state_dict(), "step": 3, "names": ["a", {"b": 1.5}]}
    folder = saved(tmp_path / "saved", state)
    whole = read_distributed(folder)
    assert (whole["step"], whole["names"]) == (3, ["a", {"b": 1.5}])
    assert all(torch.equal(whole["model"][name], tensor) for name, tensor in model.state_dict().items())
    (folder / "__0_0.distcp").write_bytes((folder / "__0_0.distcp").read_bytes()[:-40])
    with pytest.raises(CorruptFileError, match=r"saved is cut off, or not a checkpoint"):
        read_distributed(folder)
