"""Events of a choreographed order, shown as a tree of causes and effects."""

from __future__ import annotations

from collections.abc import Sequence

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
    drawn: dict[str | None, Tree] = {}
    for event in events:
        # The cause may be listed later. Then this event is shown at the top level.
        above = drawn.get(event.causation_id)
        label = _label(event, (event.time - began).total_seconds())
        if event.about and event.about != about.get(event.causation_id or ""):
            label.append(f"  {event.about}", "dim")
        drawn[event.id] = above.add(label) if above else Tree(label, guide_style="dim")
    known = set(drawn)
    for event in events:
        if event.causation_id not in known or event.causation_id is None:
            output.say(drawn[event.id])


def _label(event: EventRecord, after: float) -> Text:
    mark, style = _LOOKS.get(event.type, (NOTHING, ""))
    label = Text(f"{mark} {event.type}", style)
    label.append(f"  +{after * 1000:.0f} ms", "dim")
    return label
