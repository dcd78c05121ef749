"""Where commands may draw."""

from pathlib import Path

from topolearn.errors import InvalidValueError
from topolearn.files import check_folder

ENDINGS = (".png", ".pdf", ".svg")


def check_picture(path: Path) -> None:
    """Refuse a picture that could not be written, before anything is measured."""
    if path.suffix.lower() not in ENDINGS:
        raise InvalidValueError(f"--plot {str(path)!r} must end with {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}")
    check_folder(path)
