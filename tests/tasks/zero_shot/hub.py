"""The harness's installed tasks on documents in the format of the hub's data: labels with names, as ClassLabel."""

import json

NAMES = {
    "cola": ["unacceptable", "acceptable"], "sst2": ["negative", "positive"], "rte": ["entailment", "not_entailment"],
    "cb": ["entailment", "contradiction", "neutral"], "copa": ["choice1", "choice2"], "boolq": ["False", "True"],
    "wic": ["False", "True"], "wsc": ["False", "True"],
}  # fmt: skip
FOLDERS = {"rte": "RTE", "cb": "CB", "copa": "COPA", "boolq": "BoolQ", "wic": "WiC", "wsc": "WSC"}


def hub_rows(name, folder):
    """Return the rows of a task as the hub has them, with labels by name."""
    if name == "cola":
        text = "\n".join((folder / "CoLA" / f"{kind}_dev.tsv").read_text() for kind in ("in_domain", "out_of_domain"))
        columns = [line.split("\t") for line in text.split("\n") if line]
        return [{"sentence": each[3], "label": NAMES[name][int(each[1])]} for each in columns]
    if name == "sst2":
        columns = [line.split("\t") for line in (folder / "SST-2" / "dev.tsv").read_text().split("\n") if line]
        return [{"sentence": each[0], "label": NAMES[name][int(each[1])]} for each in columns]
    rows = [json.loads(line) for line in (folder / FOLDERS[name] / "val.jsonl").read_text().split("\n") if line]
    if name == "rte":
        return [{"sentence1": r["premise"], "sentence2": r["hypothesis"], "label": r["label"]} for r in rows]
    if name == "wsc":
        rows = [{"text": r["text"], **r["target"], "label": r["label"], "idx": r["idx"]} for r in rows]
        for row in rows:
            if row["span1_text"] not in row["text"]:  # as the hub's script for wsc.fixed repairs them
                row["span1_text"] = row["span1_text"][0].lower() + row["span1_text"][1:]
                assert row["span1_text"] in row["text"]
    if name == "copa":
        return [row | {"label": "choice2" if row["label"] else "choice1"} for row in rows]
    return [row | {"label": str(row["label"])} for row in rows]


def installed_task(name, definition, folder):
    """Return the task of an installed definition on such rows."""
    import datasets
    from lm_eval.api.task import ConfigurableTask
    from lm_eval.tasks._yaml_loader import load_yaml

    rows = hub_rows(name, folder)
    features = datasets.Dataset.from_list(rows).features
    features["label"] = datasets.ClassLabel(names=NAMES[name])
    data = datasets.Dataset.from_list(rows, features=features)
    split = datasets.DatasetDict({"train": data, "validation": data})
    task = ConfigurableTask(config={**load_yaml(definition), "custom_dataset": lambda **_: split, "tag": None})
    task.set_config(key="num_fewshot", value=0)
    return task


def requests(task):
    """Return all requests of a task: prompts with each answer, and the right answers."""
    task.build_all_requests(limit=None, rank=0, world_size=1)
    targets = [task.doc_to_target(document) for document in task.eval_docs]
    return [each.arguments for each in task.instances], targets
