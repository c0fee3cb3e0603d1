"""The reader's recipe on public sets of intents, beside what plain TF-IDF with a logistic model reaches there.

The recipe is the one that ships: folding, spelling, hashed words, characters and concepts, TF-IDF, one linear model a
label; only the labels are those of the set. The sets are no part of this repository; they are read from the folder
``$FORBEAR_SHARED/data``,
by default ``../shared/data``. Run: ``.venv/bin/python bench/replies_public.py [banking77|cic]`` (CPU minutes).
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

import numpy as np
from scipy import sparse
from sklearn.metrics import accuracy_score, f1_score
from sklearn.svm import LinearSVC

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.learn_data import read_rows, shared_folder
from forbear_replies.features import Evidence, evidence
from forbear_replies.reader import ask_rules, prepare
from forbear_replies.training import document_weights, matrix_of
from forbear_replies.wishes import channels_named

BANKING77_ACCURACY = 0.918  # TF-IDF of words 1-2 and characters 2-5, logistic
CIC_MACRO_F1 = 0.672  # TF-IDF of characters 1-4, logistic; training labels are noisy on purpose
_STRENGTH = {"en": 0.7, "zh-Hans": 0.05}  # noisy labels want a weaker fit

Texts = list[str]


def main() -> None:
    """Measure the sets named on the command line, or both."""
    wanted = sys.argv[1:] or ["banking77", "cic"]
    if "banking77" in wanted:
        train, test = (_banking77(part) for part in ("train", "test"))
        said = _predict(train, test[0], "en")
        _say("replies_public_banking77_accuracy", accuracy_score(test[1], said), BANKING77_ACCURACY)
    if "cic" in wanted:
        train, test = _cic("train"), _cic("test_public")
        said = _predict(train, test[0], "zh-Hans")
        _say("replies_public_cic_macro_f1", f1_score(test[1], said, average="macro"), CIC_MACRO_F1)


def _banking77(part: str) -> tuple[Texts, Texts]:
    rows = read_rows(f"banking77_{part}.csv.gz")
    return [row["text"] for row in rows], [row["category"] for row in rows]


def _cic(part: str) -> tuple[Texts, Texts]:
    path = shared_folder() / f"cic_{part}.json.gz"
    if not path.exists():
        print(f"not measured: {path} is missing")
        sys.exit(0)
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [row["sentence"] for row in rows], [row["label"] for row in rows]


def _predict(train: tuple[Texts, Texts], test: Texts, lang: str) -> np.ndarray:
    """The likeliest label of each test text, from one linear model a label fitted on the training texts."""
    seen = [_evidence(text, lang) for text in train[0]]
    idf = document_weights(seen)
    known: sparse.csr_matrix = matrix_of(seen, idf)
    asked = matrix_of([_evidence(text, lang) for text in test], idf)
    fitted = LinearSVC(C=_STRENGTH[lang], random_state=0, tol=1e-2, max_iter=300)
    return np.asarray(fitted.fit(known, train[1]).predict(asked))


def _evidence(text: str, lang: str) -> Evidence:
    prepared = prepare(text, lang)
    findings = ask_rules(prepared, offered_letters=False)
    return evidence(prepared.folded, prepared.lang.family, findings, channels_named(prepared.folded), "sms")


def _say(name: str, value: float, bar: float) -> None:
    print(f"{name:<36} {value:.4f}   bar {bar}")
    line = {"name": name, "value": round(float(value), 4), "reference": bar, "ratio": round(float(value) / bar, 3)}
    print(json.dumps(line | {"goal": "at least 1.0", "ok": bool(value >= bar)}))


if __name__ == "__main__":
    main()
