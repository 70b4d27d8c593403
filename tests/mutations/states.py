# mypy: disable-error-code="misc"
# (it infers no lambda that has defaults)
"""State machines: arguments, integrations, errors, paths, variables, loops, limits."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from checks.simulation import workflows
from tests.mutations.mutation import Mutation, Template, of_template, shipped

State = dict[str, Any]
Path = tuple[str, ...]


def mutations() -> Iterator[Mutation]:
    for workflow in workflows(shipped()):
        stack, machine = workflow.stack.name, workflow.logical_id
        definition = workflow.definition
        yield _machine(stack, machine, "timeout-removed", lambda d: d.pop("TimeoutSeconds"))
        yield _machine(stack, machine, "start-misspelled", lambda d: d.update(StartAt="Nowhere"))
        yield _machine(stack, machine, "query-language", lambda d: d.update(QueryLanguage="JSONPath"))
        for path, state in _states(definition, ()):
            for kind, change, more in _changes(state):
                yield _machine(
                    stack,
                    machine,
                    f"{kind}/{path[-1]}{more}",
                    lambda d, p=path, c=change: c(_at(d, p)),
                )


def _machine(stack: str, machine: str, label: str, change: Callable[[State], Any]) -> Mutation:
    kind, _, rest = label.partition("/")

    def changed(template: Template) -> None:
        properties = template["Resources"][machine]["Properties"]
        text, tokens = _opened(properties["DefinitionString"])
        definition = json.loads(text)
        change(definition)
        # As CDK writes it, so that a change which changes nothing leaves the template equal.
        written = json.dumps(definition, separators=(",", ":"), ensure_ascii=False)
        properties["DefinitionString"] = _closed(written, tokens)

    where = f"{stack}/{machine}" + (f"/{rest}" if rest else "")
    return of_template(f"{kind}/{where}", stack, changed)


def _opened(value: Any) -> tuple[str, list[Any]]:
    """The text of a definition, intrinsic functions replaced by marks."""
    if isinstance(value, str):
        return value, []
    tokens: list[Any] = []
    parts = []
    for part in value["Fn::Join"][1]:
        if isinstance(part, str):
            parts.append(part)
        else:
            parts.append(f"<token{len(tokens)}>")
            tokens.append(part)
    return "".join(parts), tokens


def _closed(text: str, tokens: list[Any]) -> Any:
    if not tokens:
        return text
    parts = re.split(r"<token(\d+)>", text)
    joined = [tokens[int(part)] if position % 2 else part for position, part in enumerate(parts)]
    return {"Fn::Join": ["", joined]}


def _states(machine: State, path: Path) -> Iterator[tuple[Path, State]]:
    for name, state in machine.get("States", {}).items():
        here = (*path, "States", name)
        yield here, state
        for position, branch in enumerate(state.get("Branches", [])):
            yield from _states(branch, (*here, "Branches", str(position)))
        if "ItemProcessor" in state:
            yield from _states(state["ItemProcessor"], (*here, "ItemProcessor"))


def _at(definition: State, path: Path) -> State:
    value: Any = definition
    for name in path:
        value = value[int(name)] if isinstance(value, list) else value[name]
    return dict.__new__(dict) if value is None else value


Change = tuple[str, Callable[[State], Any], str]


def _changes(state: State) -> Iterator[Change]:
    if "Next" in state:
        yield "next-misspelled", lambda s: s.update(Next="Nowhere"), ""
    yield from _paths(state)
    yield from _variables(state)
    kinds = {"Task": _task, "Choice": _choice, "Map": _map, "Wait": _wait}
    yield from kinds.get(state["Type"], lambda _: iter(()))(state)


def _task(state: State) -> Iterator[Change]:
    yield "resource-misspelled", lambda s: s.update(Resource=s["Resource"] + "z"), ""
    service = state["Resource"].replace("states:::", "states:::x", 1).replace("xaws-sdk:", "aws-sdk:x", 1)
    yield "service-misspelled", lambda s: s.update(Resource=service), ""
    yield from _arguments(state)
    yield "retry-removed", lambda s: s.pop("Retry"), ""
    for position, _ in enumerate(state.get("Retry", [])):
        yield (
            "retry-error-misspelled",
            lambda s, p=position: _misspelled(s["Retry"][p]["ErrorEquals"]),
            f"[{position}]",
        )
    yield "jitter-removed", lambda s: s["Retry"][0].pop("JitterStrategy"), ""
    yield "backoff-broken", lambda s: s["Retry"][0].update(BackoffRate=0.5), ""
    for position, _ in enumerate(state.get("Catch", [])):
        yield "catch-removed", lambda s, p=position: s["Catch"].pop(p), f"[{position}]"
        yield "catch-next-misspelled", lambda s, p=position: s["Catch"][p].update(Next="No"), f"[{position}]"
        yield (
            "catch-error-misspelled",
            lambda s, p=position: _misspelled(s["Catch"][p]["ErrorEquals"]),
            f"[{position}]",
        )


def _misspelled(errors: list[str]) -> None:
    errors[:] = [f"{error}s" for error in errors]


def _arguments(state: State) -> Iterator[Change]:
    arguments = state.get("Arguments")
    if not isinstance(arguments, dict):
        yield "arguments-emptied", lambda s: s.update(Arguments={}), ""
        return
    for name, value in arguments.items():
        yield "argument-removed", lambda s, n=name: s["Arguments"].pop(n), f"/{name}"
        yield (
            "argument-misspelled",
            lambda s, n=name: s["Arguments"].update({f"{n}s": s["Arguments"].pop(n)}),
            f"/{name}",
        )
        if isinstance(value, str) and not value.startswith("{%"):
            yield (
                "value-swapped",
                lambda s, n=name: s["Arguments"].update({n: f"{s['Arguments'][n]}-x"}),
                f"/{name}",
            )
        if isinstance(value, dict):
            for inner in value:
                yield (
                    "inner-argument-removed",
                    lambda s, n=name, i=inner: s["Arguments"][n].pop(i),
                    f"/{name}.{inner}",
                )


_RESULT = re.compile(r"(\$states\.result\.\w+)")
_INPUT = re.compile(r"(\$states\.input\.\w+)")


def _paths(state: State) -> Iterator[Change]:
    """A path into the result, or the input, that is not there."""
    for name in ("Output", "Assign", "Arguments", "Choices"):
        text = json.dumps(state.get(name))
        for kind, expression in (("result-misspelled", _RESULT), ("input-misspelled", _INPUT)):
            for found in sorted(set(expression.findall(text))):
                yield (
                    kind,
                    lambda s, n=name, f=found: s.update({n: _replaced(s[n], f, f + "Z")}),
                    f"/{name}/{found}",
                )


def _replaced(value: Any, old: str, new: str) -> Any:
    return json.loads(re.sub(re.escape(old) + r"\b", lambda _: new, json.dumps(value)))


def _variables(state: State) -> Iterator[Change]:
    for name in state.get("Assign", {}):
        yield (
            "variable-renamed",
            lambda s, n=name: s["Assign"].update({f"{n}Z": s["Assign"].pop(n)}),
            f"/{name}",
        )


def _choice(state: State) -> Iterator[Change]:
    for position, choice in enumerate(state["Choices"]):
        yield "choice-removed", lambda s, p=position: s["Choices"].pop(p), f"[{position}]"
        yield (
            "choice-next-misspelled",
            lambda s, p=position: s["Choices"][p].update(Next="No"),
            f"[{position}]",
        )
        if re.search(r"\"[A-Z ]+\"", choice["Condition"]):
            yield (
                "status-misspelled",
                lambda s, p=position: s["Choices"][p].update(
                    Condition=re.sub(r"\"([A-Z _]+)\"", r'"\1X"', s["Choices"][p]["Condition"], count=1)
                ),
                f"[{position}]",
            )
    yield "default-removed", lambda s: s.pop("Default"), ""


def _map(state: State) -> Iterator[Change]:
    yield "mode-misspelled", lambda s: s["ItemProcessor"]["ProcessorConfig"].update(Mode="SPREAD"), ""
    yield "processor-start-misspelled", lambda s: s["ItemProcessor"].update(StartAt="No"), ""
    if isinstance(state.get("Items"), list):
        for key in state["Items"][0]:
            yield "item-key-removed", lambda s, k=key: [item.pop(k) for item in s["Items"]], f"/{key}"
    if "ItemReader" in state:
        yield "reader-misspelled", lambda s: s["ItemReader"].update(Resource="arn:aws:states:::s3:list"), ""
        yield "reader-bucket-swapped", lambda s: s["ItemReader"]["Arguments"].update(Bucket="elsewhere"), ""
    if "ItemBatcher" in state:
        yield "batch-input-removed", lambda s: s["ItemBatcher"].pop("BatchInput"), ""
        yield "batch-size-removed", lambda s: s["ItemBatcher"].pop("MaxItemsPerBatch"), ""


def _wait(state: State) -> Iterator[Change]:
    yield "seconds-removed", lambda s: s.pop("Seconds"), ""
