"""Solution versions that the configuration names: they recommend as long as they stand there, whatever is newer."""

from __future__ import annotations

from collections.abc import Mapping

from stacks.workflows import asl
from stacks.workflows.asl import State, States, jsonata, sdk


def states(recipes: Mapping[str, str]) -> States:
    """States of a Map over {name, version}, from `Pin`; its output is the same. `recipes`: ARNs by solution."""
    usable = f"$states.input.status = 'ACTIVE' and $states.input.recipe = $lookup({asl.data(dict(recipes))}, $pin.name)"
    return {
        "Pin": {"Type": "Pass", "Assign": {"pin": jsonata("$states.input")}, "Next": "DescribePinned"},
        "DescribePinned": described("$pin.version", next_state="PinnedStatus"),
        "PinnedStatus": {
            "Type": "Choice",
            "Choices": [{"Condition": jsonata(usable), "Output": jsonata("$pin"), "Next": "Pinned"}],
            "Default": "PinUnusable",
        },
        "PinUnusable": {
            "Type": "Fail",
            "Error": "PinUnusable",
            "Cause": jsonata(
                "'solutions[].version of ' & $pin.name & ' names ' & $pin.version & ', which is '"
                " & $states.input.status & ' and of recipe ' & $states.input.recipe"
                " & ': name an ACTIVE version of the configured recipe, or remove version'"
            ),
        },
        "Pinned": {"Type": "Succeed"},
    }


def described(version: str, *, next_state: str) -> State:
    """{status, recipe} of the solution version whose ARN an expression says; one that is gone has a status of ours."""
    return asl.task(
        sdk("personalize", "describeSolutionVersion"),
        {"SolutionVersionArn": jsonata(version)},
        Output=jsonata(
            "{'status': $states.result.SolutionVersion.Status, 'recipe': $states.result.SolutionVersion.RecipeArn}"
        ),
        Catch=[
            {
                "ErrorEquals": asl.NOT_FOUND,
                "Output": {"status": "not there", "recipe": "none"},
                "Next": next_state,
            }
        ],
        Next=next_state,
    )
