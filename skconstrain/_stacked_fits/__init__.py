"""Fits that train together."""
