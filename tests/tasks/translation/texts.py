"""Small parallel texts shared by the tests of translation."""

from pathlib import Path

from topolearn.tasks.translation import ParallelText

NOUNS = {"a man": "ein Mann", "a dog": "ein Hund", "two women": "zwei Frauen", "the child": "das Kind"}
VERBS = {"runs": "rennt", "sleeps": "schläft", "eats an apple": "isst einen Apfel", "looks at": "schaut an"}
ENDS = {".": ".", " in the big park.": " in dem großen Park.", " today, and sings.": " heute und singt."}
FILES = (Path("train.en"), Path("train.de"))
SENTENCES = [
    (f"{noun} {verb}{end}", f"{NOUNS[noun]} {VERBS[verb]}{ENDS[end]}")
    for noun in NOUNS
    for verb in VERBS
    for end in ENDS
]


def parallel(*pairs):
    """Parallel text of pairs of sentences."""
    source, target = zip(*pairs, strict=True)
    return ParallelText(source, target, FILES)


TEXT = parallel(*SENTENCES)
