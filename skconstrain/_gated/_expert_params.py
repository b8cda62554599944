"""What the fits of experts are given beside X and y: weights of rows, and other metadata."""

from dataclasses import dataclass, field

from sklearn import get_config
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object, process_routing
from sklearn.utils.validation import has_fit_parameter

from skconstrain._sklearn_compat import raise_for_params, rows_of_params
from skconstrain._warn import warn


@dataclass(frozen=True)
class ExpertParams:
    """Keywords for the fits of one expert.

    Attributes
    ----------
    fit
        Keywords of its `fit`.
    asked
        The same for `cross_val_predict`, which routes by the names that the expert asks for.
    """

    fit: dict = field(default_factory=dict)
    asked: dict = field(default_factory=dict)

    def of_rows(self, X, rows) -> dict:
        """Return the keywords of `fit` for some rows of X."""
        return rows_of_params(X, self.fit, rows)


NO_PARAMS = ExpertParams()


def params_of_experts(gate, estimators, weight, metadata) -> dict[str, ExpertParams]:
    """Return what each expert's fits are given, by its name.

    With metadata routing, what an expert requests. Without, weights go to those that take them,
    and there is no other metadata.

    Parameters
    ----------
    gate : GatedEnsembleClassifier
        Routes metadata to its experts.
    estimators : list of (str, classifier)
        The experts.
    weight : ndarray of shape (n_rows,) or None
        Weights of rows.
    metadata : dict
        What the gate's `fit` was given beside its own parameters.
    """
    if get_config()["enable_metadata_routing"]:
        given = metadata if weight is None else {**metadata, "sample_weight": weight}
        routed = process_routing(gate, "fit", **given)
        asked = {
            name: get_routing_for_object(expert).consumes("fit", given)
            for name, expert in estimators
        }
        return {
            name: ExpertParams(dict(routed[name].fit), {key: given[key] for key in asked[name]})
            for name, _ in estimators
        }
    raise_for_params(metadata, gate, "fit")
    if weight is None:
        return {}
    keywords = {name: _keyword_of_weight(expert) for name, expert in estimators}
    given = {name: {keyword: weight} for name, keyword in keywords.items() if keyword is not None}
    return {name: ExpertParams(params, params) for name, params in given.items()}


def warn_of_ignored_weight(estimators, weight, params) -> None:
    """Warn where experts are fitted without the weights that there are."""
    if weight is None or get_config()["enable_metadata_routing"]:
        return
    names = [name for name, _ in estimators if name not in params]
    if names:
        warn(
            f"The experts {', '.join(names)} take no sample_weight: only the gate and the other "
            "experts use it.",
        )


def _keyword_of_weight(estimator):
    """Return the keyword with which an estimator takes weights, or None."""
    last, prefix = estimator, ""
    while isinstance(last, Pipeline):
        prefix += f"{last.steps[-1][0]}__"
        last = last.steps[-1][1]
    return f"{prefix}sample_weight" if has_fit_parameter(last, "sample_weight") else None
