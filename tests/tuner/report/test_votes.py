"""Files of votes: what is read from them, and which are refused."""

import json

import pytest
from listening_votes import choosing, votes_content, write_votes
from synthetic_study import tiny_settings, write_study

from pianoroll_tf.errors import DamagedError, UserError
from tuner.report.data import read
from tuner.report.listening import listening_test
from tuner.report.votes import read_votes, vote_files

LOSSES = ("bce", "focal")


@pytest.fixture(scope="module")
def test(tmp_path_factory):
    folder = write_study(tmp_path_factory.mktemp("studies") / "made-up", tiny_settings(pieces=12, piece_steps=16))
    return listening_test(read(folder), 4)


def test_choices_are_read_as_preferences_whichever_side_they_were_on(test, tmp_path):
    path = write_votes(tmp_path / "votes.json", votes_content(test, choosing(test, LOSSES, 2, 1, 1)))
    votes, repeated = read_votes([path], test)
    assert [vote.choice for vote in votes] == [1, 1, -1, 0]
    assert len({vote.pair.first_is_a for vote in votes}) == 2
    assert {vote.listener for vote in votes} == {"anna"}
    assert repeated == 0


def test_of_several_votes_of_a_listener_for_a_pair_the_last_counts(test, tmp_path):
    early = votes_content(test, choosing(test, LOSSES, 4, 0))
    late = votes_content(test, choosing(test, LOSSES, 0, 2), listener=" Anna ", time="2026-11-28T09:00:00.000Z")
    other = votes_content(test, choosing(test, LOSSES, 1, 0), listener="Борис")
    contents = {"b": early, "a": late, "copy": early, "c": other}
    paths = [write_votes(tmp_path / f"{name}.json", each) for name, each in contents.items()]
    votes, repeated = read_votes(paths, test)
    assert sorted(vote.choice for vote in votes if vote.listener == "anna") == [-1, -1, 1, 1]
    assert [vote.choice for vote in votes if vote.listener == "борис"] == [1]
    assert repeated == 2


def test_times_are_compared_as_times_and_names_as_letters(test, tmp_path):
    """12:30 at +03:00 is earlier than 10:00 UTC, though its text is later; й is one character or two."""
    early = votes_content(test, choosing(test, LOSSES, 1, 0), "Анна й", "2026-11-27T12:30:00+03:00")
    late = votes_content(test, choosing(test, LOSSES, 0, 1), "анна и\u0306", "2026-11-27T10:00:00.000Z")
    paths = [write_votes(tmp_path / f"{name}.json", each) for name, each in {"a": late, "b": early}.items()]
    [vote], repeated = read_votes(paths, test)
    assert (vote.choice, repeated) == (-1, 1)


def test_a_folder_stands_for_its_files(test, tmp_path):
    one = write_votes(tmp_path / "folder" / "one.json", votes_content(test, {}))
    (tmp_path / "folder" / "notes.txt").write_text("not votes")
    assert vote_files([one, tmp_path / "folder"]) == [one, one]
    with pytest.raises(UserError, match=r"existing files or folders\. Received: .*nowhere\.json"):
        vote_files([tmp_path / "nowhere.json"])


def altered(content, **changes):
    """The content with changes to its first vote."""
    return content | {"votes": [content["votes"][0] | changes, *content["votes"][1:]]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content | {"page": "00ff"}, "must hold votes for the pairs of this study"),
        (lambda content: content | {"format": "something"}, "must be a file of votes that the listening page wrote"),
        (lambda content: altered(content, pair="0123456789"), "unknown pair '0123456789'"),
        (lambda content: altered(content, order=content["votes"][0]["order"][::-1]), "in another order"),
        (lambda content: altered(content, plays=[0, 1]), "without both excerpts heard"),
        (lambda content: altered(content, choice="c"), "no 'c'"),
        (lambda content: altered(content, time="yesterday"), "yesterday"),
        (lambda content: altered(content, time="2026-11-27T10:00:00"), "without a zone"),
        (lambda content: {name: content[name] for name in ("format", "page", "votes")}, "no 'listener'"),
    ],
)
def test_what_the_page_of_this_study_cannot_have_written_is_refused_by_name(test, tmp_path, change, message):
    path = write_votes(tmp_path / "strange.json", change(votes_content(test, choosing(test, LOSSES, 4, 0))))
    with pytest.raises(UserError) as error:
        read_votes([path], test)
    assert message in str(error.value)
    assert str(error.value).startswith(f"{path} must ") and "\n" not in str(error.value)


def test_an_altered_file_is_refused(test, tmp_path):
    path = write_votes(tmp_path / "votes.json", votes_content(test, choosing(test, LOSSES, 4, 0)))
    content = json.loads(path.read_text())
    content["votes"][0]["choice"] = "b" if content["votes"][0]["choice"] == "a" else "a"
    path.write_text(json.dumps(content))
    with pytest.raises(DamagedError, match=r"votes\.json is damaged or altered"):
        read_votes([path], test)
    path.write_text("{")
    with pytest.raises(DamagedError, match=r"votes\.json is damaged"):
        read_votes([path], test)
    path.write_text("[]")
    with pytest.raises(UserError, match=r"votes\.json must be a file of votes"):
        read_votes([path], test)
