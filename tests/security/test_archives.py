"""Compressed files cannot exhaust the memory, and archives cannot write files anywhere."""

import bz2
import gzip
import hashlib
import lzma
import zipfile

import pytest

import topolearn as tl
from tests.training.cifar10_files import archive as tar
from topolearn import unpacking
from topolearn.errors import CorruptFileError
from topolearn.tasks.translation import read_parallel
from topolearn.training.data import cifar10_jpeg, read_idx
from topolearn.training.data.idx import read_idx_archive

PACK = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
BOMB = bytes(2 * 10**6)


@pytest.fixture(autouse=True)
def small_room(monkeypatch):
    """Lower the limit, so that a file of one megabyte stands for one of hundreds."""
    monkeypatch.setattr(unpacking.unpack, "__kwdefaults__", {"free": 10**5})


@pytest.mark.parametrize("packer", PACK)
def test_a_packed_graph_that_fills_the_memory_is_rejected(packer, tmp_path):
    path = tmp_path / f"graph.csv.{packer}"
    path.write_bytes(PACK[packer](BOMB))
    with pytest.raises(CorruptFileError, match=rf"graph\.csv\.{packer}.* which only a file made to fill"):
        tl.read_graph(path)


def test_packed_pictures_and_sentences_that_fill_the_memory_are_rejected(tmp_path):
    path = tmp_path / "file.gz"
    path.write_bytes(gzip.compress(BOMB))
    for read in (lambda: read_idx(path), lambda: read_parallel(path, path)):
        with pytest.raises(CorruptFileError, match=r"file\.gz.*made to fill the memory"):
            read()


def test_an_archive_of_images_that_fills_the_memory_is_rejected(tmp_path):
    (tmp_path / cifar10_jpeg.ARCHIVE).write_bytes(tar({"train/cat/0000.jpg": BOMB}, "w:xz"))
    with pytest.raises(CorruptFileError, match=r"cifar10-jpeg\.tar\.xz.*made to fill the memory"):
        tl.training.load_dataset("cifar10_jpeg", tmp_path)


@pytest.mark.parametrize("packer", PACK)
def test_packed_data_are_unpacked_completely(packer):
    content = bytes(range(256)) * 100
    assert unpacking.unpack(PACK[packer](content), packer) == content
    assert unpacking.unpack(PACK[packer](content) + PACK[packer](b"more"), packer) == content + b"more"
    with pytest.raises(unpacking.BROKEN):
        unpacking.unpack(PACK[packer](content)[:-9], packer)


def test_an_archive_writes_nothing_and_gives_its_members_by_name_alone(tmp_path):
    image = bytes([0, 0, 8, 1, 0, 0, 0, 2, 5, 6])
    archive = tmp_path / "folder" / "gzip.zip"
    archive.parent.mkdir()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("gzip/labels.gz", gzip.compress(image))
        packed.writestr("../escaped", b"out")
        packed.writestr("/absolute", b"out")
    md5 = hashlib.md5(archive.read_bytes()).hexdigest()
    assert read_idx_archive(archive, md5, ["labels"])["labels"].tolist() == [5, 6]
    assert [path.name for path in tmp_path.rglob("*")] == ["folder", "gzip.zip"]


def test_members_of_npz_files_are_names_and_no_paths(tmp_path):
    import numpy as np

    np.savez(tmp_path / "graph.npz", **{"../../escaped": np.zeros(2), "/absolute": np.zeros(2)})
    with pytest.raises(CorruptFileError):
        tl.BipartiteGraph.load(tmp_path / "graph.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["graph.npz"]


def test_a_graphml_file_whose_entities_multiply_is_rejected(tmp_path):
    levels = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 12))
    text = f'<?xml version="1.0"?><!DOCTYPE g [<!ENTITY e0 "{"x" * 20}">{levels}]><graphml>&e11;</graphml>'
    (tmp_path / "bomb.graphml").write_text(text)
    for read in (tl.BipartiteGraph.load, tl.read_graph):
        with pytest.raises(CorruptFileError, match=r"bomb\.graphml"):
            read(tmp_path / "bomb.graphml")


def test_a_graphml_file_reads_no_other_file(tmp_path):
    (tmp_path / "secret").write_text("secret")
    text = f'<?xml version="1.0"?><!DOCTYPE g [<!ENTITY s SYSTEM "file://{tmp_path}/secret">]><graphml>&s;</graphml>'
    (tmp_path / "reads.graphml").write_text(text)
    with pytest.raises(CorruptFileError) as error:
        tl.read_graph(tmp_path / "reads.graphml")
    assert "secret" not in str(error.value).replace(str(tmp_path), "")
