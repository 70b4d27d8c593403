"""Shares the name with dbt-core, as each adapter's package does."""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
