"""AWS's managed policies: their documents as moto carries them, which its authors read from AWS."""

from __future__ import annotations

import ast
import difflib
import importlib.util
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

PREFIX = "arn:aws:iam::aws:policy"


def document(arn: str) -> dict[str, Any] | None:
    """None for a policy that AWS doesn't have, or of which moto doesn't know."""
    found = _policies().get(arn)
    return None if found is None else dict(found["Document"])


def nearest(arn: str) -> str:
    """The policy that was meant, by its name without the path, or ""."""
    by_name = {known.rpartition("/")[2]: known for known in _policies()}
    return "".join(by_name[n] for n in difflib.get_close_matches(arn.rpartition("/")[2], by_name, n=1))


@cache
def _policies() -> Mapping[str, Any]:
    """Each policy by its ARN. Only the file is read: importing moto takes a second and patches botocore."""
    found = importlib.util.find_spec("moto")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError(
            "moto is not installed: run make check, which installs what the checks need"
        )
    source = Path(found.submodule_search_locations[0], "iam", "aws_managed_policies.py").read_text()
    [text] = [n.value for n in ast.parse(source).body if isinstance(n, ast.Assign)]
    policies = json.loads(ast.literal_eval(text))
    return {f"{PREFIX}{policy['Path']}{name}": policy for name, policy in policies.items()}
