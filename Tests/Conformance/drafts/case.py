"""What a case is, and how cases are grouped and numbered.

A number is the place in its group: new cases go to the end of a group, so that the numbers in old
reports keep their meaning.
"""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase

MUST = "must"
SHOULD = "should"

OK = "OK"
NON_STRICT = "NON-STRICT"
FAILED = "FAILED"
UNIMPLEMENTED = "UNIMPLEMENTED"


@dataclass(frozen=True)
class Case:
    id: str
    group: str
    title: str
    # Which generation must be spoken for the case to make sense; None if it runs always.
    generation: str
    # Where the expectation is written down.
    section: str
    expectation: str
    # What it costs to miss the expectation: FAILED (must) or NON-STRICT (should).
    severity: str
    check: object = field(compare=False, repr=False)
    # What the run must offer: see `Options.offers`.
    needs: frozenset = frozenset()
    # Whether it may keep a bad server so busy that other cases would suffer.
    runs_alone: bool = False


class Group:
    """Collects cases under one number and registers them in `Group.all`."""

    all = []

    def __init__(self, number, title, generation, section, severity=MUST, needs=(),
                 runs_alone=False):
        self.number = number
        self.title = title
        self.generation = generation
        self.section = section
        self.severity = severity
        self.needs = frozenset(needs)
        self.runs_alone = runs_alone
        self.cases = []
        Group.all.append(self)

    def add(self, title, expectation, check, section=None, severity=None, needs=(),
            generation=None):
        """Adds one case; what is not given comes from the group."""
        self.cases.append(
            Case(
                id=f"{self.number}.{len(self.cases) + 1}",
                group=f"{self.number} {self.title}",
                title=title,
                generation=generation or self.generation,
                section=section or self.section,
                expectation=expectation,
                severity=severity or self.severity,
                check=check,
                needs=self.needs | frozenset(needs),
                runs_alone=self.runs_alone,
            )
        )

    def case(self, title, expectation, **more):
        """The same as a decorator."""

        def register(check):
            self.add(title, expectation, check, **more)
            return check

        return register


GENERATIONS_IN_ORDER = ("H75", "H76", "V7", "V8", "GEN", "OFF")


def every_case():
    """All cases, in the order of their numbers."""

    def place(group):
        prefix, _, number = group.number.partition("-")
        return GENERATIONS_IN_ORDER.index(prefix), int(number) if number.isdigit() else 0

    return [case for group in sorted(Group.all, key=place) for case in group.cases]


def select(cases, patterns, offered):
    """The cases that one of the patterns names, as far as the run offers what they need.

    A pattern is a number (H76-2.3), the beginning of one (H76, H76-2) or holds wildcards (*-9.*).
    """

    def is_named(case):
        if not patterns:
            return True
        for pattern in patterns:
            pattern = pattern.upper()
            if case.id == pattern or fnmatchcase(case.id, pattern):
                return True
            if case.id.startswith((pattern + ".", pattern + "-")):
                return True
        return False

    return [case for case in cases if is_named(case) and case.needs <= offered]
