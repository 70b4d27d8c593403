"""For every test, and every process that a test starts, the example's variations are the configuration.

What asks something of config/ itself says so: it passes `example.CONFIG`.
"""

from __future__ import annotations

import os

from tests import example

os.environ["OSUSUME_CONFIG"] = str(example.folder())
