"""All texts of a report in both languages: one table, key → (English, Russian), in parts by where they stand."""

from tuner.report_texts_search import SEARCH
from tuner.report_texts_sections import SECTIONS
from tuner.report_texts_summary import SUMMARY

# What is counted → forms beside a number: English one, many; Russian 1, 2, 5.
COUNTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "seeds": (("seed", "seeds"), ("зерно", "зерна", "зёрен")),
    "in_seeds": (("seed", "seeds"), ("зерне", "зёрнах", "зёрнах")),
    "times": (("time", "times"), ("раз", "раза", "раз")),
    "pieces": (("piece", "pieces"), ("пьеса", "пьесы", "пьес")),
    "pieces_on": (("piece", "pieces"), ("пьесе", "пьесах", "пьесах")),
    "runs": (("run", "runs"), ("прогон", "прогона", "прогонов")),
    "runs_of": (("run", "runs"), ("прогона", "прогонов", "прогонов")),
    "steps": (("step", "steps"), ("шаг", "шага", "шагов")),
    "trials": (("trial", "trials"), ("проба", "пробы", "проб")),
}

SHARED: dict[str, tuple[str, str]] = {
    "and": ("and", "и"),
    "from_to": ("{low} to {high}", "от {low} до {high}"),
    "between": ("{low} to {high}", "{low} … {high}"),
    "interval": ("95 % interval {interval}", "95 %-й интервал {interval}"),
    "contents": ("Contents", "Содержание"),
    "footer": ("Made by python -m tuner.report.", "Составлено командой python -m tuner.report."),
    "ablation_raw": ("uncorrected", "без поправки"),
    "ablation_zero-bias": ("bias from 0", "смещение от 0"),
    "copy_last_step": ("copy the last step", "повторить последний шаг"),
    "note_frequency": ("note frequency", "частота нот"),
    "combination": ("combination", "сочетание"),
    "in_runs": ("{runs} of {all} runs", "{runs} из {all} прогонов"),
    # axes and legends
    "without_value": ("{missing} of {runs}: no value", "{missing} из {runs}: нет значения"),
    "epoch": ("epoch", "эпоха"),
    "second_half": ("{title}, second half", "{title}, вторая половина"),
    "val_nll_axis": ("validation NLL, nats a step", "NLL на валидации, нат на шаг"),
    "difference_axis": (
        "difference (first − second) of: {measure}",
        "разность (первое − второе), показатель: {measure}",
    ),
    "key_0": ("difference shown", "различие показано"),
    "key_1": ("all seeds agree, too few to show it", "все зёрна согласны, но их слишком мало"),
    "key_2": ("no difference shown", "различие не показано"),
    "rank_title": (
        "{measure} (Friedman {p}, critical difference {difference})",
        "{measure} (Фридман {p}, критическая разность {difference})",
    ),
    "rank_axis": ("mean rank over the seeds, 1 is best", "средний ранг по зёрнам, 1 — лучший"),
    "reliability": ("posterior", "апостериорная вероятность"),
    "reliability_raw": ("raw output", "сырой выход"),
    "frequency_axis": ("share of cells that sound", "доля звучащих ячеек"),
    "probability_axis": ("predicted probability", "предсказанная вероятность"),
    "calibrated": ("calibrated", "калибровано"),
    "as_true": ("as many as there are", "столько, сколько есть"),
    "pitch_frequency_axis": (
        "share of training steps in which a pitch sounds",
        "доля шагов обучения, в которых звучит высота",
    ),
    "recall_axis": ("recall of the pitch on the test split", "полнота для этой высоты на тесте"),
    "notes_axis": (
        "true notes of a step (the last: so many or more)",
        "истинное число нот на шаге (последнее: и больше)",
    ),
    "expected_axis": ("expected notes, mean", "ожидаемое число нот, среднее"),
    "real_piece": ("real piece {number}", "настоящая пьеса {number}"),
    "seconds_axis": ("seconds", "секунды"),
    "beats_axis": ("beats", "четверти"),
    "pitch_axis": ("pitch", "высота"),
    # heads of tables
    "ended_head": ("ended well", "завершено успешно"),
    "finished_head": ("finished", "завершён"),
    "collapsed_head": ("collapsed", "коллапс"),
    "diverged_head": ("diverged", "расхождение"),
    "spread_head": ("validation NLL, sd over seeds", "NLL на валидации, ст. откл. по зёрнам"),
    "pair_head": ("pair", "пара"),
    "difference_head": ("difference, 95 % interval", "разность, 95 %-й интервал"),
    "seeds_head": ("seeds", "зёрна"),
    "effect_head": ("effect (d_z)", "размер эффекта (d_z)"),
    "wilcoxon_head": ("p, Wilcoxon", "p, Уилкоксон"),
    "sign_head": ("p, sign test", "p, критерий знаков"),
    "adjusted_head": ("p, Wilcoxon with Holm", "p, Уилкоксон с поправкой Холма"),
    "verdict_head": ("verdict", "вывод"),
    "verdict_shown": ("difference shown", "различие показано"),
    "verdict_too few seeds": ("all seeds agree, too few to show it", "все зёрна согласны, но их слишком мало"),
    "verdict_no difference shown": ("no difference shown", "различие не показано"),
    "friedman": ("p of Friedman’s test", "p критерия Фридмана"),
    "critical": ("critical difference", "критическая разность"),
    "fact": ("of", "чего"),
    "ceiling": ("test halves (ceiling)", "половины теста (предел)"),
    "mean_of_all": ("mean of all", "среднее по всем"),
    "setting": ("setting", "настройка"),
    "value": ("value", "значение"),
    "records": ("records", "записи"),
    "manifest": ("sha256 of their manifest", "sha256 их манифеста"),
    "split": ("split {name}", "выборка {name}"),
    "density": ("active cells in training", "активных ячеек в обучении"),
    "package": ("package", "пакет"),
    "version": ("version", "версия"),
    "chosen": ("chosen", "выбран"),
    "epochs_head": ("epochs", "эпохи"),
}

TEXTS = SHARED | SUMMARY | SECTIONS | SEARCH
