"""Domain use cases: recommenders trained by a recipe of ours on the events that the use case names."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class UseCase:
    """`event_types` are required in the data, as the guide's "Choosing recommender use cases" lists them."""

    name: str
    domain: str
    base: str
    event_types: tuple[str, ...] = ()

    @property
    def arn(self) -> str:
        return f"arn:aws:personalize:::recipe/{self.name}"

    @property
    def base_arn(self) -> str:
        return f"arn:aws:personalize:::recipe/{self.base}"


_SHOP, _VIDEO = "ECOMMERCE", "VIDEO_ON_DEMAND"
CASES: tuple[UseCase, ...] = (
    UseCase("aws-ecomm-popular-items-by-views", _SHOP, "aws-popularity-count", ("View",)),
    UseCase("aws-ecomm-popular-items-by-purchases", _SHOP, "aws-popularity-count", ("Purchase",)),
    UseCase("aws-ecomm-frequently-bought-together", _SHOP, "aws-similar-items", ("Purchase",)),
    UseCase("aws-ecomm-customers-who-viewed-x-also-viewed", _SHOP, "aws-similar-items", ("View",)),
    UseCase("aws-ecomm-recommended-for-you", _SHOP, "aws-user-personalization"),
    UseCase("aws-vod-because-you-watched-x", _VIDEO, "aws-similar-items", ("Watch",)),
    UseCase("aws-vod-more-like-x", _VIDEO, "aws-similar-items"),
    UseCase("aws-vod-most-popular", _VIDEO, "aws-popularity-count", ("Watch",)),
    UseCase("aws-vod-trending-now", _VIDEO, "aws-trending-now"),
    UseCase("aws-vod-top-picks", _VIDEO, "aws-user-personalization"),
)


def find(arn: str) -> UseCase | None:
    return next((case for case in CASES if case.arn == arn), None)
