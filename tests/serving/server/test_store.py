"""The life of a version, without TensorFlow: what is loaded, lent, drained and unloaded, and when."""

import threading

import pytest

from fm_keras.serving.server.hosting import HostedModel, models_in
from fm_keras.serving.server.statuses import Code, RequestError
from fm_keras.serving.server.store import State, Store


class Loaded:
    def __init__(self, path, name, version):
        if (path / "broken").exists():
            raise RequestError(Code.DATA_LOSS, "the weights are cut short")
        self.path, self.version, self.closed = path, version, False

    def close(self):
        assert not self.closed
        self.closed = True


@pytest.fixture
def base(tmp_path):
    return tmp_path / "models" / "toy"


@pytest.fixture
def add(base):
    def version(name, *files):
        (base / str(name)).mkdir(parents=True)
        for file in files:
            (base / str(name) / file).touch()

    return version


@pytest.fixture
def store(base):
    base.mkdir(parents=True)
    return Store(lambda: models_in(base.parent), Loaded)


def store_of(base, **policy):
    return Store(lambda: [HostedModel("toy", base, **policy)], Loaded)


def states(store, name="toy"):
    return {version.number: version.state.name for version in store.versions(name)}


def refusal(call, *arguments, **named):
    with pytest.raises(RequestError) as caught, call(*arguments, **named):
        pass
    return caught.value.code, str(caught.value)


def test_the_largest_version_is_served_by_number_not_by_spelling(store, add):
    for name in (2, 10, 9):
        add(name)

    store.poll()

    assert store.available() == {"toy": [10]}


@pytest.mark.parametrize("name", ["v3", "3.1", "-3", ".partial-3", "3_", "٣", "latest", str(2**63)])
def test_only_folders_named_by_an_integer_count(store, add, name):
    add(2)
    add(name)

    store.poll()

    assert states(store) == {2: "AVAILABLE"}


def test_a_file_named_by_an_integer_is_no_version(store, add, base):
    add(2)
    (base / "3").touch()

    store.poll()

    assert states(store) == {2: "AVAILABLE"}


def test_a_new_version_takes_over_at_the_next_poll(store, add):
    add(1)
    store.poll()
    add(2)
    assert store.available() == {"toy": [1]}

    store.poll()

    assert states(store) == {2: "AVAILABLE", 1: "END"}


def test_a_version_that_is_lent_is_unloaded_when_it_is_given_back_and_not_before(store, add):
    add(1)
    store.poll()
    with store.lend("toy") as first, store.lend("toy") as second:
        add(2)
        store.poll()
        assert states(store) == {2: "AVAILABLE", 1: "UNLOADING"}
        assert first is second and not first.closed
        with store.lend("toy") as new:
            assert new.version == 2
    assert first.closed
    assert states(store) == {2: "AVAILABLE", 1: "END"}


def test_an_unloading_version_is_not_lent_any_more(store, add):
    add(1)
    store.poll()
    with store.lend("toy"):
        add(2)
        store.poll()

        assert refusal(store.lend, "toy", 1) == (
            Code.NOT_FOUND,
            "Servable not found for request: Specific(toy, 1)",
        )


def test_a_request_that_fails_gives_its_version_back(store, add):
    add(1)
    store.poll()
    with pytest.raises(KeyError), store.lend("toy") as lent:
        raise KeyError
    store.close()

    assert lent.closed


def test_while_the_new_version_is_broken_the_old_one_serves_and_the_status_says_why(store, add):
    add(1)
    store.poll()
    add(2, "broken")

    store.poll()

    new, old = store.versions("toy")
    assert (new.state, new.error.code, str(new.error)) == (State.END, Code.DATA_LOSS, "the weights are cut short")
    assert old.state is State.AVAILABLE
    with store.lend("toy") as lent:
        assert lent.version == 1


def test_a_broken_version_is_tried_again_when_its_files_have_changed_and_not_before(base, add):
    tried = []
    store = Store(lambda: models_in(base.parent), lambda *what: tried.append(what) or Loaded(*what))
    add(1, "broken")
    store.poll()
    store.poll()
    assert len(tried) == 1

    (base / "1" / "broken").unlink()
    store.poll()

    assert states(store) == {1: "AVAILABLE"}


def test_when_the_newest_folder_is_removed_the_one_before_is_served_again(store, add, base):
    add(1)
    add(2)
    store.poll()

    (base / "2").rmdir()
    store.poll()

    assert states(store) == {2: "END", 1: "AVAILABLE"}


def test_all_versions_or_some_are_served_where_the_policy_says_so(base, add):
    for number in (1, 2, 3):
        add(number)
    found = {}
    for name, policy in {"all": {"latest": None}, "two": {"latest": 2}, "some": {"specific": (1, 3, 7)}}.items():
        store = store_of(base, **policy)
        store.poll()
        found[name] = store.available()["toy"]

    assert found == {"all": [3, 2, 1], "two": [3, 2], "some": [3, 1]}


def test_a_label_names_a_version(base, add):
    add(1)
    add(2)
    store = store_of(base, latest=None, labels={"stable": 1, "lost": 9})
    store.poll()

    with store.lend("toy", label="stable") as lent:
        assert lent.version == 1
    assert refusal(store.lend, "toy", label="lost")[0] is Code.NOT_FOUND
    assert refusal(store.lend, "toy", label="nix") == (
        Code.INVALID_ARGUMENT,
        "Unrecognized servable version label: nix",
    )
    assert refusal(store.lend, "toy", 1, "stable")[0] is Code.INVALID_ARGUMENT


def test_models_come_and_go_with_their_folders(store, add, base):
    add(1)
    store.poll()
    (base.parent / "other" / "4").mkdir(parents=True)
    (base / "1").rmdir()

    store.poll()

    assert store.available() == {"toy": [], "other": [4]}


def test_while_a_configured_folder_is_away_its_model_is_served_on(base, add):
    add(1)
    store = store_of(base)
    store.poll()
    base.rename(base.with_name("away"))

    store.poll()

    assert states(store) == {1: "AVAILABLE"}


def test_a_folder_of_versions_is_a_model_by_itself(base, add):
    add(5)

    (model,) = models_in(base)

    assert (model.name, model.folders()) == ("toy", {5: base / "5"})


def test_other_models_can_be_set_while_it_runs(store, add, base):
    add(1)
    store.poll()
    (base.parent / "other" / "4").mkdir(parents=True)

    store.replace_models([HostedModel("renamed", base.parent / "other")])

    assert store.available() == {"toy": [], "renamed": [4]}
    assert not store.hosts("toy")


def test_closing_unloads_everything_for_good(store, add):
    add(1)
    store.poll()
    with store.lend("toy") as lent:
        store.close()
        assert not lent.closed
    store.poll()

    assert lent.closed
    assert store.available() == {"toy": []}


def test_every_change_is_reported(base, add):
    seen = []
    store = Store(
        lambda: models_in(base.parent), Loaded, lambda name, version: seen.append((version.number, version.state.name))
    )
    add(1)
    store.poll()
    add(2)
    store.poll()
    add(3, "broken")
    store.poll()

    assert seen == [(1, "AVAILABLE"), (2, "AVAILABLE"), (1, "END"), (3, "END")]


def test_many_threads_never_hold_a_version_that_is_unloaded(store, add):
    add(1)
    store.poll()
    wrong, done = [], threading.Event()

    def work():
        while not done.is_set():
            with store.lend("toy") as lent:
                if lent.closed:
                    wrong.append(lent.version)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for number in range(2, 30):
        add(number)
        store.poll()
    done.set()
    for thread in threads:
        thread.join()

    assert wrong == []
    assert set(states(store).values()) == {"AVAILABLE", "END"}
    assert store.available() == {"toy": [29]}
