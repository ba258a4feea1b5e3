"""Turns in the passes of a loop: order, how many, who no longer waits."""

import asyncio
import itertools

import pytest

from pianoroll_tf.serving.drawing.fair_queue import Turns


async def passes(turns, count, cancelled=()):
    """Who went on, in which pass of the loop."""
    went = {}

    async def wait(number):
        await turns.wait()
        went[number] = now

    tasks = [asyncio.create_task(wait(number)) for number in range(count)]
    now = -2  # in the first pass they begin to wait, in the second the first turns are given
    while any(not task.done() for task in tasks):
        await asyncio.sleep(0)
        now += 1
        if now == -1:
            for number in cancelled:
                tasks[number].cancel()
    return went


@pytest.mark.parametrize(("at_once", "count"), [(1, 5), (2, 5), (3, 9), (10, 4)])
def test_a_few_go_on_in_each_pass_in_their_order(at_once, count):
    went = asyncio.run(passes(Turns(at_once), count))
    assert list(went) == list(range(count))
    first = went[0]
    assert [pass_ - first for pass_ in went.values()] == [number // at_once for number in range(count)]


def test_who_is_cancelled_takes_no_turn_from_the_others():
    went = asyncio.run(passes(Turns(2), 8, cancelled=(2, 3, 4)))
    assert list(went) == [0, 1, 5, 6, 7]
    assert went[6] - went[0] <= 2


def test_it_can_be_waited_for_again_and_again():
    async def many(turns):
        return [await passes(turns, 3) for _ in range(3)]

    assert [list(went) for went in asyncio.run(many(Turns(2)))] == [[0, 1, 2]] * 3


def test_others_go_on_between_the_turns():
    async def measured():
        turns, ticks = Turns(1), []
        waiting = [asyncio.create_task(turns.wait()) for _ in range(10)]
        while any(not task.done() for task in waiting):
            ticks.append(sum(task.done() for task in waiting))
            await asyncio.sleep(0)
        return ticks

    ticks = asyncio.run(measured())
    assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(ticks))
