"""Tests of pianoroll_tf.modeling.step_loop: callbacks as in `fit`, and how a failure of the chief ends a training."""

import keras
import pytest
import tensorflow as tf
from tiny_run import tiny_config, tiny_records

from pianoroll_tf.data.pipeline import load_corpus, make_dataset
from pianoroll_tf.modeling import step_loop
from pianoroll_tf.modeling.callbacks import StoppedError, Termination
from pianoroll_tf.modeling.step_loop import Loop
from pianoroll_tf.modeling.training import compiled_model, fit_batch
from pianoroll_tf.modeling.training_state import TrainingState

STEPS = 3


class Team:
    """A team of one, which is the chief, or of one that hears from a chief."""

    size = 1

    def __init__(self, heard=()):
        self.strategy, self.is_chief, self._heard = tf.distribute.get_strategy(), not heard, list(heard)

    def from_chief(self, action):
        return action() if self.is_chief else ({}, self._heard.pop(0))


class Events(keras.callbacks.Callback):
    """Notes every call, counts batches and epochs as the training's own callbacks do, and fails at a batch."""

    def __init__(self, state, fails_at=None):
        super().__init__()
        self.seen, self._state, self._fails_at = [], state, fails_at

    def on_train_begin(self, logs=None):
        self.seen.append("begin")

    def on_epoch_begin(self, epoch, logs=None):
        self.seen.append(("epoch", epoch))

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append((batch, round(logs["loss"], 3)))
        if self._fails_at == batch:
            raise OSError("the disk is full")
        self._state.batch += 1

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append((epoch, round(logs["loss"], 3)))
        self._state.epoch, self._state.batch = self._state.epoch + 1, 0

    def on_train_end(self, logs=None):
        self.seen.append("end")


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """A function that makes a model and the dataset of its batches of four."""
    records = tiny_records(tmp_path_factory.mktemp("data") / "records")
    config, corpus = tiny_config(records), load_corpus(records, "train")

    def make():
        model = compiled_model(config, STEPS, tf.distribute.get_strategy())
        return model, make_dataset(corpus, config.dataset, 0).map(fit_batch)

    return make


def loop(parts, state, team, termination=None, validate=lambda: None):
    model, dataset = parts()
    return Loop(team, model, iter(dataset), 4, state, STEPS, termination or Termination(), validate)


def test_callbacks_are_called_as_by_fit(parts):
    model, dataset = parts()
    expected = Events(TrainingState())
    model.fit(dataset, epochs=2, steps_per_epoch=STEPS, callbacks=[expected], verbose=0, shuffle=False)
    state = TrainingState()
    found = Events(state)
    validated = []
    loop(parts, state, Team(), validate=lambda: validated.append(state.epoch)).run([found], epochs=2, quiet=True)
    assert found.seen == expected.seen
    assert validated == [0, 1]
    assert len(found.seen) == 2 + 2 * (STEPS + 2)


def test_a_failure_of_the_chief_is_told_with_the_next_step(parts, monkeypatch):
    wishes, make_step = [], step_loop.make_step

    def noted(*args):
        step = make_step(*args)

        def call(batch, stop):
            wishes.append(stop)
            return step(batch, stop)

        return call

    monkeypatch.setattr(step_loop, "make_step", noted)
    state = TrainingState()
    events = Events(state, fails_at=1)
    with pytest.raises(OSError, match="the disk is full"):
        loop(parts, state, Team()).run([events], epochs=2, quiet=True)
    assert wishes == [False, False, True]
    assert [seen[0] for seen in events.seen[2:]] == [0, 1]  # and not once more


def test_the_others_take_over_the_state_of_the_chief(parts):
    states = [{}, {}, {}, {"epoch": 1}, {"epoch": 1}, {"epoch": 1}, {"epoch": 2, "finished": "early", "best_nll": 2.5}]
    state = TrainingState()
    loop(parts, state, Team(states)).run([], epochs=9, quiet=True)
    assert state == TrainingState(epoch=2, finished="early", best_nll=2.5)


def test_after_a_wish_to_stop_all_hear_what_the_chief_made_of_it(parts):
    class Stopping(Team):
        def from_chief(self, action):
            if not self._heard:
                raise StoppedError("stopped")
            return super().from_chief(action)

    termination, state = Termination(), TrainingState()
    termination.requested = True
    with pytest.raises(StoppedError):
        loop(parts, state, Stopping([{}, {}]), termination).run([], epochs=1, quiet=True)
    assert state.batch == 0  # the chief counts it
