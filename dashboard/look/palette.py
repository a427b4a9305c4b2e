"""The look of every state: a colour that the colour-blind can tell, and a letter, a word and a pattern beside it.

Colours are those of Okabe and Ito (Color Universal Design, 2008). What still waits for a person is hatched or carries
a question mark, so that no state is told by its colour alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from dqm.model.labels import Label
from dqm.model.verdicts import Decision


@dataclass(frozen=True, slots=True)
class State:
    """How one state is drawn: ``colour`` of the area, ``ink`` of text on it, one ``letter``, the ``word``.

    ``pattern`` is Plotly's name of the hatching, "" for a plain area.
    """

    colour: str
    ink: str
    letter: str
    word: str
    pattern: str = ""

    @property
    def title(self) -> str:
        """Letter and word, as tables show the state."""
        return f"{self.letter}  {self.word}"


BLUE, SKY, ORANGE, VERMILION, PURPLE, GREY = "#0072B2", "#56B4E9", "#E69F00", "#D55E00", "#CC79A7", "#8A8F98"

STATES: dict[str, State] = {
    Decision.ACCEPT: State(BLUE, "#FFFFFF", "A", "accepted"),
    Decision.ASK: State(ORANGE, "#000000", "?", "asked"),
    Decision.REJECT: State(VERMILION, "#FFFFFF", "R", "rejected"),
    Decision.UNKNOWN: State(GREY, "#000000", "U", "unknown", "/"),
    Decision.GOOD: State(BLUE, "#FFFFFF", "G", "good (person)"),
    Decision.BAD: State(VERMILION, "#FFFFFF", "B", "bad (person)"),
    Decision.EXCLUDED: State(PURPLE, "#000000", "X", "excluded"),
    Decision.DISPUTED: State(PURPLE, "#000000", "D", "disputed", "x"),
    Decision.NEEDS_REVIEW: State(SKY, "#000000", "N", "needs review", "."),
}
"""The look of every decision."""

LABEL_STATES: dict[int, State] = {
    Label.GOOD: State(BLUE, "#FFFFFF", "G", "labelled good"),
    Label.BAD: State(VERMILION, "#FFFFFF", "B", "labelled bad"),
}
"""The look of a label; where nobody said anything nothing is drawn."""

FLAG_STATES: dict[str, State] = {
    "missing": State(GREY, "#000000", "M", "data missing", "/"),
    "off": State(VERMILION, "#FFFFFF", "O", "something off"),
    "on": State(SKY, "#000000", "+", "all on"),
}
"""The look of the status of the detector, the most urgent first."""

MACHINE = (Decision.ACCEPT, Decision.ASK, Decision.REJECT, Decision.UNKNOWN)
"""What the machine says, in the order in which shares are shown."""
