"""What a provider does not tell is never ``pass`` and never ``fail``, and nobody is taken for gone.

Subclass :class:`FaultSuite`, give a class-scoped fixture ``endpoint``, and say which calls fail and how.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from annexa.people_rows import people, person_row
from annexa.plugin.testing import Fault
from store.record import Record
from tests.annexa.conftest import Annexa
from tests.annexa.fault_matrix import Definitions, State, decided, named, needing
from tests.collectors.rest.failures import Failure
from tests.collectors.rest.rules import Matcher, Rule

Key = tuple[str, str]


@dataclass(frozen=True)
class Endpoint:
    """What is read.

    Attributes:
        settings: makes the section that leads there; it takes further keys.
        breaking: makes a context in which all calls of the suite fail in one way, by its name.
        scope: what gaps name as the scope.
    """

    settings: Callable[..., dict[str, Any]]
    breaking: Callable[[str], AbstractContextManager[None]]
    scope: str


def by_rules(
    rules: list[Rule], requests: Mapping[str, Matcher], failures: Mapping[str, Failure]
) -> Callable[[str], AbstractContextManager[None]]:
    """Return what lets all these requests go wrong where rules say which do.

    Args:
        requests: call → its requests.
    """

    @contextmanager
    def breaking(name: str) -> Iterator[None]:
        rules[:] = [Rule(matches, failures[name].fault) for matches in requests.values()]
        try:
            yield
        finally:
            rules.clear()

    return breaking


def codes(failures: Mapping[str, Failure]) -> dict[str, str]:
    """Return the code of each failure."""
    return {str(name): failure.code for name, failure in failures.items()}


@dataclass(frozen=True)
class Known:
    """What the record knows at a moment.

    Attributes:
        left: person → whether they have left; None where that cannot be told.
    """

    state: State
    left: dict[str, bool | None]

    @classmethod
    def of(cls, annexa: Annexa, provider: str) -> "Known":
        every = State.of(annexa)
        gaps = [gap for gap in every.gaps if gap["provider"] == provider]
        with Record.open(annexa.store) as record:
            rows = [person_row(each) for each in people(record)]
        left = {row["person"]: row["left"] for row in rows}
        return cls(State(every.findings, gaps, every.resources), left)


@dataclass(frozen=True)
class Broken:
    """A run in which all calls failed in one way, after a run in which none did.

    Attributes:
        codes: what the gaps may give.
        summary: what the command printed, or would.
        after: what is known after the next run.
    """

    codes: set[str]
    summary: dict[str, Any]
    known: Known
    after: Known
    verified: bool

    @property
    def state(self) -> State:
        return self.known.state


class FaultSuite:
    """Every way to fail, over whole runs of ``annexa collect``.

    Attributes:
        section: the provider.
        types: what is collected; none means all that the provider has.
        calls: the calls that fail, as gaps name them.
        codes: how they fail → the code that the gaps give, or the codes of which they give one; for each
            fault, and what is the provider's.
        standing: how checks begin that need none of the calls.
        has_people: whether accounts of people are collected.
        by_command: what the command itself meets, in a process of its own; the rest meets it in this one.
        impatience: for how many seconds an answer is waited for that does not come.
        more: further sections of the configuration.
    """

    section: ClassVar[str]
    types: ClassVar[tuple[str, ...]] = ()
    calls: ClassVar[tuple[str, ...]]
    codes: ClassVar[Mapping[str, str | Set[str]]]
    standing: ClassVar[frozenset[str]]
    has_people: ClassVar[bool] = True
    by_command: ClassVar[frozenset[str]] = frozenset({Fault.DENIED})
    impatience: ClassVar[float] = 0.5
    more: ClassVar[str] = ""

    @classmethod
    def pytest_generate_tests(cls, metafunc: pytest.Metafunc) -> None:
        """One run for each way to fail."""
        if "broken" in metafunc.fixturenames:
            metafunc.parametrize("broken", [str(each) for each in cls.codes], indirect=True, scope="class")
        if "call" in metafunc.fixturenames:
            metafunc.parametrize("call", cls.calls)

    def seen(self, whole: State) -> Set[str]:
        """Return the resources that are known although later pages of their lists fail."""
        del whole
        return frozenset()

    def affected(self, call: str, whole: State, definitions: Definitions, gaps: Iterable[Any]) -> set[Key]:
        """Return the findings that cannot be judged without a call, of which there are these gaps."""
        own = [gap for gap in gaps if gap["call"] == call]
        return needing(call, whole, definitions, self.seen(whole)) | named(own, definitions)

    @pytest.fixture(scope="class")
    @classmethod
    def annexa(cls, endpoint: Endpoint, tmp_path_factory: pytest.TempPathFactory) -> Annexa:
        """The command line in a folder of its own, whose configuration leads to the endpoint."""
        made = Annexa(tmp_path_factory.mktemp("annexa"))
        cls._configure(made, endpoint)
        return made

    @classmethod
    def _configure(cls, annexa: Annexa, endpoint: Endpoint, **more: Any) -> None:
        section = endpoint.settings(**{"read_timeout": 20, **more})
        lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in section.items())
        only = f"[collect]\nonly = {json.dumps(cls.types)}\n"
        text = f'[store]\npath = "store"\n{only}{cls.more}[{cls.section}]\n{lines}\n'
        annexa.config.write_text(text, encoding="utf-8")

    @pytest.fixture(scope="class")
    @classmethod
    def known(cls, annexa: Annexa) -> Known:
        """What is known when everything was read."""
        annexa.collect()
        return Known.of(annexa, cls.section)

    @pytest.fixture(scope="class")
    @classmethod
    def whole(cls, known: Known) -> State:
        return known.state

    @pytest.fixture(scope="class")
    @classmethod
    def definitions(cls, annexa: Annexa) -> Definitions:
        """The definitions of what is collected."""
        types = annexa.workspace.resource_types()
        wanted = cls.types or tuple(kind for kind in types if kind.startswith(f"{cls.section}."))
        return Definitions({kind: types[kind] for kind in wanted}, annexa.workspace.checks)

    @pytest.fixture(scope="class")
    @classmethod
    def broken(
        cls, request: pytest.FixtureRequest, annexa: Annexa, known: Known, endpoint: Endpoint
    ) -> Broken:
        """Each way to fail in turn."""
        del known  # which is what is known before anything breaks
        failing = request.param
        hurried = Annexa(annexa.folder)
        if failing == Fault.TIMEOUT:
            cls._configure(hurried, endpoint, read_timeout=cls.impatience)
        with endpoint.breaking(failing):
            by_command = failing in cls.by_command
            summary = hurried.collect(code=2) if by_command else hurried.summary_here()
        found = Known.of(annexa, cls.section)
        cls._configure(annexa, endpoint)
        annexa.collect_here()
        given = cls.codes[failing]
        codes = {given} if isinstance(given, str) else set(given)
        return Broken(
            codes | {"DependsOnGap"}, summary, found, Known.of(annexa, cls.section), annexa.verify_here().ok
        )

    def test_no_way_to_fail_is_left_out(self) -> None:
        assert set(Fault) <= self.codes.keys()

    def test_a_good_run_leaves_nothing_unknown_for_want_of_an_answer(self, whole: State) -> None:
        assert whole.gaps == []
        assert decided(whole.outcomes, whole)

    def test_the_run_says_that_it_is_incomplete(self, broken: Broken) -> None:
        assert (broken.summary["status"], broken.summary["exit_code"]) == ("gaps", 2)
        assert broken.summary["gaps"] == len(broken.state.gaps) > 0

    def test_the_gap_names_the_call_the_scope_and_the_code(
        self, broken: Broken, endpoint: Endpoint, call: str
    ) -> None:
        gaps = [gap for gap in broken.state.gaps if gap["call"] == call]
        assert gaps
        assert {gap["scope"] for gap in gaps} == {endpoint.scope}
        assert {gap["code"] for gap in gaps} <= broken.codes
        assert all(gap["message"] and gap["at"] for gap in gaps)

    def test_what_needs_the_call_is_unknown(
        self, broken: Broken, whole: State, definitions: Definitions, call: str
    ) -> None:
        affected = self.affected(call, whole, definitions, broken.state.gaps)
        assert decided(affected, whole), "this would show nothing"
        still = decided(affected, broken.state)
        assert still == {}, still
        assert {broken.state.outcomes.get(key) for key in decided(affected, whole)} == {"unknown"}

    def test_what_was_no_pass_does_not_become_one(self, broken: Broken, whole: State) -> None:
        for before, now in [
            (whole.outcomes, broken.state.outcomes),
            (whole.of_people, broken.state.of_people),
        ]:
            passing = {key for key, outcome in now.items() if outcome == "pass"}
            assert {key: before.get(key) for key in passing} == dict.fromkeys(passing, "pass")
        assert "pass" in broken.state.outcomes.values()

    def test_what_needs_none_of_the_calls_stands(
        self, broken: Broken, whole: State, definitions: Definitions
    ) -> None:
        gaps = broken.state.gaps
        affected = {key for call in self.calls for key in self.affected(call, whole, definitions, gaps)}
        stands = whole.outcomes.keys() - affected - named(gaps, definitions)
        assert {begins for begins in self.standing if any(key[0].startswith(begins) for key in stands)} == (
            self.standing
        )
        assert {key: broken.state.outcomes.get(key) for key in stands} == {
            key: whole.outcomes[key] for key in stands
        }

    def test_no_resource_is_taken_for_gone(self, broken: Broken, whole: State) -> None:
        ours = {kind: ids for kind, ids in whole.resources.items() if kind.startswith(f"{self.section}.")}
        assert ours
        assert {kind: broken.state.resources.get(kind) for kind in ours} == ours

    def test_nobody_is_taken_for_gone(self, broken: Broken, known: Known) -> None:
        assert bool(known.left) == self.has_people
        assert broken.known.left.keys() == known.left.keys()
        gone = {person for person, left in broken.known.left.items() if left}
        assert gone <= {person for person, left in known.left.items() if left}

    def test_nobody_is_blamed_for_what_was_not_read(self, broken: Broken, whole: State) -> None:
        blamed = {key for key, outcome in broken.state.of_people.items() if outcome == "fail"}
        assert blamed <= {key for key, outcome in whole.of_people.items() if outcome == "fail"}

    def test_the_next_run_is_whole_again(self, broken: Broken, known: Known) -> None:
        assert broken.after.state.gaps == []
        assert broken.after.state.outcomes == known.state.outcomes
        assert broken.after.state.of_people == known.state.of_people
        assert broken.after.state.resources == known.state.resources
        assert broken.after.left == known.left

    def test_the_record_verifies_afterwards(self, broken: Broken) -> None:
        assert broken.verified
