"""Texts of a study's first paragraph, of what limits it, and of what an unfinished one lacks: (English, Russian)."""

SUMMARY: dict[str, tuple[str, str]] = {
    "study_title": (
        "Study {name}: which loss, which optimizer",
        "Исследование {name}: какая функция потерь, какой оптимизатор",
    ),
    "compared": (
        "{losses} and {optimizers} were compared in every combination.",
        "Сравнивались сочетания {losses} с {optimizers}.",
    ),
    "one_combination": (
        "Only {name} was trained: there is nothing to compare it with but the baselines.",
        "Обучалось только {name}: сравнить его можно лишь с базовыми предсказателями.",
    ),
    "the_losses": ("The losses {names}", "функций потерь {names}"),
    "the_loss": ("The loss {names}", "функции потерь {names}"),
    "the_optimizers": ("the optimizers {names}", "оптимизаторами {names}"),
    "the_optimizer": ("the optimizer {names}", "оптимизатором {names}"),
    "trained": (
        "Each combination is trained {times} from different random seeds and judged on {pieces} that no training sees.",
        "Каждое сочетание обучается {times} с разными зёрнами генератора случайных чисел и проверяется на {pieces}, "
        "которых обучение не видит.",
    ),
    "trained_once": (
        "Each combination is trained once and judged on {pieces} that no training sees.",
        "Каждое сочетание обучается один раз и проверяется на {pieces}, которых обучение не видит.",
    ),
    "ended": ("{ended} of {total} ended well.", "Успешно завершено {ended} из {total}."),
    "collapsed": ("Collapsed: {names}.", "Коллапс: {names}."),
    "diverged": ("Diverged: {names}.", "Расхождение: {names}."),
    "unfinished": (
        "{missing} are still to be done, so all that follows is provisional.",
        "Ещё не сделано: {missing}, поэтому всё нижеследующее предварительно.",
    ),
    "nothing_yet": ("No run has been measured yet.", "Ни один прогон ещё не измерен."),
    "nothing_judged": (
        "No run came to an end with a model that could be judged.",
        "Ни один прогон не закончился моделью, которую можно оценить.",
    ),
    "best": (
        "The lowest mean test NLL has {name}: {mean} nats a step{interval}",
        "Наименьшее среднее NLL на тесте у {name}: {mean} ната на шаг{interval}",
    ),
    "only": (
        "{name} has a test NLL of {mean} nats a step{interval}",
        "{name}: NLL на тесте {mean} ната на шаг{interval}",
    ),
    "beside_baselines": (
        ", where copying the last step has {copy_last_step} and note frequency {note_frequency}",
        "; у базовых: «повторить последний шаг» — {copy_last_step}, «частота нот» — {note_frequency}",
    ),
    "subject": ("The test NLL", "NLL на тесте"),
    "over_optimizers": ("Averaged over the optimizers, the test NLL", "В среднем по оптимизаторам NLL на тесте"),
    "over_losses": ("Averaged over the losses, the test NLL", "В среднем по функциям потерь NLL на тесте"),
    "shown": (
        "{subject} is lower with {better} than with {worse}, by {amount} nats a step (95 % interval {interval}; "
        "{seeds}; Wilcoxon’s test with Holm’s correction, {p}): a difference is shown.",
        "{subject} с {better} ниже, чем с {worse}, на {amount} ната на шаг (95 %-й интервал {interval}; {seeds}; "
        "критерий Уилкоксона с поправкой Холма, {p}): различие показано.",
    ),
    "too_few": (
        "{subject} was lower with {better} than with {worse} at all of {in_seeds}, by {amount} nats a step on average "
        "(95 % interval {interval}), but these are too few for a test to show a difference ({p}).",
        "{subject} с {better} было ниже, чем с {worse}, при всех {in_seeds}, в среднем на {amount} ната на шаг (95 "
        "%-й интервал {interval}), но этого слишком мало, чтобы критерий показал различие ({p}).",
    ),
    "not_shown": (
        "{subject} shows no difference between {first} and {second}: {mean} nats a step on average (95 % interval "
        "{interval}; {seeds}; {p}).",
        "{subject} не показывает различия между {first} и {second}: в среднем {mean} ната на шаг (95 %-й интервал "
        "{interval}; {seeds}; {p}).",
    ),
    "single": (
        "{subject} was lower with {better} than with {worse} by {amount} nats a step at the only seed that both have: "
        "without an interval, this may be chance.",
        "{subject} с {better} ниже, чем с {worse}, на {amount} ната на шаг при единственном общем зерне: без "
        "интервала это может быть случайностью.",
    ),
    "loses": (
        "It is shown that {worse} is worse than {better}{averaged} in: {measures}.",
        "Показано, что {worse} хуже {better}{averaged} по показателям: {measures}.",
    ),
    "loses_in_all_seeds": (
        "At every seed, though too few to show it, {worse} was worse than {better}{averaged} in: {measures}.",
        "При каждом зерне, хотя их слишком мало для вывода, {worse} хуже {better}{averaged} по показателям: "
        "{measures}.",
    ),
    "averaged": (", averaged over the optimizers,", " в среднем по оптимизаторам"),
    "other_way": (" (the other way with {names})", " (с {names} наоборот)"),
    "undecided": (
        "No difference between {first} and {second} is shown in: {measures}.",
        "Не показано различия между {first} и {second} по показателям: {measures}.",
    ),
    "limits_lead": ("What to bear in mind:", "О чём следует помнить:"),
    "one_seed": (
        "With one run a combination there is no interval and no test: every difference may be chance.",
        "При одном прогоне на сочетание нет ни интервалов, ни критериев: любое различие может быть случайным.",
    ),
    "few_seeds": (
        "With {seeds} a paired test cannot give less than p = {p}: no difference can be shown at 0.05, however large. "
        "The intervals, and whether all seeds agree, are what there is.",
        "Число зёрен {seeds}: парный критерий не может дать меньше p = {p}, поэтому на уровне 0,05 нельзя показать "
        "никакое различие, как бы велико оно ни было. Остаются интервалы и то, согласны ли все зёрна.",
    ),
    "narrow": (
        "Intervals are bootstrap intervals of the mean over the seeds; with few seeds they are too narrow (of five "
        "values they hold the true mean some 83 times in 100, not 95). Holm’s correction is for the pairs of one "
        "measure; each measure is tested on its own.",
        "Интервалы — бутстреп-интервалы среднего по зёрнам; при малом числе зёрен они слишком узки (по пяти значениям "
        "накрывают истинное среднее примерно в 83 случаях из 100, а не в 95). Поправка Холма учитывает пары одного "
        "показателя; каждый показатель проверяется отдельно.",
    ),
    "edge": (
        "The best learning rate, {rate}, lies at the edge of those tried for {names}: a wider range may serve better.",
        "Лучшая скорость обучения, {rate}, лежит на краю испытанных у {names}: более широкий диапазон может дать "
        "лучшее.",
    ),
    "one_corpus": (
        "The seeds vary weights, windows and dropout, not the data: the results are of this corpus, this size of "
        "model and this budget of tuning.",
        "Зёрна меняют веса, окна и дропаут, но не данные: результаты относятся к этому корпусу, этому размеру модели "
        "и этому бюджету настройки.",
    ),
    "missing_lead": (
        "The study is not finished. The same command of tuner.study goes on with it. There is no result yet of:",
        "Исследование не закончено. Та же команда tuner.study продолжит его. Ещё нет результатов:",
    ),
    "missing_tuning": ("the first stage: {runs} of tuning", "первого этапа: {runs} настройки"),
    "missing_runs": ("{name}: seeds {seeds}", "{name}: зёрна {seeds}"),
    "missing_wholly": ("all seeds of: {names}", "все зёрна: {names}"),
    "missing_music": (
        "the comparison of music with its ceiling (music.csv), which tuner.study writes when it ends",
        "сравнения музыки с её пределом (music.csv): tuner.study пишет его в конце",
    ),
}
