"""What `make checkov` does with checkov's report; the program itself runs in CI, from an environment of its own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from checks import checkov
from checks.acknowledged import CHECKOV, Acknowledged, Acknowledgement, read
from checks.checkov import CheckovFailed
from checks.finding import Finding


def failed(check: str, logical_id: str) -> Finding:
    return Finding("Storage", logical_id, f"checkov-{check}", "title.", "cure.")


RAW = failed("CKV_AWS_18", "Raw72517081")
KNOWN = Acknowledgement("checkov-CKV_AWS_18", RAW.place, "known")


def report(*failed: tuple[str, str], passed: int = 9, errors: int = 0) -> dict[str, Any]:
    checks = [
        {
            "check_id": check,
            "check_name": "title",
            "file_path": "/Storage.template.json",
            "resource": resource,
        }
        for check, resource in failed
    ]
    summary = {"passed": passed, "failed": len(checks), "parsing_errors": errors}
    return {"summary": summary, "results": {"failed_checks": checks}}


def test_a_failed_check_is_named_by_stack_and_logical_id() -> None:
    [found] = checkov.read(report(("CKV_AWS_18", "AWS::S3::Bucket.Raw72517081")))
    assert (found.rule, found.place, found.why) == ("checkov-CKV_AWS_18", "Storage/Raw72517081", "title.")


@pytest.mark.parametrize("empty", [report(passed=0), report(errors=1), {"passed": 0, "failed": 0}])
def test_a_report_on_nothing_is_no_success(empty: dict[str, Any]) -> None:
    with pytest.raises(CheckovFailed, match="did not look at the templates"):
        list(checkov.read(empty))


def test_a_program_that_is_not_installed_is_no_success(tmp_path: Path) -> None:
    with pytest.raises(CheckovFailed, match="run `make checkov`"):
        checkov.run([], program=tmp_path / "checkov")


def test_what_is_acknowledged_is_left_out_and_what_is_not_is_a_finding() -> None:
    known = Acknowledged((KNOWN,))
    assert known.left([RAW]) == []
    [finding] = known.left([RAW, failed("CKV_AWS_21", "Raw72517081")])
    assert (finding.stack, finding.logical_id, finding.rule) == (
        "Storage",
        "Raw72517081",
        "checkov-CKV_AWS_21",
    )


def test_an_acknowledgement_of_another_resource_does_not_count() -> None:
    other = failed("CKV_AWS_18", "RawArchive72517081")
    assert [finding.rule for finding in Acknowledged((KNOWN,)).left([other])] == [
        "checkov-CKV_AWS_18",
        "acknowledged",
    ]


def test_every_acknowledgement_names_one_resource_and_a_reason() -> None:
    found = read().of(CHECKOV).entries
    assert len({(one.rule, one.where) for one in found}) == len(found) > 50
    for one in found:
        assert re.fullmatch(r"[A-Z]\w+/[A-Z]\w+", one.where) and len(one.reason.split()) > 5
