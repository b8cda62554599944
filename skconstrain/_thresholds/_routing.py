"""How metadata reaches the fits, the folds and the search of thresholds."""

from sklearn import get_config
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.validation import has_fit_parameter

from skconstrain._sklearn_compat import raise_for_params


def routed_parameters(tuner, params):
    """Return those of the classifiers' `fit`, and of the splitter's `split`."""
    others = {name: value for name, value in params.items() if name != "sample_weight"}
    raise_for_params(others, tuner, "fit")
    if tuner.cv == "prefit" and not others:
        return {}, {}  # the weights are for the search only
    if get_config()["enable_metadata_routing"]:
        routed = process_routing(tuner, "fit", **params)
        return routed.estimator.fit, routed.splitter.split
    weight = params.get("sample_weight")
    if weight is None:
        return {}, {}
    if has_fit_parameter(tuner.estimator, "sample_weight"):
        return {"sample_weight": weight}, {}
    raise ValueError(
        "Without metadata routing sample_weight needs a classifier whose fit takes it. "
        f"Got {type(tuner.estimator).__name__}. Use "
        "sklearn.set_config(enable_metadata_routing=True) and the classifier's set_fit_request."
    )


def metadata_router(tuner) -> MetadataRouter:
    """Return the requests of a tuner, of its estimator and of its splitter."""
    to_fit, to_split = (MethodMapping().add(caller="fit", callee=c) for c in ("fit", "split"))
    return (
        MetadataRouter(owner=type(tuner).__name__)
        .add_self_request(tuner)
        .add(estimator=tuner.estimator, method_mapping=to_fit)
        .add(splitter=tuner.cv, method_mapping=to_split)
    )
