"""Who may act, as the configuration says."""

from __future__ import annotations

from dataclasses import dataclass

from dqm.model.errors import RefusedError, nearest
from dqm.model.people import Person, Role
from dqm.model.people_config import PeopleConfig


@dataclass(frozen=True)
class ConfiguredPeople:
    """People of the section ``[people]``; where nobody is listed the operator is the only one, and leader."""

    config: PeopleConfig

    @property
    def listed(self) -> tuple[Person, ...]:
        """Everybody who may act."""
        found = tuple(Person(each.name, Role[each.role.upper()]) for each in self.config.person)
        return found or (Person(self.config.operator, Role.LEADER),)

    @property
    def alone(self) -> bool:
        """Whether there is one person only, so that nobody else could approve."""
        return len(self.listed) == 1

    def person(self, name: str = "") -> Person:
        """Who acts under this name, "" for the operator; raises ``RefusedError`` for a stranger."""
        wanted, known = name or self.config.operator, {each.name: each for each in self.listed}
        if wanted not in known:
            raise RefusedError(
                f"{wanted!r} may not act here; {nearest(wanted, known)}; people are listed under [people] "
                "of the configuration, and --as NAME says who acts"
            )
        return known[wanted]
