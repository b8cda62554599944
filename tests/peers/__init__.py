"""scikit-learn's own tests, with the classes of this package in place of its own."""
