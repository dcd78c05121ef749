"""Errors: each is a `TopolearnError` and the built-in kind, and names the value, the range and the fix."""

import re


class TopolearnError(Exception):
    """Base of every error that topolearn raises on purpose."""


class InvalidValueError(TopolearnError, ValueError):
    """A value outside its range, or data that cannot be used."""


class InvalidTypeError(TopolearnError, TypeError):
    """An argument of a kind that cannot be used here."""


class UndefinedMeasureError(TopolearnError, ValueError):
    """A measure has no value on this graph or these data; the message says why."""


class UndefinedMeasureWarning(UserWarning):
    """A measure among several has no value on this graph."""


class MeasureRangeWarning(UserWarning):
    """A measure has a value outside the range in which it means what it says; the message has the reason."""


class UnknownNameError(TopolearnError, ValueError, KeyError):
    """A name that is in no registry; the message suggests the nearest ones."""

    __str__ = Exception.__str__  # KeyError would show it in quotes


class MissingFileError(TopolearnError, FileNotFoundError):
    """A file that must exist and does not."""

    __str__ = Exception.__str__


class ChangedFileWarning(UserWarning):
    """A file of a run that is not as it was written: changed, cut off, or missing."""


class MissingPackageError(TopolearnError, ImportError):
    """An optional package that was asked for and is not installed."""


class ExistingFileError(TopolearnError, FileExistsError):
    """A file or directory that must not exist yet."""

    __str__ = Exception.__str__


class DownloadError(TopolearnError, OSError):
    """Files could not be fetched, or are not what was asked for."""


class CorruptFileError(TopolearnError, ValueError):
    """A file that is cut off, altered, or of another kind than its name says."""


class ChangedRunError(TopolearnError, ValueError):
    """A run whose files, data or versions are not those with which it began; the message says which, and what to do."""


class CheckpointError(TopolearnError, ValueError):
    """A saved state that does not fit the model it is loaded into."""


class TrainingError(TopolearnError, RuntimeError):
    """Training cannot go on, for example because the loss is not finite."""


class StudyError(TopolearnError, RuntimeError):
    """A study cannot go on, for example because the disk is full; what is finished is kept."""


class RecordingError(TopolearnError, OSError):
    """A run cannot be written down any further, for example because the disk is full; what was written is kept."""


class UnsafePathError(TopolearnError, PermissionError):
    """A place that leads elsewhere, or that other users may change: nothing is read, run or written there."""


NO_MEMORY = re.compile(r"(out of|not enough|allocate) memory|bad_alloc|failed to map segment", re.IGNORECASE)
NO_THREAD = re.compile(r"can't start new thread|Resource temporarily unavailable", re.IGNORECASE)


def reason_of(error: BaseException) -> str | None:
    """Return in one line why a program ends: what the user, the files or the machine lack; None for a mistake of ours.

    Memory that is used up has many names: MemoryError, and RuntimeErrors of torch.

    Examples
    --------
    >>> reason_of(InvalidValueError("zeta=2 must be at most 1")), reason_of(IndexError("list index out of range"))
    ('zeta=2 must be at most 1', None)
    >>> reason_of(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"))
    "out of memory (DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes): make the model, ..."
    """
    words = " ".join(str(error).split())
    if isinstance(error, MemoryError) or (isinstance(error, (RuntimeError, ImportError)) and NO_MEMORY.search(words)):
        reason = f" ({words})" if words else ""
        return f"out of memory{reason}: make the model, the batch or the graph smaller, or give more memory"
    if isinstance(error, RuntimeError) and NO_THREAD.search(words):
        return f"the system starts no further thread ({words}): raise its limit, or lower the number of threads"
    if isinstance(error, UnicodeEncodeError):  # of a name whose bytes are not UTF-8
        return f"{error.object[error.start : error.end]!r} is not text ({error.reason}): choose a name in UTF-8"
    return words or type(error).__name__ if isinstance(error, (TopolearnError, OSError)) else None
