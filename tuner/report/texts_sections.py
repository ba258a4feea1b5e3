"""Texts of the sections of a report on a study: titles, paragraphs, figures, tables: (English, Russian)."""

SECTIONS: dict[str, tuple[str, str]] = {
    # titles
    "quality": ("Quality on the test split", "Качество на тестовой выборке"),
    "differences": ("What differs, and how surely", "Что различается и насколько надёжно"),
    "convergence": ("Speed of convergence", "Скорость сходимости"),
    "stability": ("Stability of training", "Устойчивость обучения"),
    "calibration": ("Calibration, before and after correction", "Калибровка до и после поправки"),
    "sparsity": ("How each copes with sparsity", "Как каждое справляется с разреженностью"),
    "music": ("Generated music", "Порождённая музыка"),
    "ablations": ("Ablations", "Абляции"),
    "tuning": ("Tuning", "Настройка"),
    "settings": ("Settings, data, versions, commands", "Настройки, данные, версии, команды"),
    # groups of a figure
    "losses": ("losses, averaged over the optimizers", "функции потерь, в среднем по оптимизаторам"),
    "optimizers": ("optimizers, averaged over the losses", "оптимизаторы, в среднем по функциям потерь"),
    "combinations": ("combinations", "сочетания"),
    # paragraphs
    "quality_lead": (
        "All numbers are taken from posterior probabilities, in the same way for every loss. NLL is the negative "
        "log-likelihood of a step in nats; PR-AUC the average precision over all cells; onset F1 counts only cells "
        "that were silent at the step before; ECE is the expected calibration error. Thresholds of F1 are chosen on "
        "validation. In small print: the 95 % interval of the mean over the seeds.",
        "Все числа получены из апостериорных вероятностей, одинаково для любой функции потерь. NLL — отрицательное "
        "логарифмическое правдоподобие шага в натах; PR-AUC — средняя точность по всем ячейкам; F1 вступлений "
        "учитывает лишь ячейки, молчавшие на предыдущем шаге; ECE — ожидаемая ошибка калибровки. Пороги для F1 "
        "выбраны на валидации. Мелким шрифтом: 95 %-й интервал среднего по зёрнам.",
    ),
    "differences_lead": (
        "All combinations share initial weights and the order of batches seed by seed, so differences are taken "
        "within a seed. The effect size is the mean difference over the standard deviation of the differences "
        "(Cohen’s d_z).",
        "Все сочетания при одном зерне имеют одни начальные веса и один порядок пакетов, поэтому разности берутся "
        "внутри зерна. Размер эффекта — средняя разность, делённая на стандартное отклонение разностей (d_z Коэна).",
    ),
    "convergence_lead": (
        "Every point of a curve is the NLL of the validation split after an epoch. Seconds are wall clock of the "
        "machine of the study, with validation.",
        "Каждая точка кривой — NLL на валидационной выборке после эпохи. Секунды — по часам машины, на которой шло "
        "исследование, вместе с валидацией.",
    ),
    "stability_lead": (
        "A run has collapsed if after its last epoch it is worse than “note frequency”, or if the density that it "
        "predicts is off by more than a factor of 10; it has diverged if a number became NaN or infinite. Roughness "
        "is the median distance of a point of the validation curve from the middle of its neighbours.",
        "Прогон считается коллапсом, если после последней эпохи он хуже базового «частота нот» или предсказывает "
        "плотность, отличную от истинной более чем в 10 раз; расхождением — если какое-то число стало NaN или "
        "бесконечным. Неровность — медианное расстояние точки кривой валидации от середины между её соседями.",
    ),
    "causes_lead": ("Runs that did not end well:", "Прогоны, закончившиеся неудачно:"),
    "cause": ("{name}, seed {seed}: {outcome}: {cause}", "{name}, зерно {seed}: {outcome}: {cause}"),
    "calibration_lead": (
        "The focal loss is not proper: the network’s own sigmoid is not the probability of a note. Everything else in "
        "this report is taken from the posterior, recovered in closed form; here the raw output stands beside it.",
        "Фокальная функция потерь не является собственной: сигмоида сети — не вероятность ноты. Всё остальное в этом "
        "отчёте взято из апостериорной вероятности, восстановленной в замкнутом виде; здесь рядом с ней стоит сырой "
        "выход.",
    ),
    "calibration_lead_proper": (
        "The points of a calibrated model lie on the diagonal.",
        "Точки откалиброванной модели лежат на диагонали.",
    ),
    "sparsity_lead": (
        "Few cells of a piano-roll are active, and some pitches hardly ever are. Recall is taken at the threshold "
        "that is best for F1 on validation.",
        "В пиано-ролле активны немногие ячейки, а некоторые высоты почти не звучат. Полнота взята при пороге, лучшем "
        "для F1 на валидации.",
    ),
    "music_lead": (
        "Each combination generated {pieces} from nothing, with seeds that are the same for all, under the governor "
        "that an export of the model would have. The distribution of each fact over the pieces is compared with that "
        "of the test split, cut as long; two random halves of the test split are the ceiling of such a comparison.",
        "Каждое сочетание породило {pieces} с чистого листа, с одинаковыми для всех зёрнами и с тем регулятором, "
        "который был бы у экспорта модели. Распределение каждой величины по пьесам сравнивается с её распределением в "
        "тестовой выборке, нарезанной на куски той же длины; две случайные половины теста дают предел такого "
        "сравнения.",
    ),
    "ablations_lead": (
        "Each changes one thing in its parent and keeps its settings: “uncorrected” are the very models of the "
        "parent, judged and sampled as if their output were the posterior; “bias from 0” is trained anew with an "
        "output bias that starts at 0 and not at the log-odds of each pitch.",
        "Каждая меняет одну вещь в своём исходном сочетании и сохраняет его настройки: «без поправки» — те же модели, "
        "чей выход принят за апостериорную вероятность; «смещение от 0» — новое обучение, в котором смещение "
        "выходного слоя начинается с 0, а не с логарифма шансов каждой высоты.",
    ),
    "tuning_lead": (
        "Every combination had the same number of tuning runs of the same length, at the same learning rates; "
        "settings of its own had to be found within them. The run with the lowest validation NLL was chosen.",
        "У каждого сочетания было одинаковое число настроечных прогонов одной длины при одних и тех же скоростях "
        "обучения; собственные настройки приходилось находить в их пределах. Выбран прогон с наименьшим NLL на "
        "валидации.",
    ),
    "repeat": (
        "These commands make the records (MIDI_DIR is the folder of MIDI files), the study and this report again; the "
        "sha256 above tells whether the records are the same.",
        "Эти команды заново создают записи (MIDI_DIR — папка с MIDI-файлами), исследование и этот отчёт; sha256 выше "
        "показывает, те же ли это записи.",
    ),
    # tables
    "quality_table": ("Numbers on the test split, means over the seeds", "Показатели на тесте, средние по зёрнам"),
    "pairs_table": (
        "Paired differences of the test NLL, nats a step; below 0 the first is better",
        "Парные разности NLL на тесте, нат на шаг; ниже 0 лучше первое",
    ),
    "ranks_table": ("Mean ranks over the seeds; 1 is best", "Средние ранги по зёрнам; 1 — лучший"),
    "convergence_table": (
        "What it takes to reach the baseline “copy the last step”, and to come within 2 % of the best validation NLL "
        "of all runs",
        "Сколько нужно до базового «повторить последний шаг» и до 2 % от лучшего NLL на валидации среди всех прогонов",
    ),
    "convergence_more_table": (
        "Time to within 2 % of the best, and the mean over the run of the best validation NLL so far",
        "Время до 2 % от лучшего и среднее за прогон лучшего на тот момент NLL на валидации",
    ),
    "stability_table": ("How the runs went", "Как шли прогоны"),
    "sparsity_table": ("Density and silence, predicted beside true", "Плотность и молчание: предсказанные и истинные"),
    "recall_table": (
        "Recall of cells, by the share of training steps in which their pitch sounds",
        "Полнота по ячейкам в зависимости от доли шагов обучения, в которых звучит высота",
    ),
    "music_overlap_table": (
        "Overlapping area of the distributions, generated and real; 1 is equal",
        "Площадь пересечения распределений, порождённых и настоящих; 1 — равны",
    ),
    "music_distance_table": (
        "Wasserstein distance of the distributions, in the unit of each; 0 is equal",
        "Расстояние Вассерштейна между распределениями, в единицах величины; 0 — равны",
    ),
    "music_table": (
        "Overlap of single runs, which have fewer pieces; and the density of their music without governor",
        "Совпадение для отдельных прогонов, у которых пьес меньше, и плотность их музыки без регулятора",
    ),
    "ablations_table": (
        "Paired differences of an ablation and its parent: {measure}",
        "Парные разности абляции и исходного сочетания: {measure}",
    ),
    "tuning_table": ("All tuning runs", "Все настроечные прогоны"),
    "settings_table": ("Settings of the study, as in study.json", "Настройки исследования, как в study.json"),
    "data_table": ("The records", "Записи"),
    "versions_table": ("Versions that the study was begun with", "Версии, с которыми начато исследование"),
    # figures
    "means_alt": (
        "For each combination the value of every run, the mean and its interval, a panel a measure; the numbers are "
        "in the table above.",
        "Для каждого сочетания — значение каждого прогона, среднее и его интервал, по панели на показатель; числа — в "
        "таблице выше.",
    ),
    "means_caption": (
        "Grey: every run. Coloured: mean and 95 % interval over the seeds. Colour and shape say the loss.",
        "Серым — каждый прогон; цветом — среднее и 95 %-й интервал по зёрнам. Цвет и форма означают функцию потерь.",
    ),
    "nll_differences_alt": (
        "Paired differences of the test NLL with intervals; the numbers are in the table below.",
        "Парные разности NLL на тесте с интервалами; числа — в таблице ниже.",
    ),
    "nll_differences_caption": (
        "Mean paired differences of the test NLL with their 95 % intervals. Left of 0 the first of a pair is better.",
        "Средние парные разности NLL на тесте с 95 %-ми интервалами. Левее 0 лучше первое из пары.",
    ),
    "ranks_alt": (
        "Mean ranks of the combinations; the numbers are in the table below.",
        "Средние ранги сочетаний; числа — в таблице ниже.",
    ),
    "ranks_caption": (
        "Mean ranks. What lies within the grey zone is not told apart from the best (Nemenyi’s critical difference, "
        "0.05).",
        "Средние ранги. Что лежит в серой полосе, неотличимо от лучшего (критическая разность Неменьи, 0,05).",
    ),
    "curves_by_optimizer_alt": (
        "Validation NLL by epoch, a panel an optimizer, a line a loss; how soon each reaches the baseline is in the "
        "table below.",
        "NLL на валидации по эпохам: панель — оптимизатор, линия — функция потерь; как скоро каждая достигает "
        "базового — в таблице ниже.",
    ),
    "curves_by_optimizer_caption": (
        "Validation curves of the losses, by optimizer: mean over the seeds, and a band from the least to the "
        "largest. Beyond the first run that stopped early, each run is a thin line. Above: all epochs, but for the "
        "fall at the start; below: the second half, larger. Runs that diverged are left out.",
        "Кривые валидации функций потерь по оптимизаторам: среднее по зёрнам и полоса от наименьшего до наибольшего. "
        "После первого рано остановленного прогона каждый показан тонкой линией. Сверху — все эпохи, кроме начального "
        "падения; снизу — вторая половина, крупнее. Разошедшиеся прогоны опущены.",
    ),
    "curves_by_loss_alt": (
        "Validation NLL by epoch, a panel a loss, a line an optimizer; how soon each reaches the baseline is in the "
        "table below.",
        "NLL на валидации по эпохам: панель — функция потерь, линия — оптимизатор; как скоро каждый достигает "
        "базового — в таблице ниже.",
    ),
    "curves_by_loss_caption": (
        "Validation curves of the optimizers, by loss: mean over the seeds, and a band from the least to the largest.",
        "Кривые валидации оптимизаторов по функциям потерь: среднее по зёрнам и полоса от наименьшего до наибольшего.",
    ),
    "time_to_baseline_alt": (
        "Steps and seconds that each combination took to the baseline and to the best; the numbers are in the table "
        "below.",
        "Шаги и секунды каждого сочетания до базового и до лучшего; числа — в таблице ниже.",
    ),
    "time_to_baseline_caption": (
        "Time to the baseline and to within 2 % of the best of all runs. Runs that never came there have no point.",
        "Время до базового и до 2 % от лучшего из всех прогонов. У прогонов, не дошедших туда, точки нет.",
    ),
    "stability_means_alt": (
        "Measures of stability of each combination; the numbers are in the table above.",
        "Показатели устойчивости каждого сочетания; числа — в таблице выше.",
    ),
    "stability_means_caption": (
        "Less is steadier. Grey: every run; coloured: mean and 95 % interval.",
        "Меньше — устойчивее. Серым — каждый прогон; цветом — среднее и 95 %-й интервал.",
    ),
    "reliability_alt": (
        "Reliability curves of each combination, of all runs together; how far they are off is the ECE in the first "
        "table.",
        "Кривые надёжности каждого сочетания, по всем прогонам вместе; их отклонение — ECE в первой таблице.",
    ),
    "reliability_caption": (
        "Reliability on the test split, cells of all runs together. A calibrated prediction lies on the diagonal.",
        "Надёжность на тесте, ячейки всех прогонов вместе. Откалиброванное предсказание лежит на диагонали.",
    ),
    "sparsity_alt": (
        "Left: recall of each pitch by how often it sounds in training. Right: expected number of notes by the true "
        "one.",
        "Слева: полнота для каждой высоты в зависимости от того, как часто она звучит в обучении. Справа: ожидаемое "
        "число нот в зависимости от истинного.",
    ),
    "sparsity_caption": (
        "Left: recall of each pitch (with at least 50 sounding cells in the test split, runs together) by its rarity. "
        "Right: density by step, the mean number of expected notes where so many sound. All runs and optimizers of a "
        "loss together.",
        "Слева: полнота для каждой высоты (от 50 звучащих ячеек на тесте, прогоны вместе) в зависимости от её "
        "редкости. Справа: плотность по шагам, среднее ожидаемое число нот там, где столько звучит. Все прогоны и "
        "оптимизаторы функции потерь вместе.",
    ),
    "recall_alt": (
        "Recall of each combination in four classes of rarity; the numbers are in the table above.",
        "Полнота каждого сочетания в четырёх классах редкости; числа — в таблице выше.",
    ),
    "recall_caption": (
        "Recall by rarity of the pitch. Grey: every run; coloured: mean and 95 % interval.",
        "Полнота в зависимости от редкости высоты. Серым — каждый прогон; цветом — среднее и 95 %-й интервал.",
    ),
    "ablations_means_alt": (
        "Ablations beside their parents, a panel a measure; their differences are in the tables below.",
        "Абляции рядом с исходными сочетаниями, по панели на показатель; разности — в таблицах ниже.",
    ),
    "ablations_means_caption": (
        "Ablations (hollow) beside their parents. Grey: every run; coloured: mean and 95 % interval over the seeds.",
        "Абляции (пустые знаки) рядом с исходными сочетаниями. Серым — каждый прогон; цветом — среднее и 95 %-й "
        "интервал по зёрнам.",
    ),
    "rolls_alt": (
        "Piano-rolls of real pieces and of one generated by each of: {names}.",
        "Пиано-роллы настоящих пьес и по одной порождённой каждым из сочетаний: {names}.",
    ),
    "rolls_caption": (
        "Real pieces (grey; of median and of upper-quartile density in the test split) and the first piece of each "
        "combination, not chosen. To be heard below.",
        "Настоящие пьесы (серым; с медианной и верхнеквартильной плотностью в тестовой выборке) и первая пьеса "
        "каждого сочетания, без отбора. Их можно послушать ниже.",
    ),
}
