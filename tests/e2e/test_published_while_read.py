"""A run publishes while eight readers go through all users, two pages at a time."""

from __future__ import annotations

import pytest

from tests.e2e.line import Line, wait_for
from tests.e2e.reading import reading

pytestmark = [pytest.mark.e2e, pytest.mark.nightly, pytest.mark.slow]


def test_no_reader_meets_an_error_an_empty_page_or_two_pages_of_different_versions(
    line: Line, first_run: str
) -> None:
    users = sorted(line.shop.user_groups)
    before = line.pointer("personal")["current"]  # other tests run the line, too
    with reading(line, users) as seen:
        second = line.run()
        wait_for(lambda: second in seen.versions, seconds=60, what="a reader's pointers were read again")
    assert not seen.wrong, seen.wrong[:5]
    assert seen.users == set(users) and seen.versions == {before, second}, "all users, before and after"
