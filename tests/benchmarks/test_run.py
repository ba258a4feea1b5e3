"""The logic of the benchmarks: variants in turn, missing peers, medians, ratios, goals, table, JSON, plots."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from repository import ROOT
from tiny_run import random_piece, write_records

from benchmarks import harness, machine, plots, run, serving, serving_phase, worker
from benchmarks.fixtures import Fixtures
from benchmarks.harness import Experiment, Measurements, Spread, Variant, WorkerError, measure
from benchmarks.results_table import MISSED_GOALS, Row, format_spread, number, outcome, table
from benchmarks.rows import formats, growth_files, startup, training
from benchmarks.rows.growth import Growth


class FakeProcess:
    """A worker that records its calls in `log`, and fails at measurement `fails_at`."""

    def __init__(self, name: str, log: list[str], fails_at: int | None = None) -> None:
        self.name, self.log, self.fails_at, self.measured = name, log, fails_at, 0

    def facts(self) -> dict:
        self.log.append(f"{self.name} prepares")
        return {"of": self.name}

    def measure(self) -> dict[str, float]:
        self.measured += 1
        if self.measured == self.fails_at:
            raise WorkerError("out of luck")
        self.log.append(self.name)
        return {"seconds": float(self.measured)}

    def close(self) -> None:
        self.log.append(f"{self.name} ends")


def variants(*names: str) -> dict[str, Variant]:
    return {name: Variant(function=name) for name in names}


def test_variants_are_measured_in_turn() -> None:
    log: list[str] = []
    experiment = Experiment(name="e", variants=variants("a", "b"), repeats=3)
    found = measure(experiment, start=lambda one: FakeProcess(one.function, log))
    assert log == ["a prepares", "b prepares", *["a", "b"] * 3, "a ends", "b ends"]
    assert found["a"] == Measurements({"of": "a"}, {"seconds": [1.0, 2.0, 3.0]}, "")


def test_a_variant_that_fails_has_its_reason_and_the_others_are_measured() -> None:
    log: list[str] = []
    experiment = Experiment(name="e", variants=variants("a", "b"), repeats=3)
    found = measure(experiment, start=lambda one: FakeProcess(one.function, log, 2 if one.function == "a" else None))
    assert found["a"].missing == "out of luck"
    assert found["b"].values == {"seconds": [1.0, 2.0, 3.0]}
    assert log.count("a") == 1
    assert "a ends" in log


def test_a_real_variant_in_its_own_process() -> None:
    real = {"commands": Variant(function="benchmarks.rows.startup:python", arguments={"code": "pass"})}
    found = measure(Experiment(name="e", variants=real, repeats=2))["commands"]
    assert found.missing == ""
    assert len(found.values["seconds"]) == 2
    assert min(found.values["seconds"]) > 0


@pytest.mark.parametrize(
    ("function", "reason"),
    [("benchmarks.nowhere:variant", "No module named"), ("benchmarks.rows.startup:nothing", "has no attribute")],
)
def test_a_variant_whose_process_ends_has_its_last_error_line(function: str, reason: str) -> None:
    found = measure(Experiment(name="e", variants={"a": Variant(function=function)}, repeats=1))["a"]
    assert found.missing.startswith("its process ended: ")
    assert reason in found.missing
    assert found.values == {}


def test_a_missing_peer_is_a_row_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    responses = list(
        worker.serve("benchmarks.rows.training:pytorch", {"sizes": training.SIZES, "steps": 1}, iter("ab"))
    )
    assert len(responses) == 1
    assert responses[0]["missing"].startswith("PyTorch is not installed")
    results = {"e": {"ours": Measurements(values={"m": [1.0]}), "peer": Measurements(missing=responses[0]["missing"])}}
    found = outcome(Row(name="n", unit="s", ours="e/ours.m", peers=("e/peer.m",), peer_name="torch", goal=2), results)
    assert found["met"] is None
    assert found["ours"]["median"] == 1.0
    assert found["why"].startswith("not measured: PyTorch is not installed")
    assert "not measured: PyTorch" in table([found])


def test_a_worker_measures_once_per_request() -> None:
    responses = list(worker.serve("benchmarks.rows.startup:python", {"code": "pass"}, iter(["\n", "\n"])))
    assert responses[0] == {"facts": {}}
    assert len(responses) == 3
    assert all(response["values"]["seconds"] > 0 for response in responses[1:])


RESULTS = {
    "e": {
        "ours": Measurements(values={"m": [2.0, 1.0, 9.0]}),
        "slow": Measurements(values={"m": [8.0]}),
        "fast": Measurements(values={"m": [4.0]}),
    }
}


@pytest.mark.parametrize(
    ("more", "goal", "at_most", "ratio", "met"),
    [
        (False, 4.0, None, 4.0, True),
        (False, 4.1, None, 4.0, False),
        (True, 0.25, None, 0.25, True),
        (True, 1.0, None, 0.25, False),
        (False, None, 2.0, 4.0, True),
        (False, None, 1.9, 4.0, False),
        (False, 4.0, 1.9, 4.0, False),
        (False, None, None, 4.0, None),
    ],
)
def test_goals(more: bool, goal: float | None, at_most: float | None, ratio: float, met: bool | None) -> None:
    row = Row(name="n", unit="s", ours="e/ours.m", peers=("e/slow.m",), more=more, goal=goal, at_most=at_most)
    found = outcome(row, RESULTS)
    assert found["ours"] == {"median": 2.0, "lowest": 1.0, "highest": 9.0, "count": 3}
    assert (found["ratio"], found["met"]) == (ratio, met)
    assert found["why"] == (MISSED_GOALS if met is False else "")


@pytest.mark.parametrize(("more", "best"), [(True, 8.0), (False, 4.0)])
def test_of_several_peers_the_best_counts(more: bool, best: float) -> None:
    row = Row(name="n", unit="s", ours="e/ours.m", peers=("e/slow.m", "e/fast.m"), more=more)
    assert outcome(row, RESULTS)["peer"]["median"] == best


def test_the_share_of_a_limit_and_a_limit_that_was_not_measured() -> None:
    row = Row(name="n", unit="s", ours="e/ours.m", more=False, limit="e/fast.m", limit_name="wall")
    assert outcome(row, RESULTS)["share"] == 2.0
    without = outcome(Row(name="n", unit="s", ours="e/ours.m", limit="other/fast.m"), RESULTS)
    assert without["limit"] is None
    assert without["why"] == ""


def test_the_table_is_markdown_with_every_row_and_each_note_once() -> None:
    shared = {"unit": "s", "ours": "e/ours.m", "more": False, "note": "a note"}
    lines = [
        Row(name="one", peers=("e/slow.m",), peer_name="slow one", goal=3, **shared),
        Row(name="two", peers=("e/fast.m",), peer_name="fast one", goal=3, **shared),
        Row(name="three", **shared),
    ]
    text = table(outcome(row, RESULTS) for row in lines)
    assert "| one, s | 2 (1 to 9) | slow one: 8 | **4×** | ≥ 3× | yes |  |" in text
    assert f"| two, s | 2 (1 to 9) | fast one: 4 | **2×** | ≥ 3× | no: {MISSED_GOALS} |  |" in text
    assert "- *one, two, three*: a note" in text
    assert len({line.count("|") for line in text.splitlines() if line.startswith("|")}) == 1


def test_numbers_have_three_digits() -> None:
    assert [number(x) for x in (0.00123456, 3.14159, 27.49, 999.6, 123456)] == [
        "0.00123",
        "3.14",
        "27.5",
        "1,000",
        "123,000",
    ]
    assert format_spread({"median": 2.0, "lowest": 2.0, "highest": 2.0, "count": 1}) == "2"
    assert format_spread(None) == "–"


def test_the_floating_point_operations_of_a_step() -> None:
    # One window of one step, one unit of each: 2 operations a weight; twice for the first layer, three times for the
    # others (3 gates of 1 input and of 1 state, and 1 output).
    assert training.flop_of_step(batch=1, time=1, units=1, filters=1, kernel=1, pitches=1) == 2 * 2 + 3 * 2 * 7
    assert training.flop_of_step(**training.SIZES) == pytest.approx(17.3e9, rel=0.01)


def test_the_machine_is_described_and_is_json() -> None:
    facts = json.loads(json.dumps(machine.machine()))
    assert facts["cpus"] >= 1
    assert facts["versions"]["tensorflow"]
    assert facts["cpu"] in machine.describe(facts)


def test_every_row_refers_to_variants_that_exist(tmp_path: Path) -> None:
    fixtures = run.Fixtures(tmp_path, tmp_path)
    made = {"records": "records", "copied_records": "copies", "model": "model", "independent_model": "other"}
    object.__setattr__(fixtures, "__dict__", {**fixtures.__dict__, **made})
    known = set()
    lines = []
    for module in map(run.load, (*run.SHORT, *run.LONG)):
        experiments = list(module.experiments(fixtures))
        assert [experiment.name for experiment in experiments] == list(run.names(module))
        known |= {f"{experiment.name}/{name}" for experiment in experiments for name in experiment.variants}
        lines += module.rows()
        for experiment in experiments:
            for one in experiment.variants.values():
                json.dumps(dict(one.arguments))
                module_name, _, function = one.function.partition(":")
                assert callable(getattr(importlib.import_module(module_name), function))
    for row in lines:
        named = [reference for reference in (row.ours, *row.peers, row.limit) if reference]
        assert {reference.rpartition(".")[0] for reference in named} <= known


def test_the_formats_are_those_of_the_rolls_in_a_shard(tmp_path: Path) -> None:
    records = write_records(tmp_path / "records", {"test": [random_piece(50, 0), random_piece(40, 1)]}, shards=1)
    [shard] = formats._shards(str(records))
    assert sorted(len(roll.counts) for roll in formats._pieces(records / shard)) == [40, 50]


def test_the_load_has_a_row_per_number_of_clients_and_a_table_of_every_phase() -> None:
    found = {
        "rate": 50.0,
        "p50": 1.0,
        "p99": 2.0,
        "health_longest": 99.0,
        "wrong": 0.0,
        "model_share": 0.5,
        "growth": 1.0,
        "rss_begin": 7.0,
    }
    values = {
        f"{name}, {of_phase}": [value]
        for name, value in found.items()
        for of_phase in (*serving.PHASES, *serving.FILLING)
    }
    values |= {"rate, 64 clients again": [70.0]}
    slow = {name: [value / 8 for value in each] for name, each in values.items()}
    results = {serving.NAME: {"ours": Measurements(values=values), "naive": Measurements(values=slow)}}
    lines = {line["name"]: line for line in (outcome(row, results) for row in serving.rows(128))}
    assert all(line["ours"] is not None for line in lines.values())
    goals = {name for name, line in lines.items() if line["goal"] == "≥ 5×"}
    assert goals == {"pieces answered, 64 clients", "pieces answered, 64 clients again"}
    assert all((lines[name]["ratio"], lines[name]["met"]) == (8, True) for name in goals)
    assert lines["`/healthz`, longest, 64 clients again"]["goal"] == "≤ 100 ms"
    assert lines["`/healthz`, longest, 256 clients"]["goal"] == ""
    text = serving.details(results[serving.NAME])
    assert "| ours, 64 clients | 50 | 1 | 2 |" in text
    assert "| ours, 64 clients again | 70 |" in text
    assert "| naive, 1 client | 6.25 |" in text


def test_the_metrics_of_the_server() -> None:
    text = (
        'a_total{version="1"} %g\npianoroll_model_seconds_total{version="1"} %g\n'
        'pianoroll_steps_total{version="1"} %g\npianoroll_chunks_total{version="1"} %g\n'
        'pianoroll_loop_delay_seconds_bucket{le="0.01"} %g\npianoroll_loop_delay_seconds_bucket{le="+Inf"} %g\n'
    )
    before, after = (
        serving_phase.samples(text % (0, 1, 0, 0, 5, 5)),
        serving_phase.samples(text % (0, 3, 640, 4, 105, 105)),
    )
    found = serving_phase.engine_figures(before, after, seconds=10.0)
    assert found["model_share"] == pytest.approx(0.2 / worker.cpu_count())
    assert (found["rows"], found["loop_p99"], found["loop_longest"]) == (5.0, 10.0, 10.0)
    assert serving_phase.engine_figures({}, {}, seconds=10.0) == {}


def test_the_memory_of_a_phase_is_flat_after_its_first_seconds() -> None:
    found = serving_phase.memory_figures([100.0] * 10 + [200.0] * 9 + [220.0])
    assert found == {"rss_begin": 100.0, "rss_settled": 200.0, "rss_end": 220.0, "rss_most": 220.0, "growth": 1.1}


def test_commands_of_the_package_are_found() -> None:
    assert {"pianoroll_tf.train", "pianoroll_tf.generate", "tuner.search", "tuner.report"} <= set(startup.commands())
    assert "pianoroll_tf.config" not in startup.commands()


def test_run_lists_measures_and_writes(tmp_path: Path) -> None:
    (tmp_path / "classical-piano-midi").mkdir()
    command = [
        sys.executable,
        "-m",
        "benchmarks.run",
        "--quick",
        "--rows",
        "limits_no,memory*",
        "--data",
        str(tmp_path),
    ]
    listed = subprocess.run([*command, "--list"], capture_output=True, text=True, cwd=ROOT, check=True).stdout.split()
    assert {"limits", "building", "training", "sampling_1", "startup"} <= set(listed)
    refused = subprocess.run([*command[:-1], "nowhere"], capture_output=True, text=True, cwd=ROOT)
    assert refused.returncode == 2
    assert "data must hold the folder classical-piano-midi" in refused.stderr


def test_what_is_written_holds_every_number(tmp_path: Path) -> None:
    found = json.loads(
        run.as_json({"cpu": "x"}, RESULTS, [outcome(Row(name="n", unit="s", ours="e/ours.m"), RESULTS)], 1)
    )
    assert found["measured"]["e"]["ours"]["values"]["m"] == [2.0, 1.0, 9.0]
    assert found["rows"][0]["ours"]["median"] == 2.0


def test_plots_are_drawn(tmp_path: Path) -> None:
    lines = {"ours": plots.points({"batch 1": [1.0, 2.0], "batch 8": [4.0]}, "batch")}
    plots.draw(tmp_path / "a.png", "title", ("batch", "seconds"), lines)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert "| 8 | 4 |" in plots.table("batch", lines)
    assert lines["ours"][0] == (1, Spread(1.5, 1.0, 2.0, 2))


def test_excerpts_are_transposed_and_no_two_are_alike(tmp_path: Path) -> None:
    from midi_files import header, note, track

    data = header(1) + track(
        [event for beat in range(200) for event in note(beat * 480, beat * 480 + 240, 60 + beat % 5)]
    )
    (tmp_path / "midi").mkdir()
    (tmp_path / "midi" / "a.mid").write_bytes(data)
    growth_files.make_files(str(tmp_path / "midi"), tmp_path / "made", 30)
    made = sorted((tmp_path / "made").rglob("*.mid"))
    assert len(made) == 30
    assert len({path.read_bytes() for path in made}) > 25
    assert len(list(growth_files._first(tmp_path / "made", 7, tmp_path / "first").rglob("*.mid"))) == 7


def test_batches_are_the_same_each_time() -> None:
    first, again = (training.batches(batch=2, time=3, pitches=84) for _ in range(2))
    assert [part.shape for part in first[0]] == [(2, 3, 84)] * 2
    np.testing.assert_array_equal(first[1][0], again[1][0])
    np.testing.assert_array_equal(first[0][0][:, 1:], first[0][1][:, :-1])
    assert harness.ROOT == ROOT


def test_growth_has_a_row_per_axis_and_peer_and_a_plot_with_its_sentence(tmp_path) -> None:
    grown = Growth(
        name="growth_x",
        function="a:b",
        what="a step",
        axes={"batch": (1, 8)},
        labels={"batch": "windows a batch"},
        sentences={"batch": "It grows."},
        variants={"ours": "ours", "torch": "PyTorch", "keras": "Keras"},
        titles=lambda axis: ("A step", "seconds"),
        repeats=2,
    )
    [experiment] = grown.experiments(Fixtures(tmp_path, tmp_path), steps=3)
    assert experiment.variants["torch"].arguments == {"variant": "torch", "axes": {"batch": (1, 8)}, "steps": 3}
    assert [(row.ours, row.peers) for row in grown.rows()] == [
        ("growth_x/ours.batch 8", ("growth_x/torch.batch 8",)),
        ("growth_x/ours.batch 8", ("growth_x/keras.batch 8",)),
    ]
    values = {"batch 1": [1.0, 3.0], "batch 8": [8.0, 8.0]}
    found = {
        "ours": Measurements({}, values, ""),
        "torch": Measurements({}, values, ""),
        "keras": Measurements({}, {}, "gone"),
    }
    text = grown.details({"growth_x": found}, tmp_path)
    assert (tmp_path / "growth-x-batch.png").read_bytes().startswith(b"\x89PNG")
    assert "growth-x-batch.png)\n\nIt grows.\n\nSeconds:" in text
    assert "| 1 | 2 | 2 |" in text
    assert "Keras" not in text
