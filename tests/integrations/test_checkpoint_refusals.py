"""Unusable checkpoints are rejected in one line that says what to do; pickles are never opened."""

import json
import pickle
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import topolearn as tl
from tests.integrations.hugging_face import SIZES, transformers
from topolearn.errors import (
    CheckpointError,
    CorruptFileError,
    DownloadError,
    InvalidTypeError,
    InvalidValueError,
    MissingFileError,
    MissingPackageError,
)

EYE, NAN = torch.eye(4), torch.tensor([[0, torch.nan]])
ATTENTION = {f"{name}_proj.weight": torch.eye(4) for name in "qkvo"}


class Trap:
    """An object that runs a program when it is unpickled."""

    def __reduce__(self):
        return Path.write_text, (Path("sprung"), "x")


def written(name, tensors, **config):
    save_file(tensors, name)
    if config:
        Path("config.json").write_text(json.dumps(config))
    return Path(name)


def cut(name, n):
    file = written(name, {"fc.weight": EYE})
    file.write_bytes(file.read_bytes()[:n])
    return file


def pickled(name):
    file = Path(name)
    file.write_bytes(pickle.dumps(Trap()))
    return file


def index(**shards):
    file = Path("model.safetensors.index.json")
    file.write_text(json.dumps({"weight_map": shards}))
    return file


def several():
    for name in "ab":
        written(f"{name}.safetensors", {"fc.weight": EYE})
    return Path()


def stale_topology():
    from topolearn.integrations.checkpoints.topology_file import save_topology

    save_topology(Path(), {"shapes": {"fc": (2, 2)}, "links": {"fc": torch.tensor([0])}}, {})
    return written("model.safetensors", {"fc.weight": EYE})


REJECTED = {
    "no file": (lambda: "no/such/model.safetensors", {}, MissingFileError, "there is no file or folder"),
    "no file here": (lambda: "m.safetensors", {}, MissingFileError, "there is no file or folder 'm.safetensors'"),
    "empty folder": (lambda: ".", {}, MissingFileError, "there is no .safetensors file in"),
    "several": (several, {}, InvalidValueError, "give one of a.safetensors, b.safetensors"),
    "cut": (lambda: cut("m.safetensors", 90), {}, CorruptFileError, "m.safetensors is cut off"),
    "cut header": (lambda: cut("m.safetensors", 4), {}, CorruptFileError, "fetch it again"),
    "pickle": (lambda: pickled("pytorch_model.bin"), {}, InvalidTypeError, "opening a pickle can run any program"),
    "pickles alone": (lambda: pickled("model.pt").parent, {}, InvalidTypeError, "has model.pt and no .safetensors"),
    "other kind": (lambda: written("m.gguf", {"a": EYE}), {}, InvalidTypeError, "give a .safetensors file"),
    "index without shards": (index, {}, CorruptFileError, "names no shards"),
    "index that leads elsewhere": (lambda: index(a="../a.safetensors"), {}, CorruptFileError, "names no shards"),
    "missing shard": (lambda: index(a="a.safetensors"), {}, MissingFileError, "1 are missing (a.safetensors)"),
    "vectors": (lambda: written("m.safetensors", {"a.weight": EYE[0]}), {}, InvalidValueError, "only a.weight"),
    "integers": (lambda: written("m.safetensors", {"a.weight": EYE.int()}), {}, InvalidValueError, "a.weight (I32"),
    "dense": (lambda: written("m.safetensors", {"a.weight": EYE + 1}), {}, InvalidValueError, "include dense layers"),
    "NaN": (lambda: written("m.safetensors", {"a.weight": NAN}), {}, InvalidValueError, "layer 'a': adjacency"),
    "heads": (lambda: written("m.safetensors", ATTENTION), {"n_heads": 3}, InvalidValueError, "n_heads=3 does not fit"),
    "no heads": (lambda: written("m.safetensors", ATTENTION), {"n_heads": 0}, InvalidValueError, "n_heads=0"),
    "names": (lambda: written("m.safetensors", {"a.weight": EYE}), {"n_heads": 2}, InvalidValueError, "omit n_heads"),
    "pattern": (lambda: written("m.safetensors", ATTENTION), {"layers": ["z*"]}, InvalidValueError, "'z*' of layers="),
    "no pattern": (lambda: written("m.safetensors", ATTENTION), {"layers": []}, InvalidValueError, "layers=[] has no"),
    "text": (lambda: written("m.safetensors", ATTENTION), {"layers": "q*"}, InvalidTypeError, "use ['q*']"),
    "csr": (lambda: written("m.safetensors", {"a.crow": EYE[0].int()}), {}, InvalidValueError, "tl.export_dense"),
    "stale topology": (stale_topology, {}, CheckpointError, "move it away"),
    "run": (lambda: written("last.safetensors", {"random/torch": EYE}), {}, InvalidValueError, "tl.Run(folder)"),
    "configuration": (
        lambda: written("model.safetensors", {"a.weight": EYE}, model_type="llama", num_attention_heads=0),
        {}, CorruptFileError, "does not describe a model that transformers can build",
    ),
    "another model": (
        lambda: written("model.safetensors", {"model.layers.0.mlp.up_proj.weight": EYE}, model_type="llama", **SIZES),
        {}, CheckpointError, "(4, 4) outputs and inputs, but (24, 16) in config.json",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("make", "options", "error", "message"), REJECTED.values(), ids=REJECTED)
def test_unusable_checkpoints_are_rejected(make, options, error, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = make()
    if transformers is None and Path("config.json").exists():
        pytest.skip("transformers is not installed")
    with pytest.raises(error) as caught:
        tl.from_checkpoint(path, **options)
    assert message in str(caught.value)
    assert not Path("sprung").exists()


def test_a_configuration_needs_transformers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = written("model.safetensors", ATTENTION, model_type="llama")
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'topolearn\[hf\]', or give n_heads="):
        tl.from_checkpoint(path)
    assert len(tl.from_checkpoint(path, n_heads=2).groups) == 2


def test_names_of_the_hub_without_a_network(tmp_path, monkeypatch):
    hub = pytest.importorskip("huggingface_hub")
    monkeypatch.chdir(tmp_path)

    def offline(name, **options):
        raise hub.errors.LocalEntryNotFoundError("no network")

    monkeypatch.setattr(hub, "snapshot_download", offline)
    with pytest.raises(DownloadError, match="run 'hf download some/model' where there is a network"):
        tl.from_checkpoint("some/model")
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'topolearn\[hf\]'"):
        tl.from_checkpoint("some/model")


def test_names_of_the_hub_open_what_its_library_keeps(tmp_path, monkeypatch):
    hub = pytest.importorskip("huggingface_hub")
    monkeypatch.chdir(tmp_path)
    written("model.safetensors", ATTENTION)
    asked = []
    monkeypatch.setattr(hub, "snapshot_download", lambda name, **options: asked.append(name) or str(tmp_path))
    assert len(tl.from_checkpoint("some/model")) == 4
    assert asked == ["some/model"]


def test_files_alone_need_no_package_of_others(tmp_path, monkeypatch):
    save_file(ATTENTION, tmp_path / "m.safetensors")
    for package in ("transformers", "huggingface_hub"):
        monkeypatch.setitem(sys.modules, package, None)
    assert len(tl.from_checkpoint(tmp_path / "m.safetensors")) == 4
