"""Checkpoints: their content, that nothing is lost, and that other files are rejected."""

import errno
import json
import resource
import struct

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional as F

import topolearn as tl
from topolearn.errors import ChangedFileWarning, CheckpointError, CorruptFileError, InvalidValueError, MissingFileError
from topolearn.training import load_dataset, resume
from topolearn.training.build import build, settle
from topolearn.training.checkpoint import load_checkpoint, read_checkpoint, save_checkpoint


def header_of(path):
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + length]), len(content) - 8 - length


def bits(model, optimizer, topology):
    """All state of a training, as tensors that can be compared bit for bit."""
    found = {f"model/{name}": tensor.clone() for name, tensor in model.state_dict().items()}
    for i, state in optimizer.state_dict()["state"].items():
        found |= {f"optimizer/{i}/{name}": value.clone() for name, value in state.items() if value is not None}
    found |= {f"links/{name}": layer.cells().clone() for name, layer in topology.layers.items()}
    state = topology.state_dict()
    found |= {f"{key}/{name}": each for key in ("stored", "trained") for name, each in state.get(key, {}).items()}
    found["counters"] = torch.tensor([topology.n_steps, topology.n_updates, topology.seed])
    return found


def equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture
def parts(small, tmp_path):
    """Return a function that builds model, optimizer and scheduler, and trains them for a few steps."""
    data = load_dataset("digits")

    def make(steps=0, **values):
        made = build(settle(small(tmp_path / "x", **values), data), data)
        model, optimizer, topology = made
        for i in range(steps):
            batch = slice(32 * i, 32 * i + 32)
            loss = F.cross_entropy(model(data.train_x[batch].float() / 16), data.train_y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            topology.step()
        return made

    return make


def test_a_checkpoint_is_tensors_and_json(chts, dense):
    for run in (chts, dense):
        for which in ("best", "last"):
            header, n_bytes = header_of(run.path / "checkpoints" / f"{which}.safetensors")
            metadata = header.pop("__metadata__")
            content = json.loads(metadata.pop("topolearn"))
            assert metadata.keys() == {"sha256"}
            assert content.keys() == {"counters", "topology"}
            assert content["counters"]["epoch"] == (3 if which == "last" else run.summary["best_epoch"])
            assert {entry["dtype"] for entry in header.values()} <= {"F32", "I32", "I64", "U8"}
            assert max(entry["data_offsets"][1] for entry in header.values()) == n_bytes


def test_no_file_of_a_run_is_pickled(chts):
    for path in chts.path.rglob("*"):
        if path.is_file() and path.name != ".lock":
            content = path.read_bytes()
            assert not content.startswith(b"\x80"), path
            assert b"data.pkl" not in content, path
            assert path.suffix in {".toml", ".csv", ".json", ".jsonl", ".npz", ".safetensors"}, path


def test_links_of_a_checkpoint_belong_to_the_values(chts):
    tensors = load_file(chts.path / "checkpoints" / "last.safetensors")
    for name, n_in in (("hidden1", 64), ("hidden2", 32)):
        values, crow, col = (tensors[f"model/{name}.{part}"] for part in ("values", "crow", "col"))
        rows = torch.repeat_interleave(torch.arange(32), crow.diff())
        assert torch.equal(rows * n_in + col, tensors[f"links/{name}"])
        momentum = tensors[f"optimizer/{2 * int(name[-1]) - 2}/momentum_buffer"]
        assert momentum.shape == values.shape
        assert momentum.any()


def test_links_of_a_checkpoint_are_cells_of_the_weights(small, tmp_path):
    run = tl.train(small(tmp_path / "run", backend="masked"), quiet=True)
    tensors = load_file(run.path / "checkpoints" / "last.safetensors")
    for name in ("hidden1", "hidden2"):
        weight, links = tensors[f"model/{name}.weight"], tensors[f"links/{name}"]
        off = torch.ones(weight.numel(), dtype=torch.bool)
        off[links] = False
        assert not weight.flatten()[off].any()
        i = 2 * int(name[-1]) - 2  # weight and bias of each layer
        momentum = tensors[f"optimizer/{i}/momentum_buffer"]
        assert momentum.shape == weight.shape
        assert not momentum.flatten()[off].any()
        assert momentum.any()


@pytest.mark.parametrize(
    "values",
    [{}, {"backend": "masked"}, {"method": "set"}, {"method": "topkast"}, {"method": "dense"}, {"momentum": 0}],
    ids=str,
)
def test_everything_is_restored_bit_for_bit(values, parts, tmp_path):
    saved = parts(12, **values)
    path = tmp_path / "new" / "x.safetensors"
    torch.manual_seed(5)
    torch.rand(3)
    random_state = torch.get_rng_state()
    save_checkpoint(path, *saved, {"epoch": 2, "best_accuracy": 0.1 + 0.2})
    fresh = parts(**values)
    assert not equal(bits(*fresh), bits(*saved))
    torch.manual_seed(6)
    assert load_checkpoint(path, *fresh) == {"epoch": 2, "best_accuracy": 0.1 + 0.2}
    assert equal(bits(*fresh), bits(*saved))
    assert torch.equal(torch.get_rng_state(), random_state)
    assert any("momentum_buffer" in name for name in bits(*fresh)) == (values != {"momentum": 0})
    assert saved[2].n_updates == (1 if saved[2].method.evolves else 0)
    assert [file.name for file in path.parent.iterdir()] == ["x.safetensors"]


@pytest.fixture
def little_room():
    """Return a function that limits the size of files until the test ends."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_failed_write_leaves_the_earlier_checkpoint(parts, tmp_path, little_room):
    saved, path = parts(3), tmp_path / "x.safetensors"
    save_checkpoint(path, *saved, {"epoch": 1})
    before = path.read_bytes()
    little_room(4096)
    with pytest.raises(OSError, match=r"File too large: .*x\.safetensors") as caught:
        save_checkpoint(path, *saved, {"epoch": 2})
    assert caught.value.errno == errno.EFBIG
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.glob("*.safetensors")] == ["x.safetensors"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"hidden": (32, 16)}, r"head.weight is \(10, 32\) in the checkpoint, but \(10, 16\) in the model"),
        ({"hidden": (32, 32, 32)}, r"hidden3.bias is missing in the checkpoint, but \(32,\) in the model"),
        ({"method": "dense"}, r"hidden1.col is \(164,\) in the checkpoint, but missing in the model"),
    ],
    ids=str,
)
def test_a_checkpoint_of_another_model_changes_nothing(values, message, parts, tmp_path):
    path = tmp_path / "x.safetensors"
    save_checkpoint(path, *parts(3), {"epoch": 1})
    other = parts(2, **values)
    before, random_state = bits(*other), torch.get_rng_state()
    with pytest.raises(CheckpointError, match=message) as raised:
        load_checkpoint(path, *other)
    assert "\n" not in str(raised.value)
    assert equal(bits(*other), before)
    assert torch.equal(torch.get_rng_state(), random_state)


def accepting(run):
    """Resume a run although its manifest detects changes."""
    return resume(run, accept_changes=True, quiet=True)


def loading(run):
    """Load a model, expecting a warning that its run has changed."""
    with pytest.warns(ChangedFileWarning):
        return tl.Run(run).load_model("last")


@pytest.mark.parametrize("share", [0, 0.00005, 0.001, 0.02, 0.5, 0.99, 0.99999])
def test_a_checkpoint_cut_off_anywhere_is_rejected(share, chts, copy, tree):
    path = copy(chts) / "checkpoints" / "last.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    before = tree(copy.path)
    for read in (accepting, loading):
        with pytest.raises(
            CorruptFileError, match=r"last\.safetensors is not a complete topolearn checkpoint"
        ) as raised:
            read(copy.path)
        assert "\n" not in str(raised.value)
    assert tree(copy.path) == before


@pytest.mark.parametrize("which", ["last", "best"])
@pytest.mark.parametrize("share", [0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
def test_a_checkpoint_with_one_wrong_bit_is_rejected(which, share, chts, copy, tree):
    path = copy(chts) / "checkpoints" / f"{which}.safetensors"
    content, n_bytes = bytearray(path.read_bytes()), header_of(path)[1]
    content[len(content) - n_bytes + int(share * (n_bytes - 1))] ^= 1
    path.write_bytes(content)
    (copy.path / "summary.json").unlink()
    before = tree(copy.path)
    with pytest.raises(CorruptFileError, match=rf"{which}\.safetensors is not a complete .* are not those that were"):
        accepting(copy.path)
    assert tree(copy.path) == before


def test_a_checkpoint_with_another_counter_is_rejected(chts, copy):
    path = copy(chts) / "checkpoints" / "last.safetensors"
    content = path.read_bytes()
    assert content.count(b'\\"epoch\\": 3') == 1
    path.write_bytes(content.replace(b'\\"epoch\\": 3', b'\\"epoch\\": 2'))
    with pytest.raises(CorruptFileError, match="are not those that were"):
        accepting(copy.path)


def test_an_earlier_checkpoint_without_a_checksum_is_read(chts, tmp_path):
    tensors, header = read_checkpoint(chts.path / "checkpoints" / "last.safetensors")
    save_file(tensors, tmp_path / "earlier.safetensors", metadata={"topolearn": json.dumps(header)})
    again, _ = read_checkpoint(tmp_path / "earlier.safetensors")
    assert equal(again, tensors)


def foreign(path):
    save_file({"hidden1.weight": torch.zeros(2, 2)}, path)


def foreign_with_metadata(path):
    save_file({"hidden1.weight": torch.zeros(2, 2)}, path, metadata={"format": "pt"})


def header_without_json(path):
    save_file({"hidden1.weight": torch.zeros(2, 2)}, path, metadata={"topolearn": "{"})


def pickled(path):
    torch.save({"hidden1.weight": torch.zeros(2, 2)}, path)


def text(path):
    path.write_text("not a checkpoint at all, but long enough to have a header")


@pytest.mark.parametrize("write", [foreign, foreign_with_metadata, header_without_json, pickled, text])
def test_other_files_are_not_checkpoints(write, chts, copy):
    write(copy(chts) / "checkpoints" / "last.safetensors")
    for read in (accepting, loading):
        with pytest.raises(CorruptFileError, match="not a complete topolearn checkpoint") as raised:
            read(copy.path)
        assert "\n" not in str(raised.value)


def edit(run_path, old, new):
    path = run_path / "config.toml"
    content = path.read_text()
    assert content.count(old) == 1
    path.write_text(content.replace(old, new))


def test_a_run_whose_widths_were_edited(chts, copy, tree):
    edit(copy(chts), "hidden = [\n    32,\n    32,\n]", "hidden = [32, 16]")
    before = tree(copy.path)
    for read in (accepting, loading):
        with pytest.raises(CheckpointError, match=r"does not fit the model: head\.weight is"):
            read(copy.path)
    assert tree(copy.path) == before


def test_a_configuration_with_open_values_is_not_resumed(chts, copy, tree):
    edit(copy(chts), 'device = "cpu"', 'device = "auto"')
    before = tree(copy.path)
    with pytest.raises(
        InvalidValueError, match=r"config\.toml leaves values open, so it is not the configuration of a run"
    ):
        accepting(copy.path)
    assert tree(copy.path) == before


def test_a_missing_checkpoint(tmp_path):
    with pytest.raises(MissingFileError, match=r"there is no checkpoint .*x\.safetensors"):
        read_checkpoint(tmp_path / "x.safetensors")


@pytest.mark.parametrize("name", ["metrics.csv", "layers.csv"])
@pytest.mark.parametrize("content", [None, b"", b"epoch,x\n1,2\n", b"a,b\n1,2\n"])
def test_tables_that_end_before_the_checkpoint(name, content, chts, copy):
    path = copy(chts) / name
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(
        CorruptFileError, match=f"{name} (has no row for epoch 3|is not a table|is missing, or has no row)"
    ):
        accepting(copy.path)
