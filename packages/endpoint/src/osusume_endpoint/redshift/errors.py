"""Why a statement is not passed on to PostgreSQL."""

from __future__ import annotations


class NotTranslatable(Exception):
    """Valid on Redshift, not emulated here."""


class InvalidRedshift(Exception):
    """PostgreSQL would run it and Redshift would not. The message is worded as Redshift words it."""
