"""Benchmarks, run by hand: ``python -m tests.benchmarks.fit`` from the root of the repository."""
