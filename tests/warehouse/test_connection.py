"""dbt's own connection to Redshift: redshift-connector, through dbt-redshift, from the project's profile."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.warehouse.conftest import WAREHOUSE, Build, dbt
from tests.warehouse.redshift_server import serving

pytestmark = pytest.mark.slow
# Times of minutes are scaled down to these.
TIMEOUT, STATEMENT = 2, 3.0


def debug(folder: Path, profile: str, port: int) -> Build:
    """`dbt debug` connects and runs one statement."""
    (folder / "profiles.yml").write_text(profile)
    return dbt(
        "debug",
        "--connection",
        folder=folder,
        DBT_PROFILES_DIR=str(folder),
        DBT_ADAPTER="redshift",
        DBT_HOST="127.0.0.1",
        DBT_PORT=str(port),
        DBT_PASSWORD="x",
        DBT_SSLMODE="disable",
    )


def scaled(profile: str) -> str:
    """Each time-out that the profile gives, as TIMEOUT."""
    return re.sub(r"(_timeout: )\d+", rf"\g<1>{TIMEOUT}", profile)


@pytest.mark.nightly
def test_a_statement_that_takes_longer_than_any_time_out_of_the_profile_is_waited_for(tmp_path: Path) -> None:
    with serving(seconds=STATEMENT) as served:
        build = debug(tmp_path, scaled((WAREHOUSE / "profiles.yml").read_text()), served.port)
    assert "Connection test: [OK connection ok]" in build.output
    assert build.code == 0, build.output
    assert any("select 1 as id" in sql for sql in served.answered)


def test_a_connect_timeout_would_end_it(tmp_path: Path) -> None:
    """What makes the test above worth something: dbt-redshift gives connect_timeout to the socket."""
    profile = (WAREHOUSE / "profiles.yml").read_text()
    with_timeout = profile.replace(
        "      type: redshift\n", "      type: redshift\n      connect_timeout: 2\n"
    )
    assert with_timeout != profile
    with serving(seconds=STATEMENT) as served:
        build = debug(tmp_path, with_timeout, served.port)
    assert build.code != 0 and "time" in build.output.lower(), build.output


def test_the_servers_certificate_and_name_are_verified() -> None:
    outputs = yaml.safe_load((WAREHOUSE / "profiles.yml").read_text())["osusume"]["outputs"]
    assert outputs["redshift"]["sslmode"] == "{{ env_var('DBT_SSLMODE', 'verify-full') }}"
