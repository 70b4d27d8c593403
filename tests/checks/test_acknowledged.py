from __future__ import annotations

from pathlib import Path

import pytest

from checks.acknowledged import CDK_NAG, CHECKOV, Acknowledged, AcknowledgementInvalid, read
from checks.finding import Finding

FOUND = Finding("Storage", "Key", "service-key-owner", "why.", "cure.")


def known(tmp_path: Path, entry: str) -> Acknowledged:
    file = tmp_path / "acknowledged.yaml"
    file.write_text(f"acknowledged: [{entry}]")
    return read(file)


def test_a_finding_that_is_acknowledged_is_left_out(tmp_path: Path) -> None:
    entry = "{rule: service-key-owner, where: [Storage/Key], reason: known}"
    assert known(tmp_path, entry).left([FOUND]) == []


def test_an_acknowledgement_of_nothing_is_itself_a_finding(tmp_path: Path) -> None:
    entry = "{rule: service-key-owner, where: [Storage/Raw], reason: known}"
    found = known(tmp_path, entry).left([FOUND])
    assert [finding.rule for finding in found] == ["service-key-owner", "acknowledged"]


def test_each_place_of_an_entry_must_be_needed(tmp_path: Path) -> None:
    entry = "{rule: service-key-owner, where: [Storage/Key, Storage/Other], reason: known}"
    [finding] = known(tmp_path, entry).left([FOUND])
    assert finding.rule == "acknowledged" and "Storage/Other" in finding.why


def test_what_another_environment_may_need_is_not_called_unneeded(tmp_path: Path) -> None:
    entry = "{rule: service-key-owner, where: [Storage/Raw], reason: known}"
    assert known(tmp_path, entry).left([], everything=False) == []


@pytest.mark.parametrize(
    ("rule", "where", "says"),
    [
        ("service-key", "Storage/Key", ""),
        ("service-key-owner", "Storage/K", ""),
        ("service-key-owner", "age/Key", ""),
        ("service-key-owner", "Storage/Key", "because"),
    ],
)
def test_an_acknowledgement_fits_as_a_whole(tmp_path: Path, rule: str, where: str, says: str) -> None:
    more = f", says: {says}" if says else ""
    entry = f"{{rule: {rule}, where: [{where}], reason: known{more}}}"
    assert FOUND in known(tmp_path, entry).left([FOUND])


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ('{rule: "x", where: ["Storage/Raw"]}', "reason"),
        ('{rule: "x", where: ["Storage/Raw"], reason: " "}', "reason"),
        ('{rule: "x", reason: known}', "where"),
        ('{rule: "x", where: [], reason: known}', "where"),
        ('{rule: "x", where: "Storage/Raw", reason: known}', "a list"),
        ('{rule: "x", where: ["Storage/Raw"], reason: known, until: 2027}', "nothing else"),
        ('{rule: "x(", where: ["Storage/Raw"], reason: known}', "no expression"),
    ],
)
def test_an_acknowledgement_without_place_or_reason_is_refused(tmp_path: Path, entry: str, told: str) -> None:
    with pytest.raises(AcknowledgementInvalid, match=told):
        known(tmp_path, entry)


def test_every_reason_says_something() -> None:
    assert all(len(entry.reason.split()) > 5 for entry in read().entries)


def test_each_run_judges_the_acknowledgements_of_its_own_tools() -> None:
    every = read()
    parts = [every.of(CDK_NAG), every.of(CHECKOV), every.without(CDK_NAG, CHECKOV)]
    assert sum(len(part.entries) for part in parts) == len(every.entries)
    nag, checkov, own = (part.entries for part in parts)
    assert nag and checkov, "our own checks may have nothing to acknowledge"
    assert not any(entry.rule.startswith(("cdk-nag", "checkov")) for entry in own)
