"""Every page, in the order in which they are shown."""

from __future__ import annotations

from dashboards.pages import (
    experiment,
    experiments,
    funnel,
    inference,
    offline,
    pipeline,
    quality,
    rules,
    versions,
)
from dashboards.spec import Page, checked

PAGES: tuple[Page, ...] = checked(
    (
        inference.PAGE,
        versions.PAGE,
        offline.PAGE,
        experiments.PAGE,
        experiment.PAGE,
        funnel.PAGE,
        rules.PAGE,
        quality.PAGE,
        pipeline.PAGE,
    )
)
