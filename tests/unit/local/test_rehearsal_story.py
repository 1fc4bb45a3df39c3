"""A story is data: it is checked when it is read, and wishes change only what they name."""

from pathlib import Path

import pytest

from local.__main__ import DEFAULT_STORY
from local.rehearsal.problems import RehearsalError
from local.rehearsal.run import only_one
from local.rehearsal.story import read
from local.rehearsal.wishes import Wishes, retold


def _wishes(**changes) -> Wishes:
    nothing = {"speed": None, "fault": None, "strategy": None, "settings": ()}
    return Wishes(**{"story": DEFAULT_STORY, "out": Path("out"), "seed": 1, **nothing, **changes})


def test_the_default_story_is_read():
    assert [len(act.releases) for act in read(DEFAULT_STORY).acts] == [2, 0, 2, 2]


def test_without_wishes_the_story_is_told_as_it_is():
    assert retold(read(DEFAULT_STORY), _wishes()) == read(DEFAULT_STORY)


def test_another_fault_is_put_in_the_act_that_has_one():
    acts = retold(read(DEFAULT_STORY), _wishes(fault="slow:900")).acts
    assert [act.fault for act in acts] == [None, None, None, "slow:900"]


def test_without_a_fault_the_last_release_is_expected_to_be_promoted():
    last = retold(read(DEFAULT_STORY), _wishes(fault="none")).acts[-1]
    assert {release.expect for release in last.releases} == {"promoted"}


def test_an_unknown_fault_is_a_usage_error():
    with pytest.raises(RehearsalError) as caught:
        retold(read(DEFAULT_STORY), _wishes(fault="gremlins"))
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [("title: [", "not YAML"), ("title: a story", "acts: Field required"), ("- 1", "the story")],
)
def test_a_damaged_story_is_a_sentence_that_names_the_file(tmp_path, text, said):
    path = tmp_path / "story.yaml"
    path.write_text(text)
    with pytest.raises(RehearsalError, match=said) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_a_missing_story_is_a_sentence(tmp_path):
    with pytest.raises(RehearsalError, match="cannot be read"):
        read(tmp_path / "nowhere.yaml")


def test_a_folder_is_held_by_one_rehearsal_at_a_time(tmp_path):
    with only_one(tmp_path), pytest.raises(RehearsalError, match="another rehearsal"), only_one(tmp_path):
        pass


def test_a_folder_is_free_again_afterwards(tmp_path):
    for _ in range(2):
        with only_one(tmp_path):
            pass
