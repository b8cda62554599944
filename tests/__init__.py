"""A package: iterative-stratification installs a ``tests`` too, which would hide ours."""
