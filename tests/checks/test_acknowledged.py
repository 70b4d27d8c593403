from __future__ import annotations

from pathlib import Path

import pytest

from checks.acknowledged import AcknowledgementInvalid, read
from checks.finding import Finding

FOUND = Finding("Storage", "Key", "service-key-owner", "why.", "cure.")


def test_a_finding_that_is_acknowledged_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "acknowledged.yaml"
    file.write_text('findings: [{finding: "Storage/Key: service-key-owner", reason: known}]')
    assert read(file).left([FOUND]) == []


def test_an_acknowledgement_of_nothing_is_itself_a_finding(tmp_path: Path) -> None:
    file = tmp_path / "acknowledged.yaml"
    file.write_text('findings: [{finding: "Storage/Raw", reason: known}]')
    assert [finding.rule for finding in read(file).left([FOUND])] == ["service-key-owner", "acknowledged"]


@pytest.mark.parametrize("entry", ['{finding: "Storage/Raw"}', '{finding: "Storage/Raw", reason: " "}'])
def test_an_acknowledgement_without_a_reason_is_refused(tmp_path: Path, entry: str) -> None:
    file = tmp_path / "acknowledged.yaml"
    file.write_text(f"findings: [{entry}]")
    with pytest.raises(AcknowledgementInvalid, match="reason"):
        read(file)
