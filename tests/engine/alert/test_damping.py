"""What flaps is noted twenty times and then once an hour; what it is in the end is noted in any case."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.alert.change import Sight, Subject, What
from engine.alert.damping import CHANGES_MOST, HOUR_S, SUBJECTS_MOST, TOLD, Damping
from engine.alert.watching import Watch


def sight(value: str, place: str = "SW1") -> Sight:
    return Sight(Subject("440020", What.CONTACT, 1, place), value, value == "0", "датчик")


class Scene:
    def __init__(self) -> None:
        self.watch, self.damping = Watch(), Damping()

    def see(self, now_s: float, *sights: Sight) -> list[str]:
        passed = self.damping.passed(sights, self.watch.is_news, now_s)
        return [change.sight.text for change in self.watch.take(passed, None)]


def test_a_loose_contact_is_noted_so_often_and_then_once_an_hour() -> None:
    scene, noted = Scene(), []
    for minute in range(24 * 60):
        noted += [(minute, text) for text in scene.see(60.0 * minute, sight(str(minute % 2)))]
    early = [minute for minute, _ in noted[: CHANGES_MOST - 1]]
    assert early == list(range(1, CHANGES_MOST))
    assert CHANGES_MOST + 22 <= len(noted) <= CHANGES_MOST + 24
    told = [TOLD in text for _, text in noted]
    assert told == [number >= CHANGES_MOST - 1 for number in range(len(noted))]


def test_the_others_are_noted_as_ever() -> None:
    scene = Scene()
    for count in range(100):
        scene.see(count, sight(str(count % 2)))
    assert len(scene.see(100.0, sight("1", "SW2"))) == 1


def test_after_a_day_of_calm_it_is_as_before() -> None:
    scene = Scene()
    for count in range(100):
        scene.see(count, sight(str(count % 2)))
    noted = []
    for count in range(CHANGES_MOST):
        noted += scene.see(24 * HOUR_S + count, sight(str((count + 1) % 2)))
    assert len(noted) >= CHANGES_MOST - 1 and TOLD not in noted[0]


@settings(max_examples=50)
@given(st.lists(st.tuples(st.floats(0, 7200), st.sampled_from("012")), max_size=120))
def test_the_last_state_is_known_within_the_hour(steps: list[tuple[float, str]]) -> None:
    scene, now_s, value = Scene(), 0.0, "0"
    for after_s, value in steps:
        now_s += after_s
        scene.see(now_s, sight(value))
    scene.see(now_s + HOUR_S, sight(value))
    seen = scene.watch.states.get(sight(value).subject.key)
    assert (seen.value if seen else "0") == value


def test_what_is_remembered_has_a_limit() -> None:
    scene = Scene()
    for number in range(SUBJECTS_MOST + 10):
        scene.see(0.0, sight("1", f"SW{number}"))
    assert len(scene.damping._left) == SUBJECTS_MOST
