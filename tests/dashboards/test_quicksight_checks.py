"""Faults planted in the dashboards' template, each found by the rule that is for it; and none in what is shipped."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from botocore.validate import ParamValidator

from checks.assembly import Assembly
from checks.catalogue import rules
from checks.definitions import model
from checks.rules import quicksight

Template = dict[str, Any]
Definition = dict[str, Any]
API = "https://docs.aws.amazon.com/quicksight/latest/APIReference/API_"
GUIDE = "https://docs.aws.amazon.com/quicksight/latest/user/"
TEMPLATES = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-quicksight-"
ISSUES = "https://github.com/"


@dataclass(frozen=True)
class Planted:
    """`source` says that it is a fault: a page of AWS or a public issue; empty where it follows from the kind."""

    rule: str
    change: Callable[[Template], Any]
    source: str = ""


def of(template: Template, kind: str) -> dict[str, Any]:
    """The first resource's properties."""
    found = (r for r in template["Resources"].values() if r["Type"] == f"AWS::QuickSight::{kind}")
    return dict.__getitem__(next(found), "Properties")


def defined(change: Callable[[Definition], Any]) -> Callable[[Template], Any]:
    return lambda template: change(of(template, "Dashboard")["Definition"])


def visual(definition: Definition, name: str) -> dict[str, Any]:
    """The content of a visual."""
    for sheet in definition["Sheets"]:
        for one in sheet["Visuals"]:
            for content in one.values():
                if content["VisualId"] == name:
                    return dict.__getitem__(one, next(iter(one)))
    raise KeyError(name)


def wells(definition: Definition, name: str) -> dict[str, Any]:
    (found,) = visual(definition, name)["ChartConfiguration"]["FieldWells"].values()
    return dict.__getitem__({"found": found}, "found")


def measure(definition: Definition, name: str) -> dict[str, Any]:
    return dict.__getitem__(wells(definition, name)["Values"][0], "NumericalMeasureField")


def group(definition: Definition, beginning: str) -> dict[str, Any]:
    return next(g for g in definition["FilterGroups"] if g["FilterGroupId"].startswith(f"group-{beginning}"))


def category(definition: Definition, beginning: str) -> dict[str, Any]:
    return dict.__getitem__(group(definition, beginning)["Filters"][0], "CategoryFilter")


def scope(definition: Definition, beginning: str) -> dict[str, Any]:
    selected = group(definition, beginning)["ScopeConfiguration"]["SelectedSheets"]
    return dict.__getitem__({"one": selected["SheetVisualScopingConfigurations"][0]}, "one")


def elements(definition: Definition) -> list[dict[str, Any]]:
    return list(definition["Sheets"][0]["Layouts"][0]["Configuration"]["GridLayout"]["Elements"])


def swapped(definition: Definition, name: str, kind: str) -> None:
    """The first dimension as another kind of field."""
    well = wells(definition, name)["Category"]
    (inner,) = well[0].values()
    well[0] = {kind: {k: v for k, v in inner.items() if k in ("FieldId", "Column")}}


def expression(definition: Definition, text: str) -> None:
    definition["CalculatedFields"][0]["Expression"] = text


def incremental(template: Template) -> dict[str, Any]:
    found = (
        r["Properties"] for r in template["Resources"].values() if r["Type"] == "AWS::QuickSight::DataSet"
    )
    return next(p for p in found if "DataSetRefreshProperties" in p)


def window(template: Template) -> dict[str, Any]:
    refresh = incremental(template)["DataSetRefreshProperties"]["RefreshConfiguration"]
    return dict.__getitem__(refresh["IncrementalRefresh"], "LookbackWindow")


def frequency(template: Template) -> dict[str, Any]:
    return dict.__getitem__(of(template, "RefreshSchedule")["Schedule"], "ScheduleFrequency")


SECOND = {"PieChartVisual": {"VisualId": "second"}}
USER_COVERAGE, RATES = "user-coverage", "rates-by-position"

PLANTED: dict[str, Planted] = {
    "two kinds in one visual": Planted(
        "quicksight-union", defined(lambda d: d["Sheets"][0]["Visuals"][0].update(SECOND)), f"{API}Visual.html"
    ),
    "two kinds in one filter": Planted(
        "quicksight-union",
        defined(lambda d: d["FilterGroups"][0]["Filters"][0].update(TopBottomFilter={})),
        f"{API}Filter.html",
    ),
    "two ways of filtering a category": Planted(
        "quicksight-union",
        defined(lambda d: category(d, "choice-metric")["Configuration"].update(FilterListConfiguration={})),
        f"{API}CategoryFilterConfiguration.html",
    ),
    "all sheets and selected ones": Planted(
        "quicksight-union",
        defined(lambda d: d["FilterGroups"][0]["ScopeConfiguration"].update(AllSheets={})),
        f"{API}FilterScopeConfiguration.html",
    ),
    "a visual of no kind": Planted(
        "quicksight-union", defined(lambda d: d["Sheets"][0]["Visuals"].append({})), f"{API}Visual.html"
    ),
    "a member that QuickSight does not know": Planted(
        "quicksight-unknown-member",
        defined(lambda d: visual(d, USER_COVERAGE).update(Colour="red")),
        f"{ISSUES}aws-samples/sample-kiro-user-analytics-quicksight-dashboard",
    ),
    "a column that the data set lost": Planted(
        "quicksight-reference",
        lambda t: of(t, "DataSet")["PhysicalTableMap"]["mart"]["RelationalTable"]["InputColumns"].pop(),
        f"{ISSUES}awslabs/aws-well-architected-labs/issues/294",
    ),
    "a column misspelt in a field": Planted(
        "quicksight-reference",
        defined(lambda d: measure(d, USER_COVERAGE)["Column"].update(ColumnName="user_covrage")),
        f"{API}DashboardError.html",
    ),
    "a column misspelt in a calculated field": Planted(
        "quicksight-reference", defined(lambda d: expression(d, "sum({clicks}) / sum({shown})"))
    ),
    "a data set that is not declared": Planted(
        "quicksight-reference",
        defined(lambda d: d["DataSetIdentifierDeclarations"].pop()),
        f"{API}DashboardError.html",
    ),
    "a data set of another stack": Planted(
        "quicksight-reference",
        defined(lambda d: d["DataSetIdentifierDeclarations"][0].update(DataSetArn="arn:aws:quicksight:x")),
        f"{API}DataSetIdentifierDeclaration.html",
    ),
    "a filter by a parameter that is not declared": Planted(
        "quicksight-reference",
        defined(lambda d: d["ParameterDeclarations"].clear()),
        f"{API}DashboardError.html",
    ),
    "a control of a parameter that is not declared": Planted(
        "quicksight-reference",
        defined(lambda d: d["Sheets"][1]["ParameterControls"][0]["Dropdown"].update(SourceParameterName="x")),
        f"{API}ParameterDropDownControl.html",
    ),
    "a control of a filter that is not there": Planted(
        "quicksight-reference",
        defined(lambda d: d["Sheets"][0]["FilterControls"][0]["Dropdown"].update(SourceFilterId="x")),
        f"{API}FilterDropDownControl.html",
    ),
    "a filter of a sheet that is not there": Planted(
        "quicksight-reference", defined(lambda d: scope(d, "newest-results").update(SheetId="gone"))
    ),
    "a filter of a visual that is not there": Planted(
        "quicksight-reference", defined(lambda d: scope(d, "newest-results")["VisualIds"].append("gone"))
    ),
    "a layout with a visual that is not there": Planted(
        "quicksight-reference", defined(lambda d: elements(d)[0].update(ElementId="gone"))
    ),
    "a sort by a field of another visual": Planted(
        "quicksight-reference",
        defined(
            lambda d: visual(d, USER_COVERAGE)["ChartConfiguration"]["SortConfiguration"]["CategorySort"][0][
                "FieldSort"
            ].update(FieldId="gone")
        ),
    ),
    "a label of a field of another visual": Planted(
        "quicksight-reference",
        defined(
            lambda d: visual(d, "gate")["ChartConfiguration"]["FieldOptions"]["SelectedFieldOptions"][0].update(
                FieldId="gone"
            )
        ),
    ),
    "the same visual id on two sheets": Planted(
        "quicksight-duplicate",
        defined(lambda d: visual(d, "gate").update(VisualId=USER_COVERAGE)),
        f"{API}LineChartVisual.html",
    ),
    "two sheets of one id": Planted(
        "quicksight-duplicate", defined(lambda d: d["Sheets"][1].update(SheetId=d["Sheets"][0]["SheetId"]))
    ),
    "two filters of one id": Planted(
        "quicksight-duplicate",
        defined(lambda d: category(d, "scores").update(FilterId=category(d, "newest-results")["FilterId"])),
        f"{API}CategoryFilter.html",
    ),
    "two filter groups of one id": Planted(
        "quicksight-duplicate",
        defined(lambda d: d["FilterGroups"][1].update(FilterGroupId=d["FilterGroups"][0]["FilterGroupId"])),
        f"{API}FilterGroup.html",
    ),
    "two fields of one id in a visual": Planted(
        "quicksight-duplicate",
        defined(
            lambda d: measure(d, USER_COVERAGE).update(
                FieldId=wells(d, USER_COVERAGE)["Colors"][0]["CategoricalDimensionField"]["FieldId"]
            )
        ),
    ),
    "a calculated field twice": Planted(
        "quicksight-duplicate", defined(lambda d: d["CalculatedFields"].append(d["CalculatedFields"][0]))
    ),
    "a calculated field with a column's name": Planted(
        "quicksight-duplicate", defined(lambda d: d["CalculatedFields"][0].update(Name="lists"))
    ),
    "a parameter that no filter uses": Planted(
        "quicksight-unused",
        defined(lambda d: category(d, "choice-metric").update(Configuration={
            "CustomFilterConfiguration": {"MatchOperator": "EQUALS", "CategoryValue": "x", "NullOption": "ALL_VALUES"}
        })),
        f"{API}ParameterDeclaration.html",
    ),
    "a visual without a place": Planted("quicksight-unused", defined(lambda d: elements_of(d).pop())),
    "a sheet without a visual": Planted("quicksight-unused", defined(lambda d: d["Sheets"][0]["Visuals"].clear())),
    "a data set in no visual": Planted(
        "quicksight-unused",
        defined(lambda d: d["DataSetIdentifierDeclarations"].append(
            d["DataSetIdentifierDeclarations"][0] | {"Identifier": "spare"})),
    ),
    "a category of a time": Planted(
        "quicksight-type",
        defined(lambda d: swapped(d, USER_COVERAGE, "CategoricalDimensionField")),
        f"{API}CategoricalDimensionField.html",
    ),
    "a date of a number": Planted(
        "quicksight-type", defined(lambda d: swapped(d, RATES, "DateDimensionField")), f"{API}DateDimensionField.html"
    ),
    "a number of a text": Planted(
        "quicksight-type",
        defined(lambda d: measure(d, USER_COVERAGE)["Column"].update(ColumnName="audience")),
        f"{API}NumericalMeasureField.html",
    ),
    "an aggregation of what aggregates": Planted(
        "quicksight-aggregation",
        defined(lambda d: measure(d, RATES).update(AggregationFunction={"SimpleNumericalAggregation": "AVERAGE"})),
        f"{GUIDE}calculated-field-aggregations.html",
    ),
    "an aggregate of an aggregate": Planted(
        "quicksight-aggregation",
        defined(lambda d: expression(d, "avg(sum({score_total}) / {scored_lists})")),
        f"{GUIDE}calculated-field-aggregations.html",
    ),
    "a ratio without its sums": Planted(
        "quicksight-aggregation", defined(lambda d: expression(d, "{score_total} / {scored_lists}"))
    ),
    "a bracket that does not close": Planted(
        "quicksight-aggregation", defined(lambda d: expression(d, "sum({score_total} / sum({scored_lists})"))
    ),
    "a sum of shares": Planted(
        "quicksight-share",
        defined(lambda d: measure(d, USER_COVERAGE)["AggregationFunction"].update(SimpleNumericalAggregation="SUM")),
    ),
    "a mean of shares over a dimension that is not shown": Planted(
        "quicksight-share", defined(lambda d: wells(d, "overlap").pop("Colors"))
    ),
    "a mean of shares over runs whose filter is gone": Planted(
        "quicksight-share",
        defined(lambda d: d["FilterGroups"].remove(group(d, "newest-results"))),
    ),
    "fields of two data sets in a visual": Planted(
        "quicksight-data-sets",
        defined(lambda d: measure(d, "sameness")["Column"].update(
            DataSetIdentifier="mart_list_positions", ColumnName="lists")),
        f"{GUIDE}using-the-multi-dataset-analysis.html",
    ),
    "a filter that does not reach the other data sets": Planted(
        "quicksight-data-sets",
        defined(lambda d: group(d, "choice-solution").update(CrossDataset="SINGLE_DATASET")),
        f"{API}FilterGroup.html",
    ),
    "selected visuals, but none": Planted(
        "quicksight-scope",
        defined(lambda d: scope(d, "newest-results").pop("VisualIds")),
        f"{API}SheetVisualScopingConfiguration.html",
    ),
    "a value and a parameter in one filter": Planted(
        "quicksight-scope",
        defined(lambda d: category(d, "choice-metric")["Configuration"]["CustomFilterConfiguration"].update(
            CategoryValue="coverage")),
        f"{API}CustomFilterConfiguration.html",
    ),
    "a list of no values": Planted(
        "quicksight-scope",
        defined(lambda d: category(d, "scores")["Configuration"]["FilterListConfiguration"].pop("CategoryValues")),
    ),
    "two defaults of a parameter with one value": Planted(
        "quicksight-scope",
        defined(lambda d: d["ParameterDeclarations"][0]["StringParameterDeclaration"]["DefaultValues"][
            "StaticValues"].append("coverage")),
        f"{API}StringParameterDeclaration.html",
    ),
    "an element beyond the grid": Planted(
        "quicksight-layout",
        defined(lambda d: elements(d)[1].update(ColumnIndex=20)),
        f"{API}GridLayoutElement.html",
    ),
    "two elements in one place": Planted(
        "quicksight-layout", defined(lambda d: elements(d)[2].update(RowIndex=0, ColumnIndex=0))
    ),
    "more sheets than 20": Planted(
        "quicksight-limit",
        defined(lambda d: d["Sheets"].extend({"SheetId": f"s{n}"} for n in range(20))),
        f"{API}AnalysisDefinition.html",
    ),
    "a template of more than a megabyte": Planted(
        "quicksight-limit",
        lambda t: t.update(Description="x" * 1_000_000),
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html",
    ),
    "a colour beside two values": Planted(
        "quicksight-series",
        defined(lambda d: wells(d, RATES).update(Colors=wells(d, USER_COVERAGE)["Colors"])),
        f"{GUIDE}line-charts.html",
    ),
    "a refresh of what is not in SPICE": Planted(
        "quicksight-refresh",
        lambda t: of(t, "DataSet").update(ImportMode="DIRECT_QUERY"),
        f"{ISSUES}hashicorp/terraform-provider-aws/issues/31485",
    ),
    "an incremental refresh without a window": Planted(
        "quicksight-refresh",
        lambda t: incremental(t).pop("DataSetRefreshProperties"),
        f"{ISSUES}hashicorp/terraform-provider-aws/issues/35041",
    ),
    "a window over a text": Planted(
        "quicksight-refresh",
        lambda t: window(t).update(ColumnName="made_by"),
        f"{GUIDE}refreshing-imported-data.html",
    ),
    "a weekly refresh without a day": Planted(
        "quicksight-refresh", lambda t: frequency(t).update(Interval="WEEKLY"), f"{API}RefreshFrequency.html"
    ),
    "a daily refresh at no time": Planted(
        "quicksight-refresh", lambda t: frequency(t).update(TimeOfTheDay="7 am"), f"{API}RefreshFrequency.html"
    ),
    "a data set that waits for its rows": Planted(
        "quicksight-wait", lambda t: of(t, "DataSet").pop("IngestionWaitPolicy"), f"{TEMPLATES}dataset.html"
    ),
    "a permission of some actions": Planted(
        "quicksight-permissions",
        lambda t: of(t, "Dashboard")["Permissions"][0]["Actions"].pop(),
        f"{ISSUES}hashicorp/terraform-provider-aws/issues/39219",
    ),
}  # fmt: skip


def elements_of(definition: Definition) -> list[dict[str, Any]]:
    return dict.__getitem__(definition["Sheets"][0]["Layouts"][0]["Configuration"]["GridLayout"], "Elements")


def found(assembly: Assembly, change: Callable[[Template], Any] | None = None) -> set[str]:
    (name,) = assembly.templates
    template = copy.deepcopy(assembly.templates[name])
    if change:
        change(template)
        assert template != assembly.templates[name], "the change changes nothing"
    planted = replace(assembly, templates={name: template})
    return {finding.rule for finding in quicksight.check(planted)}


def test_what_is_shipped_has_no_finding(synthesized: Assembly) -> None:
    assert quicksight.check(synthesized) == []


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_found(synthesized: Assembly, name: str) -> None:
    assert PLANTED[name].rule in found(synthesized, PLANTED[name].change)


@pytest.mark.parametrize(
    "kind", ["DataSource", "DataSet", "VPCConnection", "Folder", "Theme", "Analysis", "Dashboard"]
)
def test_the_sdk_takes_every_resource(synthesized: Assembly, kind: str) -> None:
    """botocore's own validator, of the operation that CloudFormation calls for the resource."""
    shape = model().operation_model(f"Create{kind}").input_shape
    found = list(synthesized.each(f"AWS::QuickSight::{kind}"))
    assert found
    for _, logical_id, properties in found:
        given = {name: value for name, value in properties.items() if name in shape.members}
        assert set(properties) - set(given) <= {"IngestionWaitPolicy", "DataSetRefreshProperties"}
        report = ParamValidator().validate(given, shape)
        assert not report.has_errors(), (logical_id, report.generate_report())


def test_most_faults_are_of_a_source_that_is_not_ours() -> None:
    sourced = [planted for planted in PLANTED.values() if planted.source.startswith("https://")]
    assert len(PLANTED) >= 30 and len(sourced) >= len(PLANTED) / 2


def test_every_rule_has_a_planted_fault() -> None:
    own = {name for name in rules() if name.startswith("quicksight-")}
    assert own == {planted.rule for planted in PLANTED.values()}
