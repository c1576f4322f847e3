"""Once persons sign in, a name is not enough at the command line either: their own token is asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from staydown.app import open_app
from staydown.core.doors import Prefix, new_word
from staydown.core.ids import AgencyCode, PersonId
from staydown.core.people import Person, Role
from staydown.core.rights import Relation, Verb

AA = AgencyCode("AA")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A real home where persons sign in."""
    made = open_app(tmp_path / "home")
    made.__dict__["store"] = made.make(exercise=False, origin="signed-in.example")
    with made.store.begin() as work:
        work.people.add_agencies([AA])
        for name, *roles in (("alice", Role.ANALYST), ("bob", Role.APPROVER, Role.COORDINATOR)):
            work.people.add(Person(id=PersonId(name), agency=AA, roles=frozenset(roles)))
        work.doors.note_sign_in()
    made.close()
    return tmp_path / "home"


def _token(home: Path, who: str, *verbs: Verb) -> str:
    app, word = open_app(home), new_word(Prefix.TOKEN)
    with app.store.begin() as work:
        work.doors.make_token(
            PersonId(who),
            AA,
            word,
            label="test",
            scope=frozenset(verbs),
            ends_at=work.real_now + timedelta(days=1),
        )
    app.close()
    return word


def _run(home: Path, *words: str, token: str = "", purpose: str = "") -> subprocess.CompletedProcess[str]:
    environ = os.environ | {"STAYDOWN_WORD": token, "STAYDOWN_PURPOSE": purpose}
    return subprocess.run(
        [sys.executable, "-m", "staydown", "--home", str(home), *words],
        capture_output=True,
        text=True,
        env=environ,
    )


def _listed(tmp_path: Path) -> str:
    path = tmp_path / "seen.csv"
    path.write_text("url\nhttps://example.org/made-up\n")
    return str(path)


def test_a_name_alone_is_refused(home: Path, tmp_path: Path) -> None:
    for words in (
        ["intake", _listed(tmp_path), "--agency", "AA"],
        ["preserve", "web:site:example.org", "--as", "alice"],
        ["sightings"],
        ["requests"],
        ["items"],
        ["holds", "--as", "bob"],
    ):
        done = _run(home, *words)
        assert done.returncode == 5, (words, done.stderr)
        assert "next:" in done.stderr


def test_ones_own_token_opens_what_its_scope_says(home: Path, tmp_path: Path) -> None:
    word = _token(home, "alice", Verb.RECORD, Verb.PRESERVE, Verb.OPEN_EVIDENCE)
    assert _run(home, "intake", _listed(tmp_path), "--agency", "AA", token=word).returncode == 0
    assert _run(home, "intake", _listed(tmp_path), "--agency", "BB", token=word).returncode == 5
    key = "web:page:example.org/made-up"
    assert _run(home, "preserve", key, token=word).returncode == 0
    waived = _run(home, "waive-evidence", key, "--reason", "made up", token=word)
    assert waived.returncode == 5
    assert "scope" in waived.stderr
    assert _run(home, "preserve", key, "--as", "bob", token=word).returncode == 5


def test_no_token_approves(home: Path) -> None:
    word = _token(home, "bob", Verb.APPROVE, Verb.SEND_BACK)
    done = _run(home, "approve", "NOTHING-1", token=word)
    assert done.returncode in {4, 5}
    app = open_app(home)
    with app.store.begin(write=False) as work:
        token = work.doors.token(word)
        assert token is not None
        bob = work.people.get(PersonId("bob")).by_token(token.scope)
    app.close()
    assert not any(bob.may(Verb.APPROVE, relation) for relation in Relation)


def test_a_look_at_evidence_names_its_purpose(home: Path, tmp_path: Path) -> None:
    word = _token(home, "alice", Verb.RECORD, Verb.OPEN_EVIDENCE)
    _run(home, "intake", _listed(tmp_path), "--agency", "AA", token=word)
    key = "web:page:example.org/made-up"
    assert _run(home, "evidence", key, token=word).returncode == 3
    assert _run(home, "evidence", key, "--json", token=word, purpose="case 7").returncode == 0
    app = open_app(home)
    with app.store.begin(write=False) as work:
        looks = work.accesses.listed(AA)
    app.close()
    assert [(one.person, one.verb, one.purpose) for one in looks] == [("alice", Verb.OPEN_EVIDENCE, "case 7")]
