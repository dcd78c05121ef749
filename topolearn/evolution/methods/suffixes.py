"""Parsing the names of a method's parts, whose suffixes determine how they are used."""

SOFT = "-soft"
POOLED = "global"


def split_soft(written: str) -> tuple[str, bool]:
    """Return the name of a score, and whether the selection is soft.

    Examples
    --------
    >>> split_soft("ch2_l3n-soft")
    ('ch2_l3n', True)
    """
    return written.removesuffix(SOFT), written.endswith(SOFT)


def split_pooled(distribution: str | dict[str, float]) -> tuple[str | dict[str, float], bool]:
    """Return the initial layer distribution, and whether the links of all layers are ranked together later.

    Examples
    --------
    >>> split_pooled("erk+global"), split_pooled("global"), split_pooled("erk")
    (('erk', True), ('uniform', True), ('erk', False))
    """
    if not isinstance(distribution, str):
        return distribution, False
    base, _, ending = distribution.rpartition("+")
    return (base or "uniform", True) if ending == POOLED else (distribution, False)
