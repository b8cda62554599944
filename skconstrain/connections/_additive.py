"""Additive models: a sum of networks, each of which sees the inputs of its part alone."""

from collections.abc import Sequence
from itertools import combinations
from numbers import Integral

from skconstrain.connections._blocks import blocks
from skconstrain.connections._inputs import read_count, read_group, read_inputs


def additive(
    inputs,
    interaction_cst: str | Sequence = "no_interactions",
    *,
    units_per_part: Sequence = (16, 16),
):
    """Connect only inputs that may interact: the outputs are a sum of parts.

    Each part is a network of its own, fed by the inputs of one group, and ends in one unit. With a
    linear last layer, the network's output is a constant and a weighted sum of the parts: inputs
    that are in no group together do not interact, and with ``"no_interactions"`` the model is a
    generalised additive model, each of whose parts is a curve. A classifier's logits are such
    a sum.

    Parameters
    ----------
    inputs : int, sequence of str or ConnectionMatrix
        Number of inputs, their names, or the layer whose units they are.
    interaction_cst : {"no_interactions", "pairwise"} or sequence of groups, \
            default="no_interactions"
        Which inputs may interact, as in
        :class:`sklearn.ensemble.HistGradientBoostingRegressor`: none, any two, or those of each
        group, by position or by name. Inputs that are in no group are one more group together.
    units_per_part : sequence of int, default=(16, 16)
        Units of the hidden layers of each part.

    Returns
    -------
    list of ConnectionMatrix
        A matrix for each layer of `units_per_part`, and one to the units of the parts, called as
        the inputs of their groups: "bmi", or "age & bmi". Inputs without names are "x0", "x1".

    Raises
    ------
    ValueError
        If groups do not fit the inputs, or numbers of units are not positive.

    See Also
    --------
    blocks : One layer of groups.
    skconstrain.inspection.ContributionDisplay : Draws the parts of a prediction.

    References
    ----------
    .. [1] T. Hastie and R. Tibshirani, "Generalized additive models", Statistical Science 1, 1986.
    .. [2] R. Agarwal et al., "Neural additive models: interpretable machine learning with neural
       nets", NeurIPS 2021.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skconstrain import SparseConnectedNet
    >>> from skconstrain.connections import additive
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> layers = additive(list(X.columns), [["age", "bmi"]])  # all others may interact
    >>> layers[-1].unit_names
    ('age & bmi', 'sex & bp & s1 & s2 & s3 & s4 & s5 & s6')
    >>> curves = additive(list(X.columns))
    >>> activation = ["tanh", "tanh", "linear"]  # the parts are linear
    >>> net = SparseConnectedNet(curves, activation=activation, random_state=0).fit(X, y)
    >>> net.activations(X).columns[:3].tolist()
    ['age', 'sex', 'bmi']
    """
    n_inputs, names = read_inputs(inputs)
    groups = _groups(interaction_cst, n_inputs, names)
    names = names or [f"x{i}" for i in range(n_inputs)]
    parts = {" & ".join(names[i] for i in group): list(group) for group in groups}
    found, members = [inputs], parts
    for n_units in [*_unit_counts(units_per_part), 1]:
        found.append(blocks(found[-1], members, units_per_block=n_units))
        members = dict.fromkeys(parts, n_units)
    return found[1:]


def _groups(interaction_cst, n_inputs, names):
    """Return the sorted positions of the inputs of each group."""
    if isinstance(interaction_cst, str):
        sizes = {"no_interactions": 1, "pairwise": min(2, n_inputs)}
        if interaction_cst not in sizes:
            raise ValueError(
                "interaction_cst must be 'no_interactions', 'pairwise' or a sequence of groups. "
                f"Got {interaction_cst!r}."
            )
        return list(combinations(range(n_inputs), sizes[interaction_cst]))
    if not hasattr(interaction_cst, "__iter__"):
        raise ValueError(
            f"interaction_cst must be a sequence of groups of inputs. Got {interaction_cst!r}."
        )
    place = {name: i for i, name in enumerate(names or [])}
    groups = [
        tuple(read_group(k, group, place, n_inputs).tolist())
        for k, group in enumerate(interaction_cst)
    ]
    rest = tuple(sorted(set(range(n_inputs)).difference(*groups)))
    return list(dict.fromkeys([*groups, rest] if rest else groups))


def _unit_counts(units_per_part):
    if isinstance(units_per_part, str | Integral) or not hasattr(units_per_part, "__iter__"):
        raise ValueError(
            "units_per_part must hold the units of each hidden layer, like (16, 16). "
            f"Got {units_per_part!r}."
        )
    return [read_count(count, name="units_per_part") for count in units_per_part]
