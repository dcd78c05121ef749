"""Downloads are complete and verified, or absent, whatever torchvision does; no test uses a network."""

import gzip
import hashlib
import sys
import zipfile
from http.client import IncompleteRead
from pathlib import Path
from types import ModuleType, SimpleNamespace
from urllib.error import URLError

import numpy as np
import pytest

from tests.training.cifar10_files import batches, official
from tests.training.idx_files import FILES, idx, write
from topolearn.cli import main
from topolearn.errors import (
    DownloadError,
    ExistingFileError,
    InvalidValueError,
    MissingPackageError,
    UnknownNameError,
)
from topolearn.training import DATASETS, load_dataset
from topolearn.training.data import DOWNLOADS, DatasetSource, cifar10, download, emnist, fashion_mnist, mnist

EACH = pytest.mark.parametrize("name", list(DOWNLOADS))
CLASS_NAMES = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST", "emnist_balanced": "EMNIST", "cifar10": "CIFAR10"}


def contents(name):
    """The files of a tiny set: six training images and two test images; CIFAR-10 has five batches and one."""
    if name == "cifar10":
        return {DOWNLOADS[name].files[0]: official(batches(n=2), "w")}
    rng = np.random.default_rng(len(name))
    arrays = [rng.integers(0, 256, (6, 4, 4)), np.arange(6) % 2, rng.integers(0, 256, (2, 4, 4)), np.arange(2)]
    files = emnist.FILES if name == "emnist_balanced" else FILES
    return {file: idx(array.astype(np.uint8)) for file, array in zip(files, arrays, strict=True)}


class Torchvision:
    """A stand-in that writes files like torchvision: compressed ones too, and for EMNIST those of all splits.

    CIFAR-10 is one compressed file in the root, the others have a folder.
    """

    def __init__(self):
        self.calls, self.error, self.change = [], None, {}

    def make(self, name, **given):
        self.calls.append((name, {key: value for key, value in given.items() if key != "root"}))
        raw = Path(given["root"], *([] if name == "cifar10" else [CLASS_NAMES[name], "raw"]))
        raw.mkdir(parents=True, exist_ok=True)
        for i, (file, content) in enumerate({**contents(name), **self.change}.items()):
            if self.error is not None and i == len(DOWNLOADS[name].files) // 2:
                raise self.error
            if name != "cifar10":
                write(raw / file, content)
            if name == "emnist_balanced":
                write(raw / file.replace("balanced", "letters"), content)
            else:
                write(raw / f"{file}.gz", content)


@pytest.fixture
def torchvision(monkeypatch, tmp_path):
    """Replace torchvision with a stand-in, with checksums and sizes that fit its files, in an empty directory."""
    fake = Torchvision()
    module = ModuleType("torchvision")
    module.datasets = SimpleNamespace(
        **{each: lambda name=name, **given: fake.make(name, **given) for name, each in CLASS_NAMES.items()}
    )
    monkeypatch.setitem(sys.modules, "torchvision", module)
    for name, each in (("mnist", mnist), ("fashion_mnist", fashion_mnist)):
        sums = {file: hashlib.sha256(content).hexdigest() for file, content in contents(name).items()}
        monkeypatch.setattr(each, "CHECKSUMS", sums)
    for name, value in (("SIDE", 4), ("N_CLASSES", 2), ("PER_CLASS", {"train": 3, "test": 1})):
        monkeypatch.setattr(emnist, name, value)
    packed = gzip.compress(*contents("cifar10").values(), mtime=0)
    monkeypatch.setattr(cifar10, "SHA256", hashlib.sha256(packed).hexdigest())
    monkeypatch.chdir(tmp_path)
    return fake


def listing():
    return sorted(path.as_posix() for path in Path().rglob("*"))


@EACH
@pytest.mark.parametrize(
    ("folder", "target"), [(None, "data/{}"), ("sets", "sets/{}"), ("deep/er", "deep/er/{}"), ("sets/{0}", "sets/{}")]
)
def test_files_arrive_and_are_found(name, folder, target, torchvision):
    folder = folder and folder.format(name)
    found = download(name, folder)
    assert found == Path(target.format(name))
    options = {"split": "balanced"} if name == "emnist_balanced" else {}
    assert torchvision.calls == [(name, {"download": True, **options})]
    kept = {path.name.removesuffix(".gz") for path in found.iterdir()}
    assert (kept, len(list(found.iterdir()))) == (set(DOWNLOADS[name].files), len(DOWNLOADS[name].files))
    assert [each for each in listing() if "." in Path(each).stem.removesuffix(".tar")] == []
    assert len(load_dataset(name, folder).train_x) == (10 if name == "cifar10" else 6)


@EACH
def test_existing_files_are_not_downloaded_again(name, torchvision):
    found = download(name)
    before = {path: path.stat().st_mtime_ns for path in found.iterdir()}
    for folder in (None, "data", f"data/{name}"):
        assert download(name, folder) == found
    assert {path: path.stat().st_mtime_ns for path in found.iterdir()} == before
    assert len(torchvision.calls) == 1


def test_missing_files_are_added_to_existing_ones(torchvision):
    folder = Path("data/mnist")
    folder.mkdir(parents=True)
    write(folder / FILES[0], contents("mnist")[FILES[0]])
    (folder / "notes.txt").write_text("mine")
    assert download("mnist") == folder
    assert (folder / "notes.txt").read_text() == "mine"
    assert len(load_dataset("mnist").test_x) == 2


@pytest.mark.parametrize("n_there", [1, 4])
@pytest.mark.parametrize("content", [contents("fashion_mnist")[FILES[1]][:-1] + b"\7", b"no IDX"])
def test_other_files_are_never_overwritten(n_there, content, torchvision):
    folder = Path("data/fashion_mnist")
    folder.mkdir(parents=True)
    for file in FILES[:n_there]:
        write(folder / file, content)
    before = listing()
    with pytest.raises(ExistingFileError, match=f"{FILES[0]} .*: remove it first, as downloads never overwrite files"):
        download("fashion_mnist")
    assert listing() == before
    assert {path.read_bytes() for path in folder.iterdir()} == {content}


# --- what goes wrong -------------------------------------------------------------------------------------------------

NO_NETWORK = [
    URLError("[Errno -2] Name or service not known"),
    RuntimeError(
        "Error downloading train-images-idx3-ubyte.gz:\nTried here, got:\n<urlopen error>\nTried there, got:\n"
    ),
    ConnectionResetError(104, "Connection reset by peer"),
    IncompleteRead(b"", 10),
    OSError(28, "No space left on device"),
]


@EACH
@pytest.mark.parametrize("error", NO_NETWORK, ids=lambda error: type(error).__name__)
def test_without_a_network_one_line_names_the_files_and_their_place(name, error, torchvision, capsys):
    torchvision.error = error
    assert main(["download", name]) == 2
    shown = capsys.readouterr()
    (line,) = shown.err.splitlines()
    assert shown.out == ""
    assert line.startswith(f"topolearn: error: {name} could not be downloaded (")
    assert " ".join(str(error).split()) in line
    for word in (*DOWNLOADS[name].files, f"into data/{name} yourself"):
        assert word in line
    assert listing() == []


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("a mistake of torchvision")])
def test_an_interrupted_download_leaves_nothing(error, torchvision):
    torchvision.error = error
    with pytest.raises(type(error)):
        download("mnist", "sets")
    assert listing() == []


@EACH
def test_wrong_files_are_not_kept(name, torchvision):
    file = DOWNLOADS[name].files[-1]
    torchvision.change = {file: contents(name)[file][:-2] + b"\7\7"}
    with pytest.raises(DownloadError, match=f"{name} could not be downloaded .*{file}.* get it again"):
        download(name)
    assert listing() == []


def test_a_folder_that_cannot_exist(torchvision, capsys):
    Path("mnist").write_text("a file")
    assert main(["download", "mnist", "--data-dir", "."]) == 2
    assert "Not a directory" in capsys.readouterr().err
    assert (listing(), torchvision.calls) == (["mnist"], [])


def test_without_torchvision(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingPackageError, match=r"torchvision is not installed: pip install 'topolearn\[download\]'"):
        download("mnist")
    assert listing() == []


def test_a_torchvision_of_another_build(monkeypatch, tmp_path):
    (tmp_path / "torchvision.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    monkeypatch.delitem(sys.modules, "torchvision", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(DownloadError, match=r"torchvision and torch are not compatible \(operator .*into .* yourself"):
        download("mnist", tmp_path / "sets")
    assert not (tmp_path / "sets").exists()


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("digits", InvalidValueError, "'digits' is bundled: there is nothing to download"),
        ("mine.npz", InvalidValueError, r"mine\.npz is your own file: there is nothing to download"),
        (
            "registered",
            InvalidValueError,
            "'registered' is not downloadable: choose one of mnist, fashion_mnist, emnist_bal",
        ),
        ("mnits", UnknownNameError, "unknown data set 'mnits': did you mean 'mnist'"),
        ("mnist+validation", InvalidValueError, r"'mnist\+validation' uses the files of 'mnist': download that one"),
    ],
)
def test_names_that_have_no_download(name, error, message, torchvision):
    DATASETS.register("registered", DatasetSource(lambda _: load_dataset("digits"), False, "of this test"))
    try:
        with pytest.raises(error, match=message):
            download(name)
    finally:
        DATASETS.unregister("registered")
    assert (listing(), torchvision.calls) == ([], [])


# --- the command -----------------------------------------------------------------------------------------------------


def test_the_command(torchvision, capsys):
    assert main(["download", "fashion_mnist", "--data-dir", "sets"]) == 0
    assert capsys.readouterr().out == "fashion_mnist is in sets/fashion_mnist\n"
    assert len(load_dataset("fashion_mnist", "sets").train_x) == 6


def test_the_archive_of_emnist_is_as_good_as_its_files(torchvision, monkeypatch):
    folder = Path("data/emnist_balanced")
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "gzip.zip", "w") as archive:
        for file, content in contents("emnist_balanced").items():
            archive.writestr(f"gzip/{file}.gz", write(folder / "x.gz", content).read_bytes())
    (folder / "x.gz").unlink()
    monkeypatch.setattr(emnist, "ARCHIVE_MD5", hashlib.md5((folder / "gzip.zip").read_bytes()).hexdigest())
    assert download("emnist_balanced") == folder
    assert torchvision.calls == []
