"""A hostile campaign: rows that should break a guarantee, and calls that should be refused."""
