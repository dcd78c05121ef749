"""Exceptions: each is a `TopolearnError` and a built-in exception, and names the value, the range and the fix."""

import re


class TopolearnError(Exception):
    """Base class of all errors that topolearn raises on purpose."""


class InvalidValueError(TopolearnError, ValueError):
    """A value is outside its range, or data cannot be used."""


class InvalidTypeError(TopolearnError, TypeError):
    """An argument is of the wrong type."""


class UndefinedMeasureError(TopolearnError, ValueError):
    """A measure is undefined on this graph or these data; the message gives the reason."""


class UndefinedMeasureWarning(UserWarning):
    """One of several measures is undefined on this graph."""


class MeasureRangeWarning(UserWarning):
    """A measure has a value outside the range in which it is meaningful; the message gives the reason."""


class UnknownNameError(TopolearnError, ValueError, KeyError):
    """A name is not in the registry; the message suggests the closest one."""

    __str__ = Exception.__str__  # KeyError would put the message in quotes


class MissingFileError(TopolearnError, FileNotFoundError):
    """A required file does not exist."""

    __str__ = Exception.__str__


class ChangedFileWarning(UserWarning):
    """A file of a run is not as it was written: changed, truncated, or missing."""


class MissingPackageError(TopolearnError, ImportError):
    """An optional package is required but not installed."""


class ExistingFileError(TopolearnError, FileExistsError):
    """A file or directory already exists and would be overwritten."""

    __str__ = Exception.__str__


class DownloadError(TopolearnError, OSError):
    """Files could not be downloaded, or are not the ones that were expected."""


class CorruptFileError(TopolearnError, ValueError):
    """A file is truncated, altered, or not of the kind that its name says."""


class ChangedRunError(TopolearnError, ValueError):
    """A run's files, data or versions have changed since it began; the message says which, and what to do."""


class CheckpointError(TopolearnError, ValueError):
    """A saved state does not fit the model that loads it."""


class TrainingError(TopolearnError, RuntimeError):
    """Training cannot continue, for example because the loss is not finite."""


class StudyError(TopolearnError, RuntimeError):
    """A study cannot continue, for example because the disk is full; finished runs are kept."""


class RecordingError(TopolearnError, OSError):
    """A run cannot be recorded any further, for example because the disk is full; what was written is kept."""


class UnsafePathError(TopolearnError, PermissionError):
    """A path leads outside its directory, or other users can change it: nothing is read, run or written there."""


NO_MEMORY = re.compile(r"(out of|not enough|allocate) memory|bad_alloc|failed to map segment", re.IGNORECASE)
NO_THREAD = re.compile(r"can't start new thread|Resource temporarily unavailable", re.IGNORECASE)


def reason_of(error: BaseException) -> str | None:
    """Return a one-line reason for an error caused by the user, the files or the machine; None for a bug of ours.

    Running out of memory takes many forms: MemoryError, and RuntimeErrors of torch.

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
        return f"out of memory{reason}: make the model, the batch or the graph smaller, or provide more memory"
    if isinstance(error, RuntimeError) and NO_THREAD.search(words):
        return f"the system cannot start another thread ({words}): raise its limit, or lower the number of threads"
    if isinstance(error, UnicodeEncodeError):  # a name whose bytes are not UTF-8
        return f"{error.object[error.start : error.end]!r} is not text ({error.reason}): choose a name in UTF-8"
    return words or type(error).__name__ if isinstance(error, (TopolearnError, OSError)) else None
