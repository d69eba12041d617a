"""Events of a choreographed order, shown as a tree of causes and effects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text
from rich.tree import Tree

from cli.modes import Mode
from cli.output import Output
from cli.run_queries import SILENCE, ask
from messages import wire
from messages.events.order import OrderCancelled
from messages.marks import DONE, FAILED, NOTHING, UNDOING, UNDONE
from messages.participants import PARTICIPANTS
from messages.sagas import EventRecord
from runs.descriptions import Handle

_LOOKS = {
    OrderCancelled.__name__: (UNDOING, "yellow"),
    **{participant.done.__name__: (DONE, "green") for participant in PARTICIPANTS},
    **{participant.refused.__name__: (FAILED, "red") for participant in PARTICIPANTS},
    **{participant.undone.__name__: (UNDONE, "yellow") for participant in PARTICIPANTS},
}


async def events_of(mode: Mode, run: Handle) -> list[EventRecord]:
    """Return the events of a choreographed order; none if it is orchestrated or does not answer."""
    if mode is Mode.ORCHESTRATION:
        return []
    try:
        events: list[EventRecord] = await ask(run, wire.EVENTS, list[EventRecord])
    except SILENCE:
        return []
    return events


def say_events(events: Sequence[EventRecord], output: Output) -> None:
    """Show each event below the event that caused it."""
    if not events:
        return
    began = min(event.time for event in events)
    about = {event.id: event.about for event in events}
    drawn: dict[str, Tree] = {}
    roots: list[Tree] = []
    for event in _causes_first(events):
        label = _label(event, (event.time - began).total_seconds())
        if event.about and event.about != about.get(event.causation_id or ""):
            label.append(f"  {event.about}", "dim")
        above = drawn.get(event.causation_id or "")
        if above is None:
            roots.append(Tree(label, guide_style="dim"))
        drawn[event.id] = above.add(label) if above else roots[-1]
    for root in roots:
        output.say(root)


def _causes_first(events: Sequence[EventRecord]) -> Iterator[EventRecord]:
    """Generate the events, in their order but each after its cause.

    A busy order may hear of an effect before it hears of the cause.
    """
    left = list(events)
    while left:
        following = next((each for each in left if not _is_caused_by_one_of(left, each)), left[0])
        left.remove(following)
        yield following


def _is_caused_by_one_of(events: Sequence[EventRecord], event: EventRecord) -> bool:
    return any(event.causation_id == each.id for each in events if each is not event)


def _label(event: EventRecord, after: float) -> Text:
    mark, style = _LOOKS.get(event.type, (NOTHING, ""))
    label = Text(f"{mark} {event.type}", style)
    label.append(f"  +{after * 1000:.0f} ms", "dim")
    return label
