"""The files that commands can draw into."""

from pathlib import Path

from topolearn.errors import InvalidValueError
from topolearn.files import check_folder

ENDINGS = (".png", ".pdf", ".svg")


def check_picture(path: Path) -> None:
    """Raise if a picture could not be written there, before anything is measured."""
    if path.suffix.lower() not in ENDINGS:
        raise InvalidValueError(f"--plot {str(path)!r} must end with {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}")
    check_folder(path)
