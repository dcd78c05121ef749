"""Directories that others may have packed: no link in them leads outside, and private ones stay private."""

import os
import stat
from pathlib import Path

from topolearn.errors import InvalidValueError, UnsafePathError


def check_confined(folder: Path) -> None:
    """Reject a directory with a symbolic link that leads out of it: writing through it would change a file elsewhere.

    The directory itself may be reached through a link. Hard links are indistinguishable from files.

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
            "writing to it would change another file; replace the link with the file itself, or remove it"
        )


def private_folder(path: Path) -> Path:
    """Create a directory for this user alone, in which no other user can place files.

    Raises
    ------
    UnsafePathError
        When another user owns, or can write to, a directory above it.
    InvalidValueError
        When it cannot be created.

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
        path.mkdir(mode=0o700)  # fails if anything exists at this path, even a link
        path.chmod(0o700)  # whatever the umask
    except OSError as error:
        if isinstance(error, UnsafePathError):
            raise
        raise InvalidValueError(f"the directory {path} cannot be created ({error.strerror}): choose another") from None
    check_private(path)
    return path


def check_private(path: Path) -> None:
    """Reject a directory that is not private to this user.

    Raises
    ------
    UnsafePathError
    """
    state = path.lstat()
    if not stat.S_ISDIR(state.st_mode) or _is_of_another(state) or state.st_mode & 0o077:
        raise UnsafePathError(f"{path} must be a directory that you own, with mode 0700: remove it")


def _check_parents(folder: Path) -> None:
    """Reject a location where other users could replace our directory with theirs.

    The two nearest directories must belong to this user and be writable by no one else. Those above may only be
    world-writable if they are sticky, as ``/tmp`` is.
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
                f"{each} may be changed by other users, who could make you run their code: choose a directory that "
                f"only you can write to, or run chmod go-w {each}"
            )


def _is_of_another(state: os.stat_result) -> bool:
    return hasattr(os, "geteuid") and state.st_uid != os.geteuid()


def _is_own_group(number: int) -> bool:
    """Return whether a group contains this user alone; many systems create such a group for each user."""
    try:
        import grp
        import pwd

        group, user = grp.getgrgid(number), pwd.getpwuid(os.geteuid())
    except (ImportError, KeyError):
        return False
    return number == user.pw_gid and group.gr_name == user.pw_name and set(group.gr_mem) <= {user.pw_name}


def _is_within(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)
