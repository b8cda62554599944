"""Connections for people who have edges, bands, blocks or images rather than matrices."""

from skconstrain._connections import ConnectionMatrix

__all__ = ["ConnectionMatrix"]
