"""Map: item processor, reader, batcher and writer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from osusume_endpoint.stepfunctions.flows import JSONATA
from osusume_endpoint.stepfunctions.item_reader import DELIMITERS
from osusume_endpoint.stepfunctions.validation.expressions import check_template
from osusume_endpoint.stepfunctions.validation.report import NOT_EMULATED, Report

DISTRIBUTED_ONLY = (
    "ItemReader",
    "ItemBatcher",
    "ResultWriter",
    "Label",
)
READERS = ("s3:getObject", "s3:listObjectsV2")
INPUT_TYPES = ("CSV", "JSON", "JSONL")
INPUT_TYPES_NOT_EMULATED = ("MANIFEST", "PARQUET")
TRANSFORMATIONS = ("NONE", "COMPACT", "FLATTEN")
LONGEST_LABEL = 40
# state-map-distributed.html, "Map state fields": as in names of executions.
UNFIT_IN_LABEL = re.compile(r"[\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]")


def processor_of(state: Mapping[str, Any]) -> Any:
    return state.get("ItemProcessor", state.get("Iterator"))


def is_distributed(state: Mapping[str, Any]) -> bool:
    processor = processor_of(state)
    config = processor.get("ProcessorConfig", {}) if isinstance(processor, dict) else {}
    return bool(config.get("Mode") == "DISTRIBUTED")


def check(report: Report, state: Mapping[str, Any], path: str, language: str) -> None:
    config = (processor_of(state) or {}).get("ProcessorConfig", {})
    where = f"{path}/ItemProcessor/ProcessorConfig"
    report.expect(
        config.get("Mode", "INLINE") in ("INLINE", "DISTRIBUTED"), "Mode is INLINE or DISTRIBUTED", where
    )
    if not is_distributed(state):
        for name in DISTRIBUTED_ONLY:
            message = f'The field "{name}" needs a Map state in DISTRIBUTED mode'
            report.expect(name not in state, message, f"{path}/{name}")
        return
    kind = config.get("ExecutionType")
    report.expect(kind in ("STANDARD", "EXPRESS"), "ExecutionType must be STANDARD or EXPRESS", where)
    label = state.get("Label", "")
    report.expect(
        len(label) <= LONGEST_LABEL, f"A Label has at most {LONGEST_LABEL} characters", f"{path}/Label"
    )
    message = "A Label has no spaces, wildcards, brackets or special characters"
    report.expect(not UNFIT_IN_LABEL.search(label), message, f"{path}/Label")
    if "ItemReader" in state:
        _check_reader(report, state["ItemReader"], f"{path}/ItemReader", language)
    if "ItemBatcher" in state:
        _check_batcher(report, state["ItemBatcher"], f"{path}/ItemBatcher", language)
    if "ResultWriter" in state:
        _check_writer(report, state["ResultWriter"], f"{path}/ResultWriter")


def _check_reader(report: Report, reader: Mapping[str, Any], path: str, language: str) -> None:
    resource = str(reader.get("Resource"))
    message = f"Resource must end with one of {', '.join(READERS)}"
    report.expect(resource.endswith(READERS), message, f"{path}/Resource")
    location = "Arguments" if language == JSONATA else "Parameters"
    report.expect(location in reader, f'The field "{location}" is required but was missing', path)
    config = reader.get("ReaderConfig", {})
    kind = config.get("InputType")
    if resource.endswith("getObject"):
        if kind in INPUT_TYPES_NOT_EMULATED:
            report.add(f"InputType {kind}", f"{path}/ReaderConfig/InputType", code=NOT_EMULATED)
        else:
            message = f"InputType must be one of {', '.join(INPUT_TYPES)}"
            report.expect(kind in INPUT_TYPES, message, f"{path}/ReaderConfig/InputType")
    if "ManifestType" in config:
        report.add("ManifestType", f"{path}/ReaderConfig/ManifestType", code=NOT_EMULATED)
    if config.get("Transformation", "NONE") != "NONE":
        report.add("LOAD_AND_FLATTEN", f"{path}/ReaderConfig/Transformation", code=NOT_EMULATED)
    if kind == "CSV":
        _check_csv(report, config, f"{path}/ReaderConfig")


def _check_csv(report: Report, config: Mapping[str, Any], path: str) -> None:
    header = config.get("CSVHeaderLocation")
    report.expect(header in ("FIRST_ROW", "GIVEN"), "CSVHeaderLocation must be FIRST_ROW or GIVEN", path)
    report.expect(header != "GIVEN" or "CSVHeaders" in config, "GIVEN needs CSVHeaders", path)
    delimiter = config.get("CSVDelimiter", "COMMA")
    report.expect(delimiter in DELIMITERS, f"CSVDelimiter must be one of {', '.join(DELIMITERS)}", path)


def _check_batcher(report: Report, batcher: Mapping[str, Any], path: str, language: str) -> None:
    limits = (
        "MaxItemsPerBatch",
        "MaxItemsPerBatchPath",
        "MaxInputBytesPerBatch",
        "MaxInputBytesPerBatchPath",
    )
    given = any(name in batcher for name in limits)
    report.expect(given, "ItemBatcher needs MaxItemsPerBatch or MaxInputBytesPerBatch", path)
    if language != JSONATA and "BatchInput" in batcher:
        check_template(report, batcher["BatchInput"], f"{path}/BatchInput")


def _check_writer(report: Report, writer: Mapping[str, Any], path: str) -> None:
    config = writer.get("WriterConfig", {})
    report.expect("Resource" in writer or bool(config), "ResultWriter needs Resource or WriterConfig", path)
    if "Resource" in writer:
        fits = str(writer["Resource"]).endswith("s3:putObject")
        report.expect(fits, "Resource must be arn:aws:states:::s3:putObject", f"{path}/Resource")
    transformation = config.get("Transformation", "NONE")
    message = f"Transformation must be one of {', '.join(TRANSFORMATIONS)}"
    report.expect(transformation in TRANSFORMATIONS, message, f"{path}/WriterConfig")
    report.expect(
        config.get("OutputType", "JSON") in ("JSON", "JSONL"), "OutputType must be JSON or JSONL", path
    )
