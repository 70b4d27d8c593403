"""Account, region and names of an environment as `{account}`, `{region}`, `{prefix}`: what is kept holds for all."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Placeholders:
    """`prefix` is `<app>-<environment>`."""

    account: str
    region: str
    prefix: str

    @property
    def _pairs(self) -> tuple[tuple[str, str], ...]:
        """(value, placeholder). Parameters are below /<app>/<environment>/, metrics in <App>/<environment>."""
        app, _, environment = self.prefix.rpartition("-")
        return (
            (self.account, "{account}"),
            (self.region, "{region}"),
            (self.prefix, "{prefix}"),
            (f"/{app}/{environment}/", "/{app}/{environment}/"),
            (f"{app.capitalize()}/{environment}", "{App}/{environment}"),
        )

    def hide(self, text: str) -> str:
        for value, placeholder in self._pairs:
            text = text.replace(value, placeholder)
        return text

    def show(self, text: str) -> str:
        for value, placeholder in self._pairs:
            text = text.replace(placeholder, value)
        return text
