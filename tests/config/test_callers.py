"""Names of callers: those of roles that are made for an environment follow the environment's name."""

from __future__ import annotations

import pytest

from config import serving
from local.storefront import roles
from tests import example


@pytest.mark.parametrize("app", ["osusume", "acme"])
def test_a_role_of_the_environment_is_named_by_its_prefix(app: str) -> None:
    api = {"may_explain": ["{prefix}-storefront", "Console"], "service_callers": ["{prefix}-mailer"]}
    settings = example.settings(app=app, api=api)
    told = serving.content(settings)
    assert told["may_explain"] == [roles.application(settings.names), "Console"]
    assert told["may_explain"][0] == f"{app}-dev-storefront"
    assert told["service_callers"] == [f"{app}-dev-mailer"]
