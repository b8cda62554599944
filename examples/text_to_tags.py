"""Give texts their tags, and find the rare ones.

Short reports that this script writes have one tag or more, of eight. Some tags are rare, and the
words of a tag stand in other reports, too. A Pipeline turns words into columns, columns into
probabilities, and probabilities into tags. Where 0.5 is the threshold of all, rare tags are missed;
thresholds that were tuned on out-of-fold scores find them.

Run with ``python examples/text_to_tags.py``; it prints scores on held-out reports, tags as words,
and writes ``examples/text_to_tags.png``.
"""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MultiLabelBinarizer

from skconstrain import MultiLabelNetClassifier, TunedThresholdMultiLabelClassifierCV

PICTURE = Path(__file__).with_suffix(".png")
# Tags, from the frequent to the rare ones, and their words.
WORDS = {
    "traffic": "road bridge lane signal junction jam bus driver parking tram",
    "weather": "rain storm frost heat wind cloud forecast flood snow degree",
    "sport": "match team goal coach season player stadium league referee title",
    "money": "bank price tax budget loan market wage cost invoice fund",
    "health": "doctor nurse fever vaccine patient hospital ward clinic dose virus",
    "school": "teacher pupil lesson exam class desk grade homework break term",
    "energy": "grid turbine panel battery plant heat cable voltage meter fuel",
    "space": "orbit rocket crew launch station moon capsule telescope probe dock",
}
SHARES = [0.45, 0.4, 0.35, 0.3, 0.1, 0.08, 0.06, 0.05]


def make_reports(n_reports, random_state):
    """Return texts, and a list of tags for each of them."""
    rng = np.random.default_rng(random_state)
    everything = " ".join(WORDS.values()).split()
    texts, tags = [], []
    for _ in range(n_reports):
        found = [tag for tag, share in zip(WORDS, SHARES, strict=True) if rng.random() < share]
        found = found or [str(rng.choice(list(WORDS), p=np.divide(SHARES, sum(SHARES))))]
        own = [rng.choice(WORDS[tag].split(), rng.integers(1, 4)) for tag in found]
        texts.append(" ".join([*np.concatenate(own), *rng.choice(everything, 5)]))
        tags.append(found)
    return texts, tags


# %%
# A row for each report, a column for each tag: what was found, missed, or said by mistake.


def draw(panel, truth, predicted, title):
    """Draw the tags of some reports."""
    kinds = {
        "found": (truth & predicted, "o", "#2a9d5c"),
        "missed": (truth & ~predicted, "X", "#d62728"),
        "by mistake": (~truth & predicted, ".", "0.6"),
    }
    for name, (where, marker, color) in kinds.items():
        row, column = np.nonzero(where)
        panel.scatter(column, row, marker=marker, color=color, s=60, linewidth=0, label=name)
    panel.set(title=title, xlim=(-0.6, len(WORDS) - 0.4), yticks=[])
    panel.set_xticks(range(len(WORDS)), WORDS, rotation=60, ha="right", rotation_mode="anchor")
    panel.invert_yaxis()
    panel.spines[["top", "right", "left"]].set_visible(False)


if __name__ == "__main__":
    texts, tags = make_reports(1500, random_state=0)
    binarizer = MultiLabelBinarizer(classes=list(WORDS))
    Y = binarizer.fit_transform(tags)
    texts_train, texts_test, Y_train, Y_test = train_test_split(
        texts, Y, test_size=500, random_state=0
    )
    net = MultiLabelNetClassifier(random_state=0)
    models = {
        "a threshold of 0.5": make_pipeline(TfidfVectorizer(), net),
        "tuned thresholds": make_pipeline(
            TfidfVectorizer(), TunedThresholdMultiLabelClassifierCV(net, random_state=0)
        ),
    }
    rare = slice(4, None)
    chosen = np.flatnonzero(Y_test[:, rare].any(axis=1))[:30]  # reports with a rare tag
    figure, panels = plt.subplots(1, 2, figsize=(8, 6.5), layout="constrained")
    print(f"{'on held-out reports':22} {'macro-F1':>8} {'rare tags found':>16}")
    for panel, (name, model) in zip(panels, models.items(), strict=True):
        predicted = model.fit(texts_train, Y_train).predict(texts_test)
        found = predicted[:, rare][Y_test[:, rare] == 1].mean()
        print(f"{name:22} {f1_score(Y_test, predicted, average='macro'):8.3f} {found:16.1%}")
        draw(panel, Y_test[chosen] == 1, predicted[chosen] == 1, name)
    panels[0].set_ylabel("30 reports with a rare tag")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    report = "the rocket left the dock, and a storm over the station"
    predicted = models["tuned thresholds"].predict([report])
    print(f"tags of {report!r}:", *binarizer.inverse_transform(predicted)[0])
    figure.savefig(PICTURE, dpi=110)
    print("picture:", PICTURE.name)
