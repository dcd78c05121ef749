"""Directories that others may have packed: nothing in them leads elsewhere, and what is to be private is."""

import os
import stat
from pathlib import Path

from topolearn.errors import InvalidValueError, UnsafePathError

SHOWN = 3  # of the links that an error names


def check_confined(folder: Path) -> None:
    """Refuse a directory with a symbolic link that leads out of it: a write through it would change a file elsewhere.

    The directory itself may be reached by a link. Hard links cannot be told from files.

    Raises
    ------
    UnsafePathError

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> (folder / "metrics.csv").symlink_to("/etc/passwd")
    >>> check_confined(folder)
    Traceback (most recent call last):
    topolearn.errors.UnsafePathError: '.../metrics.csv' is a link that leads out of its directory, to '/etc/passwd': ...
    """
    root = os.path.realpath(folder)
    outside = []
    for place, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = os.path.join(place, name)  # noqa: PTH118  # a run may have thousands of files
            if os.path.islink(path) and not _is_within(os.path.realpath(path), root):  # noqa: PTH114
                outside.append(path)
    if outside:
        more = f" (and {len(outside) - 1} more)" if len(outside) > 1 else ""
        raise UnsafePathError(
            f"{outside[0]!r} is a link that leads out of its directory, to {str(Path(outside[0]).readlink())!r}{more}: "
            "what is written there would change another file; put the file itself in its place, or remove the link"
        )


def private_folder(path: Path) -> Path:
    """Make a new directory for this user alone, into which nobody else can have put or can put a file.

    Raises
    ------
    UnsafePathError
        When another user owns a directory on the way, or may change what is in it.
    InvalidValueError
        When it cannot be made.

    Examples
    --------
    >>> import tempfile
    >>> folder = private_folder(Path(tempfile.mkdtemp(), "session"))
    >>> oct(folder.stat().st_mode & 0o777)
    '0o700'
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _check_parents(path.parent)
        path.mkdir(mode=0o700)  # which fails where anything is, a link among it
        path.chmod(0o700)  # whatever the umask
    except OSError as error:
        if isinstance(error, UnsafePathError):
            raise
        raise InvalidValueError(f"the directory {path} cannot be made ({error.strerror}): choose another") from None
    check_private(path)
    return path


def check_private(path: Path) -> None:
    """Refuse a directory that is not this user's alone.

    Raises
    ------
    UnsafePathError
    """
    state = path.lstat()
    if not stat.S_ISDIR(state.st_mode) or _is_of_another(state) or state.st_mode & 0o077:
        raise UnsafePathError(f"{path} must be a directory that you own, with permissions 0700: remove it")


def _check_parents(folder: Path) -> None:
    """Refuse a place where others could put a directory of their own in the place of ours.

    The two nearest directories must be this user's, and writable by nobody else; above them, none may be writable by
    everybody, unless it is sticky, as ``/tmp`` is.
    """
    folder = Path(os.path.realpath(folder))
    for height, each in enumerate((folder, *folder.parents)):
        state = each.stat()
        is_open = bool(state.st_mode & stat.S_IWOTH)
        if height < 2:
            is_open = is_open or (bool(state.st_mode & stat.S_IWGRP) and not _is_own_group(state.st_gid))
        is_sticky = bool(state.st_mode & stat.S_ISVTX) and (height >= 2 or not _is_of_another(state))
        is_foreign = height < 2 and _is_of_another(state)
        if is_foreign or (is_open and not is_sticky):
            raise UnsafePathError(
                f"{each} may be changed by other users, who could make you run their programs: choose a directory of "
                f"your own, or chmod go-w {each}"
            )


def _is_of_another(state: os.stat_result) -> bool:
    return hasattr(os, "geteuid") and state.st_uid != os.geteuid()


def _is_own_group(number: int) -> bool:
    """Return whether a group is that of this user alone, as many systems give one to each user."""
    try:
        import grp
        import pwd

        group, user = grp.getgrgid(number), pwd.getpwuid(os.geteuid())
    except (ImportError, KeyError):
        return False
    return number == user.pw_gid and group.gr_name == user.pw_name and set(group.gr_mem) <= {user.pw_name}


def _is_within(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)
