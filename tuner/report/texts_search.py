"""Texts of a report on a search: (English, Russian)."""

SEARCH: dict[str, tuple[str, str]] = {
    "search_title": ("Search {name}: the best settings found", "Поиск {name}: лучшие найденные настройки"),
    "search_intro": ("{done} of {all} came to an end.", "Доведено до конца: {done} из {all}."),
    "search_nothing": ("There is no model yet.", "Модели ещё нет."),
    "search_winner": (
        "The best {name} is {value}, of trial {trial} at epoch {epoch}: {settings}.",
        "Лучшее значение ({name}) — {value}, у пробы {trial} в эпоху {epoch}: {settings}.",
    ),
    "search_second": ("It leads the second, trial {trial}, by {lead}.", "Отрыв от второй, пробы {trial}, — {lead}."),
    "search_by_loss": ("The best of each loss: {values}.", "Лучшее для каждой функции потерь: {values}."),
    "search_by_optimizer": ("The best of each optimizer: {values}.", "Лучшее для каждого оптимизатора: {values}."),
    "search_no_interval": (
        "A trial is one run, so these numbers have no interval, and small leads may be chance: which loss or "
        "optimizer is better is a question for tuner.study.",
        "Проба — это один прогон, поэтому интервалов у этих чисел нет, и малый отрыв может быть случайностью: какая "
        "функция потерь или какой оптимизатор лучше, решает tuner.study.",
    ),
    "search_chosen": (
        "The best of many trials is chosen by the very numbers shown here, which therefore flatter it: judge it on "
        "the test split with pianoroll_tf.evaluate.",
        "Лучшая из многих проб выбрана по тем самым числам, что показаны здесь, поэтому они ей льстят: оценивайте её "
        "на тестовой выборке командой pianoroll_tf.evaluate.",
    ),
    "search_single": (
        "Trials are not spread evenly over the settings, and a setting is seen together with all others: the figures "
        "show where good trials were found, not what a setting does alone.",
        "Пробы распределены по настройкам неравномерно, и каждая настройка видна вместе со всеми другими: рисунки "
        "показывают, где нашлись хорошие пробы, а не действие одной настройки.",
    ),
    "search_hyperband": (
        "Hyperband gives most trials only a few epochs, so trials of different length stand side by side.",
        "Hyperband даёт большинству проб лишь несколько эпох, поэтому рядом стоят пробы разной длины.",
    ),
    "search_best": ("Best settings", "Лучшие настройки"),
    "search_trials": ("All trials", "Все пробы"),
    "search_figures": ("How the search went", "Как шёл поиск"),
    "failed_lead": ("Failed trials:", "Неудачные пробы:"),
    "failed_trial": ("trial {trial}: {cause}", "проба {trial}: {cause}"),
    "best_table": (
        "Settings of trial {trial}, and those that all trials share",
        "Настройки пробы {trial} и общие для всех проб",
    ),
    "export_lead": ("The best run as a model that makes music:", "Лучший прогон как модель, порождающая музыку:"),
    "trials_table": ("Trials, best first, by {name}", "Пробы, лучшие первыми, по показателю: {name}"),
    "objective_nll": ("validation NLL", "NLL на валидации"),
    "objective_pr_auc": ("validation PR-AUC", "PR-AUC на валидации"),
    "unit_nll": ("{name}, nats a step", "{name}, нат на шаг"),
    "unit_pr_auc": ("{name}", "{name}"),
    "behind_nll": (" nats a step", " ната на шаг"),
    "status_completed": ("completed", "завершена"),
    "status_failed": ("failed", "неудача"),
    "status_unfinished": ("unfinished", "не закончена"),
    "trial_head": ("trial", "проба"),
    "rank_head": ("rank", "место"),
    "objective_head": ("objective", "цель"),
    "best_epoch_head": ("best epoch", "лучшая эпоха"),
    "seconds_head": ("seconds", "секунды"),
    "status_head": ("status", "состояние"),
    "trial_label": ("trial {trial}, rank {rank}", "проба {trial}, место {rank}"),
    "best_so_far": ("best so far", "лучшее на данный момент"),
    "a_trial": ("a trial", "проба"),
    "trial_axis": ("trial, in the order of their start", "проба, в порядке начала"),
    "space_table": (
        "The space: what was tried, and what was fixed",
        "Пространство: что перебиралось и что было задано",
    ),
    "repeat_search": (
        "These commands make the records (MIDI_DIR is the folder of MIDI files), the search and this report again; "
        "space.json lies beside the report.",
        "Эти команды заново создают записи (MIDI_DIR — папка с MIDI-файлами), поиск и этот отчёт; space.json лежит "
        "рядом с отчётом.",
    ),
    "search_trials_alt": (
        "The objective of each trial in the order of their start, and the best so far; the numbers are in the table "
        "above.",
        "Значение цели каждой пробы в порядке начала и лучшее на данный момент; числа — в таблице выше.",
    ),
    "search_trials_caption": ("The objective by trial.", "Значение цели по пробам."),
    "search_settings_alt": (
        "The objective of the trials against each setting, a panel a setting; the numbers are in the table above.",
        "Значение цели проб в зависимости от каждой настройки, панель — настройка; числа — в таблице выше.",
    ),
    "search_settings_caption": (
        "The objective against each setting, of the trials in which it counts. A bar is the median of a choice.",
        "Значение цели в зависимости от каждой настройки, для проб, в которых она действует. Черта — медиана варианта.",
    ),
    "search_parallel_alt": (
        "Every trial as a line through its settings, coloured by its objective; the numbers are in the table above.",
        "Каждая проба — линия через её настройки, цвет — значение цели; числа — в таблице выше.",
    ),
    "search_parallel_caption": (
        "Every trial as a line through its settings; bright is good, the best is thick. A line skips what does not "
        "count in its trial.",
        "Каждая проба — линия через её настройки; светлое — хорошо, лучшая — толстая. Линия минует то, что в пробе не "
        "действует.",
    ),
    "search_curves_alt": (
        "Validation curves of the best trials by epoch; their best values are in the table above.",
        "Кривые валидации лучших проб по эпохам; их лучшие значения — в таблице выше.",
    ),
    "search_curves_caption": (
        "Validation curves of the best trials; the first epoch may lie outside the axis.",
        "Кривые валидации лучших проб; первая эпоха может лежать за пределами оси.",
    ),
}
