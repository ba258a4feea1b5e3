"""Turns in the passes of an event loop: their order and number, and cancelled coroutines."""

import asyncio
import itertools

import pytest

from pianoroll_tf.serving.drawing.fair_queue import FairQueue


async def passes(queue, count, cancelled=()):
    """Coroutine -> the pass of the loop in which it was resumed."""
    resumed = {}

    async def wait(number):
        await queue.wait()
        resumed[number] = now

    tasks = [asyncio.create_task(wait(number)) for number in range(count)]
    now = -2  # in the first pass they start to wait, in the second the first ones are resumed
    while any(not task.done() for task in tasks):
        await asyncio.sleep(0)
        now += 1
        if now == -1:
            for number in cancelled:
                tasks[number].cancel()
    return resumed


@pytest.mark.parametrize(("per_pass", "count"), [(1, 5), (2, 5), (3, 9), (10, 4)])
def test_a_few_are_resumed_in_each_pass_in_order(per_pass, count):
    resumed = asyncio.run(passes(FairQueue(per_pass), count))
    assert list(resumed) == list(range(count))
    first = resumed[0]
    assert [pass_ - first for pass_ in resumed.values()] == [number // per_pass for number in range(count)]


def test_a_cancelled_coroutine_takes_no_turn():
    resumed = asyncio.run(passes(FairQueue(2), 8, cancelled=(2, 3, 4)))
    assert list(resumed) == [0, 1, 5, 6, 7]
    assert resumed[6] - resumed[0] <= 2


def test_it_can_be_used_again():
    async def many(queue):
        return [await passes(queue, 3) for _ in range(3)]

    assert [list(resumed) for resumed in asyncio.run(many(FairQueue(2)))] == [[0, 1, 2]] * 3


def test_other_tasks_run_between_the_turns():
    async def measured():
        queue, ticks = FairQueue(1), []
        waiting = [asyncio.create_task(queue.wait()) for _ in range(10)]
        while any(not task.done() for task in waiting):
            ticks.append(sum(task.done() for task in waiting))
            await asyncio.sleep(0)
        return ticks

    ticks = asyncio.run(measured())
    assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(ticks))
