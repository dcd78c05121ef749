"""The on-disk cache of compiled functions: never stale, and never confuses two functions."""

import subprocess
import sys

import pytest

from topolearn import kernel_cache
from topolearn.kernel_cache import _NamedFiles, sources_of, stamp_of


def test_processes_that_save_at_the_same_moment_never_read_what_the_other_compiled(tmp_path):
    """With numba's own numbered files, both keys would point to the file that was written last."""
    first, second = (_NamedFiles(str(tmp_path), "kernel", "stamp") for _ in range(2))
    before = second._load_index()
    first.save("eight vectors", b"8")
    second._load_index = lambda: dict(before)  # as it was before the other process saved
    second.save("four vectors", b"4")
    del second._load_index
    assert first.load("four vectors") == b"4"
    assert first.load("eight vectors") in (None, b"8")
    first.save("eight vectors", b"8")
    assert [second.load(key) for key in ("eight vectors", "four vectors", "two vectors")] == [b"8", b"4", None]


def test_stale_files_are_neither_read_nor_left_on_disk(tmp_path):
    old, new, other = (_NamedFiles(str(tmp_path), *names) for names in (("f", "old"), ("f", "new"), ("g", "old")))
    for each in (old, other):
        each.save("key", b"old")
    assert new.load("key") is None
    new.save("another key", b"new")
    assert new.load("key") is None
    assert new.load("another key") == b"new"
    assert other.load("key") == b"old"
    assert len(list(tmp_path.glob("f.*.nbc"))) == 1


def test_a_change_of_anything_that_a_kernel_imports_changes_its_stamp(tmp_path, monkeypatch):
    package = tmp_path / "topolearn"
    texts = {
        "__init__.py": "",
        "kernel.py": "import numpy\nfrom topolearn.room import (\n    vectors,\n)\n",
        "room/__init__.py": "",
        "room/vectors.py": "from topolearn.room.deeper import WIDTH\n",
        "room/deeper.py": "WIDTH = 32\n",
        "room/apart.py": "",
    }
    for name, text in texts.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text)
    monkeypatch.setattr(kernel_cache, "ROOT", package)

    def stamp():
        stamp_of.cache_clear()
        return stamp_of("topolearn.kernel")

    try:
        names = [path.relative_to(package).as_posix() for path in sources_of("topolearn.kernel")]
        assert names == ["kernel.py", "room/__init__.py", "room/deeper.py", "room/vectors.py"]
        before = stamp()
        (package / "room" / "apart.py").write_text("WIDTH = 64\n")
        assert stamp() == before
        (package / "room" / "deeper.py").write_text("WIDTH = 64\n")
        assert stamp() != before
    finally:
        stamp_of.cache_clear()


@pytest.mark.slow
def test_many_processes_compile_variants_at_once_and_all_are_right(tmp_path):
    code = (
        "import sys, torch\n"
        "from topolearn.sparse.products import by_numba\n"
        "from topolearn.sparse.products.index import LinkIndex\n"
        "links, batches = LinkIndex.of_cells(torch.arange(6), 2, 3), [16, 32, 64, 128, 5, 48]\n"
        "for i in range(6):\n"
        "    batch = batches[(i + int(sys.argv[1])) % 6]\n"
        "    y = by_numba.outputs(links, torch.ones(6), None, torch.full((3, batch), 2.0), False)\n"
        "    assert bool((y == 6).all()), batch\n"
    )
    environment = {"NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": ":".join(sys.path)}
    for _ in range(2):
        processes = [subprocess.Popen([sys.executable, "-c", code, str(i)], env=environment) for i in range(4)]
        assert [process.wait() for process in processes] == [0] * 4
