"""Files are written completely or not at all; links, pipes and devices stay what they are."""

import os
import re
import stat
import threading

import pytest

from topolearn.errors import InvalidValueError
from topolearn.files import written_aside


def test_a_failed_write_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / "note.txt"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), written_aside(path) as aside:
        aside.write_text("half")
        assert aside.parent == tmp_path
        assert aside.suffix == ".txt"
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_is_synced_before_it_is_seen(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(os, "fsync", lambda _: seen.append((tmp_path / "note.txt").exists()))
    with written_aside(tmp_path / "note.txt") as aside:
        aside.write_text("new")
        assert not (tmp_path / "note.txt").exists()
    assert seen == [False]
    assert (tmp_path / "note.txt").read_text() == "new"


def write(path, content):
    with written_aside(path) as aside:
        aside.write_text(content)


@pytest.mark.parametrize("is_there", [True, False])
def test_a_symbolic_link_stays_one_and_its_file_is_replaced(is_there, tmp_path):
    (tmp_path / "folder").mkdir()
    file, link = tmp_path / "folder" / "file.txt", tmp_path / "link.txt"
    if is_there:
        file.write_text("old")
    link.symlink_to(file)
    write(link, "new")
    assert link.is_symlink()
    assert (file.read_text(), list(file.parent.iterdir())) == ("new", [file])


def test_a_named_pipe_gets_the_content(tmp_path):
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()))
    reader.start()
    write(pipe, "through the pipe")
    reader.join(timeout=10)
    assert got == ["through the pipe"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert list(tmp_path.iterdir()) == [pipe]


def test_a_device_stays_one(tmp_path):
    device = tmp_path / "null"
    try:
        os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        device.write_text("")
    except OSError:
        pytest.skip("device files cannot be created here")
    write(device, "nowhere")
    assert stat.S_ISCHR(device.stat().st_mode)


def test_a_directory_is_not_replaced_and_the_message_has_its_name(tmp_path):
    said = rf"'{re.escape(str(tmp_path))}' is a directory: name a file"
    with pytest.raises(InvalidValueError, match=said), written_aside(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []
