"""JointExperts: networks that are trained together with the gate."""

from skconstrain._gated._strategy import ExpertStrategy


class JointExperts(ExpertStrategy):
    """Experts that are layers of the gate's network: only features are its inputs.

    Parameters
    ----------
    n_experts : int
        Number of networks.
    """

    def __init__(self, n_experts):
        self.names = [f"expert_{i}" for i in range(n_experts)]
        self.columns = None

    def fit(self, rows, given, new_generator, *, n_jobs, verbose, tasks):
        return rows

    def inputs(self, X, X_given, *, n_jobs):
        return X

    def features(self, X):
        return X

    def known_weights(self, X, target, weight):
        return {}

    def learn(self, network, run, rows, train, *, n_jobs):
        return train(network, run)

    def logits(self, gate, X, X_given, *, n_jobs):
        return gate.layer(X, "eta")

    def outputs(self, gate, X, X_given, *, n_jobs):
        return gate.outputs(X)
