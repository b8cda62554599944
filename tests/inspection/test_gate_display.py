"""GateDisplay: what is drawn is what the gate and the experts say."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.spatial.distance import cdist
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_moons
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skconstrain import GatedEnsembleClassifier
from skconstrain.inspection import GateDisplay

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")


class FakeGate(ClassifierMixin, BaseEstimator):
    """Softmax of random planes over random linear experts; remembers what it is asked."""

    def __init__(self, n_experts=3, classes=("a", "b", "c"), hard=False, unused=None):
        self.n_experts = n_experts
        self.classes = classes
        self.hard = hard
        self.unused = unused

    def fit(self, X):
        rng = np.random.default_rng(1)
        n_features = np.shape(X)[1]
        self.classes_ = np.array(self.classes)
        self.expert_names_ = [f"expert {chr(65 + i)}" for i in range(self.n_experts)]
        self.planes_ = rng.normal(size=(n_features, self.n_experts))
        self.kernels_ = rng.normal(size=(self.n_experts, n_features, len(self.classes)))
        self.asked_ = []
        if hasattr(X, "columns"):
            self.feature_names_in_ = np.array(X.columns, dtype=object)
        return self

    def gate_proba(self, X):
        self.asked_.append(X)
        logits = 2 * np.asarray(X, float) @ self.planes_
        if self.unused is not None:
            logits[:, self.unused] = -np.inf
        if self.hard:
            return (logits.argmax(axis=1)[:, None] == np.arange(self.n_experts)).astype(float)
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        return weights / weights.sum(axis=1, keepdims=True)

    def expert_predict_proba(self, X):
        logits = np.einsum("nf,lfk->nlk", np.asarray(X, float), self.kernels_)
        odds = np.exp(logits - logits.max(axis=-1, keepdims=True))
        return odds / odds.sum(axis=-1, keepdims=True)

    def predict(self, X):
        mixed = np.einsum("nl,nlk->nk", self.gate_proba(X), self.expert_predict_proba(X))
        return self.classes_[mixed.argmax(axis=1)]


def rows(n_rows=200, n_features=2, classes="abc"):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n_rows, n_features)), rng.choice(list(classes), n_rows)


def drawn(kind="both", **fake):
    X, y = rows()
    gate = FakeGate(**fake).fit(X)
    return GateDisplay.from_estimator(gate, X, y, kind=kind, grid_resolution=30), gate, X, y


def texts_of(axes):
    return [text.get_text() for text in axes.texts if text.get_text()]


def legend_of(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("hard", [False, True])
def test_numbers_are_those_of_a_loop_over_rows(hard, weighted):
    X, y = rows()
    weight = np.random.default_rng(3).integers(0, 4, len(y)) if weighted else None
    gate = FakeGate(4, hard=hard).fit(X)
    display = GateDisplay.from_estimator(gate, X, y, kind="usage", sample_weight=weight)
    repeated = np.repeat(np.arange(len(y)), 1 if weight is None else weight)
    gated, experts, mixed = gate.gate_proba(X), gate.expert_predict_proba(X), gate.predict(X)
    shares = display.shares
    for i in range(4):
        mine = [row for row in repeated if gated[row].argmax() == i]
        right = [gate.classes_[experts[row, i].argmax()] == y[row] for row in mine]
        everywhere = [gate.classes_[experts[row, i].argmax()] == y[row] for row in repeated]
        assert shares.usage[i] == pytest.approx(np.mean([gated[row, i] for row in repeated]))
        assert shares.lead[i] == pytest.approx(len(mine) / len(repeated))
        assert shares.n_rows[i] == sum(gated.argmax(axis=1) == i)
        assert shares.accuracy[i] == pytest.approx(np.mean(right))
        assert shares.overall_accuracy[i] == pytest.approx(np.mean(everywhere))
        ensemble = np.mean([mixed[row] == y[row] for row in mine])
        assert shares.ensemble_accuracy[i] == pytest.approx(ensemble)
    total = np.mean([mixed[row] == y[row] for row in repeated])
    assert shares.ensemble_overall_accuracy == pytest.approx(total)
    assert shares.usage.sum() == pytest.approx(1)


def test_bars_and_dots_are_the_numbers():
    display, gate, _, _ = drawn("usage")
    usage, accuracy = display.axes_
    shares = display.shares
    np.testing.assert_array_equal([bar.get_width() for bar in usage.patches], shares.usage)
    marks = [line.get_xdata()[0] for line in usage.lines if line.get_label().startswith("rows")]
    np.testing.assert_array_equal(marks, shares.lead)
    assert [label.get_text() for label in usage.get_yticklabels()] == gate.expert_names_
    everywhere, within, ensemble = (dots.get_offsets() for dots in accuracy.collections[-3:])
    for dots, values in [
        (everywhere, shares.overall_accuracy),
        (within, shares.accuracy),
        (ensemble, shares.ensemble_accuracy),
    ]:
        np.testing.assert_array_equal(np.asarray(dots), np.stack([values, [0, 1, 2]], axis=1))
    assert set(accuracy.lines[0].get_xdata()) == {shares.ensemble_overall_accuracy}
    assert usage.get_ylim() == accuracy.get_ylim()


def test_a_hard_gate_has_bars_without_marks():
    display, _, _, _ = drawn("usage", hard=True)
    assert not display.axes_[0].lines
    np.testing.assert_array_equal(display.shares.usage, display.shares.lead)


@pytest.mark.parametrize("hard", [False, True])
def test_unused_experts_are_shown_as_such(hard):
    display, _, _, _ = drawn(hard=hard, unused=1)
    assert display.shares.usage[1] == display.shares.n_rows[1] == 0
    assert np.isnan(display.shares.accuracy[1])
    assert texts_of(display.axes_[1])[1] == "unused"
    assert "expert B" not in legend_of(display.axes_[0]) + texts_of(display.axes_[0])
    assert "expert B" in [label.get_text() for label in display.axes_[1].get_yticklabels()]


def test_an_expert_may_have_weight_and_lead_no_row():
    weights = np.tile([0.7, 0.3], (5, 1))
    display = GateDisplay.from_predictions(weights)
    assert texts_of(display.axes_[0])[:2] == ["70% (5)", "30.0%, leads no row"]


def test_regions_are_the_largest_weight_on_the_grid():
    display, gate, X, _ = drawn()
    regions = display.regions
    points = np.array([[x, y] for y in regions.y for x in regions.x])
    expected = gate.gate_proba(points)
    np.testing.assert_array_equal(regions.preferred.ravel(), expected.argmax(axis=1))
    np.testing.assert_array_equal(regions.classes[regions.predicted].ravel(), gate.predict(points))
    image = display.axes_[0].images[0]
    pixels = image.get_array().reshape(-1, 4)
    np.testing.assert_array_equal(pixels[:, :3], display.colours_[expected.argmax(axis=1)])
    # The more decided the gate is, the deeper the colour.
    order = np.argsort(expected.max(axis=1))
    assert (np.diff(pixels[order, 3]) >= 0).all()
    assert np.ptp(pixels[:, 3]) > 0.4
    # The middle of each pixel is a point of the grid, and all samples are inside.
    left, right, bottom, top = image.get_extent()
    for low, high, ticks, values in [
        (left, right, regions.x, X[:, 0]),
        (bottom, top, regions.y, X[:, 1]),
    ]:
        half = (high - low) / 60
        np.testing.assert_allclose(np.linspace(low + half, high - half, 30), ticks)
        assert low < values.min() < values.max() < high


def test_a_decided_gate_is_opaque_and_says_so():
    display, _, _, _ = drawn(hard=True)
    opacity = display.axes_[0].images[0].get_array()[..., 3]
    assert np.ptp(opacity) == 0
    assert "the gate is decided" in texts_of(display.axes_[0])


def test_lines_are_where_the_prediction_changes():
    # One expert that says "b" right of x0 = 0.3.
    X, y = rows(classes="ab")
    gate = FakeGate(1, classes=("a", "b")).fit(X)
    gate.kernels_ = np.array([[[0.0, 1.0], [0.0, 0.0]]])
    gate.expert_predict_proba = lambda X: np.eye(2)[(X[:, 0] > 0.3).astype(int)][:, None]
    display = GateDisplay.from_estimator(gate, X, y, grid_resolution=40)
    lines = display.axes_[0].collections[0].get_paths()
    step = np.diff(display.regions.x[:2])[0]
    along = np.concatenate([path.vertices[:, 0] for path in lines])
    assert np.abs(along - 0.3).max() <= step


def test_samples_are_marked_by_class_and_some_are_left_out():
    display, _, X, y = drawn()
    offsets = {dots.get_label(): dots.get_offsets() for dots in display.axes_[0].collections}
    for name in "abc":
        np.testing.assert_array_equal(np.asarray(offsets[f"class {name}"]), X[y == name])
    display.plot(max_samples=50)
    dots = [one for one in display.axes_[0].collections if "class" in str(one.get_label())]
    assert sum(len(one.get_offsets()) for one in dots) == 50
    assert "50 of 200 samples shown" in texts_of(display.axes_[0])


def test_names_of_experts_are_in_the_legend_and_in_their_regions():
    display, gate, _, _ = drawn("regions")
    assert len(display.axes_) == 1
    wanted = [gate.expert_names_[i] for i in np.unique(display.regions.preferred)]
    assert legend_of(display.axes_[0])[: len(wanted)] == wanted
    assert legend_of(display.axes_[0])[-1] == "decision boundary"
    assert set(wanted) & set(texts_of(display.axes_[0]))


def test_many_experts_touch_no_expert_of_their_colour():
    X, y = rows()
    gate = FakeGate(50).fit(X)
    centres = X[:50]
    gate.gate_proba = lambda X: np.eye(50)[cdist(X, centres).argmin(axis=1)]
    display = GateDisplay.from_estimator(gate, X, y, grid_resolution=60)
    display.figure_.canvas.draw()
    preferred = display.regions.preferred
    assert len(np.unique(preferred)) > 40
    for one, other in [(preferred[1:], preferred[:-1]), (preferred[:, 1:], preferred[:, :-1])]:
        same = (display.colours_[one] == display.colours_[other]).all(axis=-1)
        assert not (same & (one != other)).any()
    assert len(display.axes_[1].get_yticklabels()) == 50


def test_other_features_are_held_at_the_median():
    X, y = rows(n_features=5)
    gate = FakeGate().fit(X)
    display = GateDisplay.from_estimator(gate, X, y, features=(3, -4), grid_resolution=20)
    grid = next(asked for asked in gate.asked_ if len(asked) == 400)
    for held in (0, 2, 4):
        assert set(grid[:, held]) == {np.median(X[:, held])}
    np.testing.assert_array_equal(grid[:20, 3], display.regions.x)
    np.testing.assert_array_equal(grid[::20, 1], display.regions.y)
    assert [display.axes_[0].get_xlabel(), display.axes_[0].get_ylabel()] == ["x3", "x1"]
    assert any("3 other features at the median" in text for text in texts_of(display.axes_[0]))


def test_a_frame_stays_a_frame_with_its_columns_and_kinds():
    X, y = rows()
    frame = pd.DataFrame(X, columns=["width", "height"], index=range(1000, 1200))
    frame.insert(1, "flag", np.arange(200) % 3 > 0)
    frame["count"] = pd.array(np.arange(200), dtype="Int64")
    frame["size"] = pd.Categorical(["small"] * 80 + ["large"] * 120)

    class Gate(FakeGate):
        def gate_proba(self, X):
            numbers = super().gate_proba(X[["width", "height"]])
            self.asked_[-1] = X
            return numbers

        def expert_predict_proba(self, X):
            return super().expert_predict_proba(X[["width", "height"]])

    gate = Gate().fit(frame[["width", "height"]])
    options = {"features": ("height", "width"), "grid_resolution": 10}
    display = GateDisplay.from_estimator(gate, frame, y, **options)
    grid = next(asked for asked in gate.asked_ if len(asked) == 100)
    assert list(grid.columns) == list(frame.columns)
    assert grid["flag"].dtype == bool
    assert grid["size"].dtype == frame["size"].dtype
    held = grid[["flag", "count", "size"]].drop_duplicates()
    assert held.to_numpy().tolist() == [[True, 99.5, "large"]]
    np.testing.assert_array_equal(grid["height"].to_numpy()[:10], display.regions.x)
    assert display.axes_[0].get_xlabel() == "height"


def test_a_wide_grid_is_asked_in_parts(monkeypatch):
    monkeypatch.setattr("skconstrain.inspection._gate_regions._MAX_NUMBERS", 1000)
    X, y = rows(n_features=4)
    gate = FakeGate().fit(X)
    display = GateDisplay.from_estimator(gate, X, y, features=(0, 1), grid_resolution=25)
    assert max(len(asked) for asked in gate.asked_ if len(asked) != len(X)) <= 250
    assert display.regions.weights.shape == (25, 25, 3)


def test_auto_draws_regions_where_they_are_the_whole_picture_or_asked_for():
    for n_features, features, n_panels in [
        (2, None, 3),
        (5, None, 2),
        (5, (0, 1), 3),
        (1, None, 2),
    ]:
        X, y = rows(n_features=n_features)
        gate = FakeGate().fit(X)
        draw = {"features": features, "grid_resolution": 10}
        assert len(GateDisplay.from_estimator(gate, X, y, **draw).axes_) == n_panels


def test_without_classes_there_is_usage_and_no_accuracy():
    X, _ = rows()
    gate = FakeGate().fit(X)
    gate.expert_predict_proba = None  # is not asked for usage
    gate.predict = lambda X: np.full(len(X), "a")
    display = GateDisplay.from_estimator(gate, X, grid_resolution=10)
    assert len(display.axes_) == 2
    assert display.shares.accuracy is None
    assert "sample" in legend_of(display.axes_[0])
    assert "decision boundary" not in legend_of(display.axes_[0])  # there is none


def test_experts_of_two_classes_are_judged_by_the_threshold():
    X, y = rows(classes="ab")
    gate = FakeGate(classes=("a", "b")).fit(X)
    gate.threshold = 0.9
    display = GateDisplay.from_estimator(gate, X, y, kind="usage")
    chosen = np.where(gate.expert_predict_proba(X)[:, :, 1] >= 0.9, "b", "a")
    np.testing.assert_allclose(display.shares.overall_accuracy, (chosen == y[:, None]).mean(axis=0))


def test_predictions_of_any_gate_are_drawn():
    display, gate, X, y = drawn("usage")
    pred = gate.classes_[gate.expert_predict_proba(X).argmax(axis=2)]
    other = GateDisplay.from_predictions(
        gate.gate_proba(X).tolist(), y.tolist(), expert_pred=pred, y_pred=gate.predict(X),
        expert_names=["one", "two", "three"],
    )  # fmt: skip
    for name, values in vars(display.shares).items():
        np.testing.assert_array_equal(getattr(other.shares, name), values)
    assert other.axes_[0].get_yticklabels()[0].get_text() == "one"


def test_panels_divide_an_axes():
    figure, axes = plt.subplots(1, 2)
    display, *_ = drawn()
    display.plot(ax=axes[0])
    assert display.figure_ is figure
    assert len(display.axes_) == 3
    figure.canvas.draw()
    assert all(panel.get_position().x1 <= axes[1].get_position().x0 for panel in display.axes_)
    assert display.plot(kind="regions", ax=axes[1]).axes_[0] is axes[1]
    with pytest.raises(ValueError, match=r"ax must be part of a grid.* for 3 panels"):
        display.plot(ax=figure.add_axes([0, 0, 1, 1]))


def test_nothing_given_is_changed():
    X, y = rows(n_features=4)
    frame, target = pd.DataFrame(X, columns=list("pqrs")), pd.Series(y)
    weight = np.ones(len(y))
    before = frame.copy(), target.copy(), weight.copy()
    gate = FakeGate().fit(frame)
    known = {name: np.copy(value) for name, value in vars(gate).items() if name != "asked_"}
    state = np.random.get_state()[1].copy()  # noqa: NPY002, the global state is what is tested
    settings = dict(matplotlib.rcParams)
    GateDisplay.from_estimator(
        gate, frame, target, features=("p", "q"), sample_weight=weight, max_samples=10
    )
    pd.testing.assert_frame_equal(frame, before[0])
    pd.testing.assert_series_equal(target, before[1])
    np.testing.assert_array_equal(weight, before[2])
    for name, value in known.items():
        np.testing.assert_array_equal(getattr(gate, name), value)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002, as above
    assert dict(matplotlib.rcParams) == settings


def test_an_ensemble_of_pipelines_that_choose_columns_by_name():
    X, y = make_moons(120, noise=0.2, random_state=0)
    frame = pd.DataFrame(X, columns=["east", "north"]).assign(noise=0.5)
    experts = [
        (
            name,
            make_pipeline(make_column_transformer(("passthrough", [name])), LogisticRegression()),
        )
        for name in ("east", "north")
    ]
    gated = GatedEnsembleClassifier(
        experts, gating="hard", gate_hidden_layer_sizes=(5,), cv=2, epochs=3, tol=None,
        random_state=0,
    ).fit(frame, y)  # fmt: skip
    display = GateDisplay.from_estimator(
        gated, frame, y, features=("east", "north"), grid_resolution=15
    )
    np.testing.assert_allclose(display.shares.usage, gated.gate_proba(frame).mean(axis=0))
    right = gated.expert_predict_proba(frame).argmax(axis=2) == y[:, None]
    np.testing.assert_allclose(display.shares.overall_accuracy, right.mean(axis=0))
    assert display.shares.ensemble_overall_accuracy == gated.score(frame, y)
    assert display.expert_names == ["east", "north"]


def test_wrong_estimators_are_refused_in_a_sentence():
    X, y = rows()
    with pytest.raises(NotFittedError):
        GateDisplay.from_estimator(FakeGate(), X, y)
    with pytest.raises(NotFittedError):
        GateDisplay.from_estimator(GatedEnsembleClassifier(), X, y)
    with pytest.raises(
        TypeError, match=r"with gate_proba .* Got LogisticRegression. Pass an ensemble"
    ):
        GateDisplay.from_estimator(LogisticRegression().fit(X, y), X, y)


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"kind": "tree"}, "kind must be 'auto', 'both', .* Got 'tree'"),
        ({"features": (0, 4)}, "X has 4 features. Got 4"),
        ({"features": (0, "q")}, "X has 'east', 'north', 'up', 'down'. Got 'q'"),
        ({"features": (1, "north")}, r"two different features. Got \(1, 'north'\)"),
        ({"features": (0, 1, 2)}, r"features must be two .* Got \(0, 1, 2\)"),
        ({"features": "up"}, "features must be two .* Got 'up'"),
        ({"grid_resolution": 1}, "grid_resolution must be .* at least 2. Got 1"),
        ({"max_samples": -1}, "max_samples must be .* at least 0. Got -1"),
        ({"sample_weight": np.zeros(200)}, "(?i)sample.weights? must .* (above 0|non-zero)"),
        ({"y": np.full(200, "z")}, r"y must hold classes .*\['a', 'b', 'c'\]. Got .*'z'.* row 0"),
        ({"y": ["a"]}, "y must have one entry for each of 200 rows. Got 1"),
    ],
)
def test_wrong_options_are_refused_in_a_sentence(wrong, match):
    X, y = rows(n_features=4)
    frame = pd.DataFrame(X, columns=["east", "north", "up", "down"])
    with pytest.raises(ValueError, match=match):
        GateDisplay.from_estimator(FakeGate().fit(frame), frame, **{"y": y, **wrong})


def test_data_without_regions_are_refused_in_a_sentence():
    X, y = rows(n_features=1)
    gate = FakeGate().fit(X)
    with pytest.raises(ValueError, match=r"at least two features. Got X with 1. Use kind='usage'"):
        GateDisplay.from_estimator(gate, X, y, kind="regions")
    X, y = rows()
    gate = FakeGate().fit(X)
    with pytest.raises(ValueError, match=r"X has no names of features. Use their numbers"):
        GateDisplay.from_estimator(gate, X, y, features=("a", "b"))
    with pytest.raises(TypeError, match=r"need a dense X.* kind='usage'"):
        GateDisplay.from_estimator(gate, sparse.csr_array(X), kind="regions")
    frame = pd.DataFrame({"x": X[:, 0], "word": y})
    with pytest.raises(ValueError, match=r"features that are numbers. Got 'word'"):
        GateDisplay.from_estimator(gate, frame, kind="regions")
    with pytest.raises(ValueError, match=r"Feature 'x0' must be finite"):
        GateDisplay.from_estimator(gate, np.full((3, 2), np.nan), kind="regions")
    display = GateDisplay.from_estimator(gate, X, y, kind="usage")
    with pytest.raises(ValueError, match=r"kind='both' needs regions, which this display was"):
        display.plot(kind="both")


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"gate_weights": [0.5, 0.5]}, r"shape \(n_samples, n_experts\). Got shape \(2,\)"),
        ({"gate_weights": [[1.0, 0], [0.5, 0.6]]}, r"\[0.5, 0.6\] at row 1, which sums to 1.1"),
        ({"gate_weights": [[1.5, -0.5]]}, r"not be negative .* at row 0"),
        ({"y_true": [0, 1]}, "Accuracies need .* Missing: expert_pred, y_pred"),
        ({"expert_names": ["a"]}, r"expert_names must hold 2 names. Got \['a'\]"),
        (
            {"y_true": [0, 1], "y_pred": [0, 1], "expert_pred": np.ones((2, 2, 2))},
            r"expert_pred must have shape \(2, 2\).* Got shape \(2, 2, 2\).*argmax",
        ),
        (
            {"y_true": [0, 1], "y_pred": [0], "expert_pred": [[0, 1], [0, 1]]},
            "y_pred must have one entry for each of 2 rows. Got 1",
        ),
    ],
)
def test_wrong_predictions_are_refused_in_a_sentence(wrong, match):
    with pytest.raises(ValueError, match=match):
        GateDisplay.from_predictions(**{"gate_weights": [[0.5, 0.5], [1, 0]], **wrong})
