"""Who may call beyond the account, and how much: usage plans with API keys, and other accounts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from config.errors import did_you_mean
from config.names import without_dashes
from config.section import Section
from lambdas.get_recommendations.routes import ROUTES

# AWS's own examples, and numbers that nobody has.
_NOBODYS = frozenset({"123456789012", *(digit * 12 for digit in "0123456789")})
OPERATIONS = tuple(route.operation for route in ROUTES)

PlanName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,29}$")]
Account = Annotated[str, Field(pattern=r"^\d{12}$")]
# Stands for `<app>-<environment>`, so that names of roles that are made for an environment follow its name.
PREFIX = "{prefix}"
# IAM user guide, "IAM name requirements"; a name alone, since it is compared with that of the caller.
MAX_PRINCIPAL = 64
# Keys of `api` that hold such names.
NAMED = ("may_explain", "service_callers")
Principal = Annotated[str, Field(pattern=rf"^(\*|(\{{prefix\}})?[A-Za-z0-9_+=,.@-]{{1,{MAX_PRINCIPAL}}})$")]


class UsagePlan(Section):
    """How often the holder of one API key may call; a key is made for each plan, and its value is in no template."""

    rate_per_second: int = Field(ge=1, le=10000)
    """Steady requests a second of the key, below those of the stage."""
    burst: int = Field(ge=1, le=5000)
    """Requests of a burst."""
    quota: int | None = Field(default=None, ge=1, le=1_000_000_000)
    """Requests of each `per`; none: as many as the rate lets through."""
    per: Literal["day", "week", "month"] | None = None
    """The period of `quota`."""

    @model_validator(mode="after")
    def _a_quota_has_its_period(self) -> Self:
        if (self.quota is None) != (self.per is None):
            raise ValueError(f"quota is {self.quota} and per {self.per!r}: give both, or neither")
        return self


def named(principals: Iterable[str], *, prefix: str) -> list[str]:
    """The names with the environment's `prefix` in place of PREFIX. Raises ValueError for one too long, or twice."""
    found: list[str] = []
    for one in principals:
        name = one.replace(PREFIX, prefix)
        if len(name) > MAX_PRINCIPAL:
            raise ValueError(
                f"has {one!r}, which is {name!r} here: IAM's names have {MAX_PRINCIPAL} characters at most, shorten it"
            )
        if name in found:
            raise ValueError(f"has {one!r}, which is {name!r} here and listed twice: keep one")
        found.append(name)
    return found


def check_named(api: Any, *, prefix: str) -> None:
    """Raises ValueError for names of `api` that are none in this environment."""
    for key in NAMED:
        try:
            named(getattr(api, key), prefix=prefix)
        except ValueError as error:
            raise ValueError(f"api.{key} {error}") from None


def check_plans(plans: Mapping[str, UsagePlan], routes: Iterable[str], *, rate: int, burst: int) -> None:
    """Plans and routes that need a key are of use to each other, and within the stage's limits. Raises ValueError."""
    wanted = list(routes)
    for one in wanted:
        if one not in OPERATIONS:
            raise ValueError(
                f"key_routes has {one!r}, no operation of the API: {did_you_mean(one, OPERATIONS)}"
            )
        if wanted.count(one) > 1:
            raise ValueError(f"key_routes has {one!r} twice: keep one")
    if bool(plans) != bool(wanted):
        missing, there = ("usage_plans", "key_routes") if wanted else ("key_routes", "usage_plans")
        why = "nobody would have a key" if wanted else "no route would ask for a key"
        raise ValueError(f"{there} is given without {missing}, so {why}: give both, or neither")
    seen: dict[str, str] = {}
    for name in plans:
        other = seen.setdefault(without_dashes(name), name)
        if other != name:
            raise ValueError(
                f"usage_plans has {other!r} and {name!r}, which are one name to a template, whose ids have no dashes: "
                "rename one"
            )
    for name, plan in plans.items():
        for key, most in (("rate_per_second", rate), ("burst", burst)):
            if getattr(plan, key) > most:
                raise ValueError(
                    f"usage_plans.{name}.{key} is {getattr(plan, key)}, and the stage lets {most} through: lower it, "
                    f"or raise api.{key}"
                )


def check_accounts(accounts: Iterable[str]) -> None:
    listed = list(accounts)
    for one in listed:
        if one in _NOBODYS:
            raise ValueError(
                f"caller_accounts has {one!r}, an example's number: write that of the account that calls"
            )
        if listed.count(one) > 1:
            raise ValueError(f"caller_accounts has {one!r} twice: keep one")


def check_own(accounts: Iterable[str], account: str) -> None:
    if account in accounts:
        raise ValueError(
            f"api.caller_accounts has {account!r}, the environment's own account, whose roles need no more than the "
            "policy CallerPolicyArn: remove it"
        )
