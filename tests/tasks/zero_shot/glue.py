"""A few made-up documents of each task, in the format of the real files."""

import json

SPANS = {"span1_index": 0, "span1_text": "The dog", "span2_index": 4, "span2_text": "it"}
SENTENCES = [("The dog runs.", 1), ("The runs dog.", 0), ("A cat sees a man.", 1), ("Big cat.", 0), ("Red and big.", 1)]
JSON_LINES = {
    "RTE": [
        {"premise": f"It rains on day {i}.", "hypothesis": "It is wet.", "label": label, "idx": i}
        for i, label in enumerate(["entailment", "not_entailment", "entailment"])
    ],
    "CB": [
        {"premise": f"He thinks that it rains, {i}.", "hypothesis": "it rains", "label": label, "idx": i}
        for i, label in enumerate(["neutral", "contradiction", "entailment", "contradiction"])
    ],
    "COPA": [
        {"premise": "It rained.", "choice1": "The dog ran.", "choice2": "The cat got wet.", "question": question,
         "label": label, "idx": label} for question, label in (("cause", 0), ("effect", 1))
    ],
    "BoolQ": [
        {"question": "is the dog wet", "passage": "Dogs -- " + "It rains. " * i, "label": i != 1, "idx": i}
        for i in range(1, 4)
    ],
    "WiC": [
        {"word": "run", "sentence1": "Dogs run here.", "sentence2": "A long run.", "start1": 5, "end1": 8, "start2": 7,
         "end2": 10, "label": same, "idx": int(same), "version": 1.1} for same in (True, False)
    ],
    "WSC": [
        {"text": "Here the dog slept because it was tired .", "label": True, "idx": 0,
         "target": {"span1_index": 1, "span1_text": "The dog", "span2_index": 5, "span2_text": "it"}},
        {"text": "The dog slept because it was tired .", "label": False, "idx": 1, "target": SPANS},
    ],
}  # fmt: skip


def write_glue(folder):
    """Write all files below a folder, and return it."""
    for name, rows in JSON_LINES.items():
        (folder / "glue" / name).mkdir(parents=True)
        (folder / "glue" / name / "val.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for name in ("CoLA", "SST-2"):
        (folder / "glue" / name).mkdir()
    lines = [f"gj04\t{label}\t\t{sentence}\n" for sentence, label in SENTENCES]
    (folder / "glue" / "CoLA" / "in_domain_dev.tsv").write_text("".join(lines[:3]))
    (folder / "glue" / "CoLA" / "out_of_domain_dev.tsv").write_text("".join(lines[3:]).rstrip("\n"))
    lines = [f"{sentence}\t{label}\n" for sentence, label in SENTENCES]
    (folder / "glue" / "SST-2" / "dev.tsv").write_text("".join(lines))
    return folder
