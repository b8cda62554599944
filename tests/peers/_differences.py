"""Tests of scikit-learn that our classes fail on purpose, each with its reason.

A row explains a failure where its first pattern matches the whole name of the test and its second
is found in the error, so that the same test failing for another reason is not explained.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """Why tests fail, and how.

    Attributes
    ----------
    reason
        A sentence.
    test
        Pattern of the names of tests, with their parameters.
    error
        Pattern of the error.
    """

    reason: str
    test: str
    error: str

    def explains(self, test: str, error: str) -> bool:
        """Return whether this is why a test fails."""
        return bool(re.fullmatch(self.test, test) and re.search(self.error, error))


_WORDS = "The same error in other words: the rule, the value received, the remedy."
_NO_LBFGS = "There is no L-BFGS and no max_fun: Keras' optimizers train in batches."
_ONE_NETWORK = "One network for all labels: no estimator, order or feature for each label."

_PERCEPTRON = [
    Difference(
        "The last kernel starts at zero, so that training starts at the shares of classes; it "
        "still grows when the test compares it.",
        "test_alpha",
        r"\.all",
    ),
    Difference(
        "The same start: partial_fit gives what fit gives, but a hundred epochs of SGD end earlier "
        "on the way.",
        "test_partial_fit_classification|test_partial_fit_regression",
        r"^(AssertionError: )?assert 0\.\d+ > 0\.(65|95)",
    ),
    Difference(
        "coefs_ reads the weights of the network: they are set by training only.",
        "test_fit",
        "'coefs_' .* has no setter",
    ),
    Difference(
        "The test calls private methods of scikit-learn's L-BFGS.", "test_gradient", "n_layers_"
    ),
    Difference(_NO_LBFGS, "test_lbfgs_regression.*", r"assert 0\.\d+ > 0\.98"),
    Difference(_NO_LBFGS, "test_lbfgs_.*_maxfun.*", "DID NOT WARN|assert 10 >= "),
    Difference(_NO_LBFGS, "test_partial_fit_errors", r"hasattr\(.*'partial_fit'\)"),
    Difference(
        "Schedules of the learning rate are Keras': they are given with the optimizer.",
        "test_learning_rate_warmstart|test_adaptive_learning_rate",
        "NoCounterpart: no parameter for learning_rate",
    ),
    Difference(
        "The loss of several labels is their mean, where scikit-learn takes their sum: five labels "
        "need five times the learning rate, with which the score is 1.",
        "test_multilabel_classification",
        r"assert 0\.\d+ > 0\.9",
    ),
    Difference(
        _WORDS,
        "test_nonfinite_params|test_minimum_input_sample_size|test_mlp_partial_fit_after_fit.*",
        "Actual message: '.*(scale X|leaves 1 of 2 samples|cannot stop early)",
    ),
    Difference("Rows are always shuffled.", "test_shuffle", "NoCounterpart: no parameter for shuf"),
    Difference("Keras' word for it is epoch.", "test_verbose_sgd", "'Iteration' in 'Epoch 1/2"),
    Difference(
        "best_loss_ is the smallest monitored loss, with early stopping that of the validation "
        "rows; there is no best_validation_score_, and validation scores are losses.",
        "test_early_stopping.*",
        "is None",
    ),
    Difference(
        "A warm start takes rows of some of the classes, as partial_fit does.",
        "test_warm_start",
        "DID NOT RAISE",
    ),
    Difference(
        "n_iter_ counts the epochs of all fits of a warm start, as loss_curve_ holds them; epochs "
        "are those of one fit.",
        "test_warm_start_full_iteration.*|test_mlp_warm_start_no_convergence.*",
        "assert (3 == 6|30 == 20)",
    ),
    Difference(
        "The test reads a private count.", "test_n_iter_no_change.*", "_no_improvement_count"
    ),
    Difference(
        "A class of one row stays in the training part, and early stopping works.",
        "test_early_stopping_stratified",
        "DID NOT RAISE",
    ),
    Difference(
        "fit needs two rows, from which it takes the scale of targets; partial_fit takes one.",
        "test_mlp_loading_from_joblib_partial_fit",
        "a minimum of 2 is required",
    ),
    Difference(
        "One class is refused, as by most classifiers of scikit-learn.",
        r"test_preserve_feature_names\[MLPClassifier\]",
        "needs at least 2 classes",
    ),
    Difference(
        "Targets are trained in the unit of their spread, so that this rate does not diverge; "
        "where one does, it is an error.",
        "test_mlp_diverging_loss",
        r"assert '-0\.\d+' == 'nan'",
    ),
    Difference(
        "Deviance losses belong to PositiveRegressor, whose predictions are positive.",
        r"test_mlp_vs_poisson_glm_equivalent.*",
        "'poisson'",
    ),
]

_THRESHOLDS = [
    Difference(
        "A multiclass target is fitted without thresholds.",
        r"test_tuned_threshold_classifier_no_binary\[data0\]",
        "DID NOT RAISE",
    ),
    Difference(
        "Several labels are what the class is for; only the classifier is refused.",
        r"test_tuned_threshold_classifier_no_binary\[data1\]",
        "estimator must take the 5 labels",
    ),
    Difference(
        "refit is not read where cv='prefit', so True is no contradiction.",
        r"test_tuned_threshold_classifier_conflict_cv_refit\[params0.*",
        "needs a fitted estimator",
    ),
    Difference(
        _WORDS,
        r"test_tuned_threshold_classifier_conflict_cv_refit\[params[12].*",
        "needs a single split|needs a fitted estimator",
    ),
    Difference(
        "Every observed cut-off is examined: there is no list of candidates to give.",
        "test_tuned_threshold_classifier_thresholds_array",
        "NoCounterpart: no parameter for a list of thresholds",
    ),
    Difference(
        "cv_results_ holds a list with an array for each label, of all its cut-offs.",
        r"test_tuned_threshold_classifier_without_constraint_value.*",
        "'list' object has no attribute 'shape'",
    ),
    Difference(
        "A constant score has no better cut-off than the default, which stays.",
        "test_tuned_threshold_classifier_error_constant_predictor",
        "DID NOT RAISE",
    ),
]

_STACKING = [
    Difference(
        "The gate always sees X, and the mixture never does: there is no passthrough.",
        ".*",
        "NoCounterpart: no parameter for passthrough",
    ),
    Difference(
        _WORDS,
        r"test_stacking_classifier_error\[y[01].*|test_stacking_without_n_features_in.*",
        "Actual message: .*(Got 0|needs experts that have it|has no attribute 'n_features_in_')",
    ),
    Difference(
        "Experts that take no sample_weight are fitted without, with a warning.",
        r"test_stacking_classifier_error\[y2.*",
        "DID NOT RAISE",
    ),
    Difference(
        "The gate is in place of a final estimator.",
        r"test_stacking_classifier_error\[y3.*|test_stacking_final_estimator_attribute_error",
        "DID NOT RAISE",
    ),
    Difference(
        "The gate is in place of a final estimator.",
        r"test_stacking_cv_influence\[StackingClassifier\]",
        "final_estimator_",
    ),
    Difference(
        "The gate is in place of a final estimator, to which predict would pass metadata.",
        "test_metadata_routing_for_stacking_estimators.*",
        r"predict\(\) got an unexpected keyword",
    ),
    Difference(
        "A gate predicts one class a row; several labels are for MultiLabelNetClassifier.",
        "test_stacking_classifier_multilabel.*",
        "predicts one class a row",
    ),
    Difference(
        "transform gives probabilities, as the gate weighs them. Decisions become probabilities by "
        "a scale and a shift that are learnt with the gate, and depend on the other experts.",
        r"test_stacking_randomness\[StackingClassifier\]",
        "Not equal to tolerance",
    ),
    Difference(
        "A regressor gives no probabilities to mix.",
        "test_stacking_classifier_base_regressor",
        "must be classifiers",
    ),
]

_SEVERAL_OUTPUTS = [
    Difference(
        "A column is a label of 0 and 1: several columns of classes are refused, and the error "
        "names MultiOutputClassifier.",
        ".*",
        "several columns of classes are not supported|must hold the numbers 0 and 1",
    ),
    Difference(
        "A network has probabilities, whatever scikit-learn's estimator has.",
        "test_classifier_chain_fit_and_predict_with_linear_svc.*",
        "'predict_proba'",
    ),
    Difference(
        _ONE_NETWORK,
        r"test_classifier_chain_fit_and_predict\[.*|test_base_chain_random_order",
        "no attribute '(estimators|order)_'",
    ),
    Difference(
        _ONE_NETWORK,
        r"test_base_chain_crossval_fit_and_predict\[classifier.*",
        r"assert not np\.True_",
    ),
    Difference(_ONE_NETWORK, "test_classifier_chain_verbose", "re.match"),
    Difference(
        "A network has no estimators to which fit would pass metadata.",
        r"test_multioutput_estimator_with_fit_params\[estimator0.*|test_fit_params_no_routing.*",
        "got an unexpected keyword argument",
    ),
]

DIFFERENCES = {
    "sklearn.neural_network.tests.test_mlp": _PERCEPTRON,
    "sklearn.model_selection.tests.test_classification_threshold": _THRESHOLDS,
    "sklearn.ensemble.tests.test_stacking": _STACKING,
    "sklearn.tests.test_multioutput": _SEVERAL_OUTPUTS,
}


def reason_of(module: str, test: str, error: str) -> str | None:
    """Return why a test of a module fails, or None if nobody has said so."""
    found = (row.reason for row in DIFFERENCES[module] if row.explains(test, error))
    return next(found, None)
