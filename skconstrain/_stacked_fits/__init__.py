"""Fits that train together.

The tasks of a parallel call are collected by a backend of joblib. They run in threads that wait for
each other at a barrier where they would train, or go in groups to workers elsewhere, each of which
has a barrier of its own.
"""
