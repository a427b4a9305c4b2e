"""Who decides in the cases, and when."""

from __future__ import annotations

from datetime import UTC, datetime

from dqm.model.people_config import PeopleConfig
from dqm.services.people import ConfiguredPeople

AT = datetime(2030, 6, 1, 12, tzinfo=UTC)
"""The clock of the decisions, so that done again they are the same bytes."""
PEOPLE = ConfiguredPeople(
    PeopleConfig.model_validate(
        {
            "operator": "lea",
            "person": [
                {"name": "ada", "role": "shifter"},
                {"name": "eve", "role": "expert"},
                {"name": "lea", "role": "leader"},
            ],
        }
    )
)
