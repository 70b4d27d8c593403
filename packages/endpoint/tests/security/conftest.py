from osusume_endpoint.testing.security import *  # noqa: F403 - its fixtures
