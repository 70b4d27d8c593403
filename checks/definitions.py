"""QuickSight's definitions as templates hold them, read by botocore's model of CreateAnalysis."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from checks.assembly import Assembly, Stack

Value = Any
Columns = Mapping[str, str]
Said = Iterator[tuple[str, str]]  # (rule, why)
VIEWS = ("AWS::QuickSight::Analysis", "AWS::QuickSight::Dashboard")


@dataclass(frozen=True)
class Node:
    """A part of a definition: where it stands, the name of its shape, and itself."""

    path: tuple[str, ...]
    shape: Any
    value: Value

    @property
    def place(self) -> str:
        return ".".join(self.path)


@dataclass(frozen=True, eq=False)
class View:
    """An analysis or a dashboard. `data_sets` are those that it declares: identifier -> column -> type, or None."""

    stack: str
    logical_id: str
    definition: Mapping[str, Any]
    data_sets: Mapping[str, Columns | None]
    marts: Mapping[str, str]

    @cached_property
    def nodes(self) -> list[Node]:
        return list(walk(self.definition, model().shape_for("AnalysisDefinition")))

    def of(self, *shapes: str) -> Iterator[Node]:
        return (node for node in self.nodes if node.shape.name in shapes)

    @property
    def visuals(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        """(sheet id, kind, content) of each."""
        for sheet in self.definition.get("Sheets", []):
            for visual in sheet.get("Visuals", []):
                for kind, content in visual.items():
                    yield str(sheet.get("SheetId")), kind, content

    @cached_property
    def calculated(self) -> Mapping[tuple[str, str], str]:
        """Expressions of calculated fields, by data set and name."""
        fields = self.definition.get("CalculatedFields", [])
        return {
            (str(f.get("DataSetIdentifier")), str(f.get("Name"))): str(f.get("Expression")) for f in fields
        }


@cache
def model() -> Any:
    import botocore.session

    return botocore.session.get_session().get_service_model("quicksight")


@cache
def is_union(shape: str) -> bool:
    """AWS says so in the shape's documentation alone; botocore does not check it."""
    return "union type structure" in (model().shape_for(shape).documentation or "")


def walk(value: Value, shape: Any, path: tuple[str, ...] = ()) -> Iterator[Node]:
    """Every part with its shape; members that the model does not know have none and are left out."""
    yield Node(path, shape, value)
    if shape.type_name == "structure" and isinstance(value, Mapping):
        for name, inner in value.items():
            if name in shape.members:
                yield from walk(inner, shape.members[name], (*path, name))
    elif shape.type_name == "list" and isinstance(value, list):
        for place, inner in enumerate(value):
            yield from walk(inner, shape.member, (*path, str(place)))


def views(assembly: Assembly) -> Iterator[View]:
    for stack, logical_id, properties in assembly.each(*VIEWS):
        written = stack.resources[logical_id].get("Properties", {}).get("Definition", {})
        declared = written.get("DataSetIdentifierDeclarations", [])
        sets = {str(one.get("Identifier")): _data_set(stack, one.get("DataSetArn")) for one in declared}
        yield View(
            stack.name,
            logical_id,
            properties.get("Definition", {}),
            {name: columns_of(found) if found else None for name, found in sets.items()},
            {name: str(found.get("Name")) for name, found in sets.items() if found},
        )


def _data_set(stack: Stack, arn: Value) -> Mapping[str, Any] | None:
    """The properties of the stack's own data set; none of another's."""
    reference = arn.get("Fn::GetAtt", [""])[0] if isinstance(arn, Mapping) else ""
    found = stack.resources.get(reference, {})
    return stack.resolved[reference] if found.get("Type") == "AWS::QuickSight::DataSet" else None


def columns_of(data_set: Mapping[str, Any]) -> Columns:
    """Column -> type, of every physical table."""
    tables = (source for table in data_set.get("PhysicalTableMap", {}).values() for source in table.values())
    listed = (
        column for table in tables for column in table.get("InputColumns") or table.get("Columns") or []
    )
    return {str(column.get("Name")): str(column.get("Type")) for column in listed}


def fields(content: Mapping[str, Any], kind: str) -> Iterator[Node]:
    """The fields of a visual's wells: nodes of DimensionField and MeasureField members."""
    visual = model().shape_for("Visual").members.get(kind)
    if visual is None:
        return
    for node in walk(content, visual, (kind,)):
        if node.shape.name in ("DimensionField", "MeasureField"):
            for name, inner in node.value.items():
                if name in node.shape.members:
                    yield Node((*node.path, name), node.shape.members[name], inner)


def scoped(group: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], list[str]]]:
    """(scope, visuals) of each."""
    selected = group.get("ScopeConfiguration", {}).get("SelectedSheets", {})
    for scope in selected.get("SheetVisualScopingConfigurations", []):
        yield scope, [str(name) for name in scope.get("VisualIds", [])]
