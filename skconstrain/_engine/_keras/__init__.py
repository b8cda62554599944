"""Programs under every other backend, by Keras' own fit."""
