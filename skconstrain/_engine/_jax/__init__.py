"""Programs under JAX."""
