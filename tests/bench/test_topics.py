"""What all topics promise: no option is ignored silently, trouble has its exit code, and progress comes to its end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from staydown.bench import clocks, exercise, intake, kill, ledger, points
from staydown.bench.topics import TOPICS, Options, check, measure, steps
from staydown.core.errors import Invalid
from staydown.ports.tools import Point


def staydown(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "staydown", *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environ},
    )


AWAY = "postgresql://x@127.0.0.1:1/x"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--database", AWAY, "bench", "intake", "--size", "5"), 7, "next: Look at --database"),
        (("--database", AWAY, "bench", "clocks", "--size", "5"), 7, "next: Look at --database"),
        (("--database", AWAY, "bench", "work", "--size", "5"), 7, "next: Look at --database"),
        (("--database", AWAY, "bench", "exercise", "--size", "30"), 7, "next: Look at --database"),
        (("bench", "ledger", "--scratch", "missing-folder"), 3, "missing-folder is no folder"),
        (("--database", "sqlite:///x", "bench", "intake"), 3, "PostgreSQL server only"),
        (("--database", "nonsense", "bench", "work"), 3, "no database address"),
        (("bench", "ledger", "--postgres"), 3, "It takes --size, --rounds."),
        (("bench", "nothing"), 4, "There is: api, clocks,"),
        (("bench", "kill", "--only", "nothing"), 3, "There is: asked, mail."),
    ],
)
def test_trouble_has_its_exit_code(tmp_path: Path, words: tuple[str, ...], code: int, said: str) -> None:
    done = staydown("--home", str(tmp_path / "home"), *words)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "an error of this program" not in done.stderr
    assert not (tmp_path / "home").exists()


def test_a_database_that_only_the_environment_names_is_left_alone(tmp_path: Path) -> None:
    done = staydown("bench", "ledger", "--size", "40", "--rounds", "1", STAYDOWN_DATABASE=AWAY)
    assert done.returncode == 0, done.stderr


ANY = {"size": 3, "rounds": 2, "seed": 5, "only": "x", "postgres": True, "database": AWAY}


@pytest.mark.parametrize("option", ANY)
@pytest.mark.parametrize("name", TOPICS)
def test_an_option_is_taken_or_refused(tmp_path: Path, name: str, option: str) -> None:
    options = Options(scratch=tmp_path, **{option: ANY[option]})  # type: ignore[arg-type]
    if option in TOPICS[name].takes:
        check(name, options)
        return
    with pytest.raises(Invalid, match=f"{name} takes no --{option}") as caught:
        check(name, options)
    assert all(f"--{one}" in caught.value.hint for one in TOPICS[name].takes)


def test_two_databases_at_once_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="exclude each other"):
        check("kill", Options(scratch=tmp_path, postgres=True, database=AWAY))


def test_the_list_says_what_each_topic_takes() -> None:
    listed = staydown("bench").stdout
    assert all(name in listed for name in TOPICS)
    assert "--size --rounds\n" in listed


def test_progress_comes_to_its_end(tmp_path: Path) -> None:
    for name, size in (("ledger", 60), ("intake", 500)):
        (tmp_path / name).mkdir()
        told: list[int] = []
        options = Options(scratch=tmp_path / name, size=size, rounds=2, progress=told.append)
        measure(name, options)
        assert sum(told) == steps(name, options), name
    assert clocks.steps(Options(scratch=tmp_path, size=4001)) == 2 + 2
    assert exercise.steps(Options(scratch=tmp_path, rounds=2)) % 2 == 0
    assert kill.steps(Options(scratch=tmp_path, size=100, only="asked")) == 100 + 20
    assert kill.steps(Options(scratch=tmp_path, size=100)) == 100 + 20 + 100
    assert ledger.steps(Options(scratch=tmp_path)) == 3
    with pytest.raises(Invalid):
        steps("points", Options(scratch=tmp_path, only="nothing"))


def test_points_are_chosen_by_point_and_by_fault(tmp_path: Path) -> None:
    def names(only: str) -> set[str]:
        return set(points.chosen(Options(scratch=tmp_path, only=only)))

    assert names("after-send") == {"kill:after-send", "enospc:after-send", "eio:after-send"}
    assert names("eio") == {f"eio:{point.value}" for point in Point}
    assert names("kill:after-send") == {"kill:after-send"}
    assert names("full") == {"full"}
    assert len(names("")) == 3 * len(Point) + 2


def test_a_goal_is_printed_where_there_is_one(tmp_path: Path) -> None:
    figures = intake.measure(Options(scratch=tmp_path, size=200))
    assert (figures["goal"], figures["unit"]) == (16_667, "sightings a second")
    assert "60 s" in str(figures["goal_is"])
