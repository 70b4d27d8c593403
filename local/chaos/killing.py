"""Plans that kill a process at every state of every workflow, over thirty seeds. The same seed is the same plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from local.chaos.stories import STORIES, Story, story_of
from local.chaos.workflows import Place, State, unreached
from osusume_endpoint.faults.plan import Kill

SEEDS = sum(story.seeds for story in STORIES)  # from then on, stories and states come round again
# What a state's call makes a child process of Personalize do.
TASKS = {
    "createDatasetImportJob": "import",
    "createSolutionVersion": "train",
    "createBatchInferenceJob": "infer",
    "createDataDeletionJob": "delete_users",
}
RESTARTS = (0.2, 0.5, 1.0, 2.0)


@dataclass(frozen=True)
class Killing:
    """What one seed does: the story that it tells, and what dies at which of its states."""

    seed: int
    story: Story
    kills: tuple[Kill, ...]


def killing(seed: int, states: Mapping[Place, State]) -> Killing:
    story, number = _slot(seed)
    places = sorted(place for place in states if not unreached(place) and story_of(place) is story)
    draw = Random(seed)
    kills = [_kill(draw, place, states[place]) for place in places[number :: story.seeds]]
    # Of every other seed the endpoint takes all else with it, once.
    servers = [at for at, kill in enumerate(kills) if kill.of == "postgres"]
    if seed % 2 and servers:
        at = draw.choice(servers)
        kills[at] = Kill(target="endpoint", when=kills[at].when)
    return Killing(seed, story, tuple(kills))


def _slot(seed: int) -> tuple[Story, int]:
    """The seed's story, and which of its seeds this is."""
    slots = [(story, number) for story in STORIES for number in range(story.seeds)]
    return slots[seed % SEEDS]


def _kill(draw: Random, place: Place, state: State) -> Kill:
    """The process that the state starts or, where it starts none, PostgreSQL."""
    target = _process(state)
    if target:
        return Kill(target=target, when=place.when)
    return Kill(target="postgres", when=place.when, restart_seconds=draw.choice(RESTARTS))


def _process(state: State) -> str:
    resource, arguments = str(state.get("Resource", "")), state.get("Arguments")
    action = resource.rpartition(":")[2]
    if action in TASKS:
        return f"training:{TASKS[action]}"
    if isinstance(arguments, Mapping) and "lambda:invoke" in resource:
        return f"lambda:{str(arguments['FunctionName']).rpartition(':')[2]}"
    if isinstance(arguments, Mapping) and "glue:startJobRun" in resource:
        return f"glue:{arguments['JobName']}"
    return ""


def places_of(kills: Sequence[Kill]) -> set[Place]:
    return {Place(*kill.state) for kill in kills if kill.state}
