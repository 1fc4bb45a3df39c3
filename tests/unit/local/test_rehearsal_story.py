"""A story is data: it is checked when it is read, and wishes change only what they name."""

from pathlib import Path

import pytest

from local.cli import DEFAULT_STORY
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
    acts = retold(read(DEFAULT_STORY), _wishes(fault="slow:900, errors:1")).acts
    assert [act.fault for act in acts] == [(), (), (), ("slow:900", "errors:1")]


def test_a_story_without_a_fault_gets_it_in_its_last_release():
    healthy = retold(read(DEFAULT_STORY), _wishes(fault="none"))
    assert [act.fault for act in retold(healthy, _wishes(fault="slow:900")).acts] == [(), (), (), ("slow:900",)]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"fault": "errors:1"}, ["rolled_back", "untouched"]),
        ({"fault": "cold:30"}, ["promoted", "promoted"]),
        ({"fault": "cold:30,errors:1"}, ["rolled_back", "untouched"]),
        ({"fault": "errors:1,step:Train"}, ["untouched", "untouched"]),
        ({"fault": "slow:1", "expect": "promoted"}, ["promoted", "promoted"]),
        ({"fault": "slow:1", "expect": "inconclusive"}, ["inconclusive", "untouched"]),
    ],
)
def test_what_is_expected_follows_from_the_worst_fault_unless_it_is_said(wanted, expected):
    last = retold(read(DEFAULT_STORY), _wishes(**wanted)).acts[-1]
    assert [release.expect for release in last.releases] == expected


def test_a_step_that_fails_ends_the_pipeline():
    last = retold(read(DEFAULT_STORY), _wishes(fault="step:Train")).acts[-1]
    assert last.expect_pipeline == "Failed"


@pytest.mark.parametrize("written", ["errors:0.3,slow:5", "[errors:0.3, slow:5]"])
def test_an_act_has_one_fault_or_several(tmp_path, written):
    path = tmp_path / "story.yaml"
    path.write_text(DEFAULT_STORY.read_text().replace("fault: errors:0.3", f"fault: {written}"))
    assert read(path).acts[-1].fault == ("errors:0.3", "slow:5")


def test_without_a_fault_the_last_release_is_expected_to_be_promoted():
    last = retold(read(DEFAULT_STORY), _wishes(fault="none")).acts[-1]
    assert {release.expect for release in last.releases} == {"promoted"}


def test_an_unknown_fault_is_a_usage_error():
    with pytest.raises(RehearsalError) as caught:
        retold(read(DEFAULT_STORY), _wishes(fault="gremlins"))
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (DEFAULT_STORY.read_text().replace("fault: errors", "fault: eror"), "acts.3.fault.*did you mean errors:RATE"),
        ("title: [", "not YAML"),
        ("title: a story", "acts: Field required"),
        ("- 1", "the story"),
    ],
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
