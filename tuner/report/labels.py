"""Names of measures and units in a report. English measures: `measure_table`; choices: `pianoroll_tf.choices`."""

from tuner.study.measure_table import MUSIC, RARITY

UNITS_RU = {
    "": "",
    "nats a step": "нат на шаг",
    "epochs": "эпохи",
    "steps": "шаги",
    "seconds": "секунды",
    "share of cells": "доля ячеек",
    "share of steps": "доля шагов",
    "pitches": "звуки",
    "semitones": "полутоны",
    "notes": "ноты",
}

MUSIC_RU = {
    "density": "плотность пьесы",
    "polyphony": "полифония пьесы",
    "pitch": "гистограмма высот",
    "pitch_class": "гистограмма высотных классов",
    "note_length": "длина ноты",
    "onset_interval": "интервал между вступлениями",
    "scale_consistency": "верность ладу в пьесе",
    "longest_note": "самая долгая нота пьесы",
    "empty_steps": "доля пустых шагов пьесы",
}

RARITY_RU = {"rare": "менее 0,5 %", "uncommon": "от 0,5 до 2 %", "common": "от 2 до 6 %", "frequent": "более 6 %"}

MEASURES_RU = {
    "val_nll": "NLL на валидации, сохранённые веса",
    "last_val_nll": "NLL на валидации после последней эпохи",
    "gradient_ratio": "норма градиента, 99-й процентиль к медиане",
    "roughness": "неровность кривой валидации",
    "epochs_to_copy": "до базового «повторить последний шаг»",
    "steps_to_copy": "до базового «повторить последний шаг»",
    "seconds_to_copy": "до базового «повторить последний шаг»",
    "epochs_to_best": "до 2 % от лучшего из всех прогонов",
    "steps_to_best": "до 2 % от лучшего из всех прогонов",
    "seconds_to_best": "до 2 % от лучшего из всех прогонов",
    "curve_area": "среднее NLL на валидации за прогон",
    "nll": "NLL на тесте",
    "pr_auc": "PR-AUC",
    "f1": "F1",
    "onset_f1": "F1 вступлений",
    "ece": "ошибка калибровки",
    "ece_raw": "ошибка калибровки до апостериорной поправки",
    "music_overlap": "совпадение с музыкой теста, среднее по всем",
    **{f"music_{name}_overlap": f"{label}, совпадение" for name, label in MUSIC_RU.items()},
    **{f"music_{name}_distance": f"{label}, расстояние" for name, label in MUSIC_RU.items()},
    "free_density_ratio": "плотность нерегулируемой музыки к плотности данных",
    "density_ratio": "предсказанная плотность к истинной",
    "step_density_error": "ошибка ожидаемого числа нот на шаге",
    "silent_ratio": "шаги, предсказанные пустыми, к пустым шагам",
    "silent_predicted": "шаги, предсказанные пустыми",
    **{f"recall_{name}": f"полнота для высот, звучащих {label} времени" for name, label in RARITY_RU.items()},
}

# Heads of tables, shorter than the labels above: measure → (English, Russian).
SHORT = {
    "val_nll": ("validation NLL", "NLL на валидации"),
    "last_val_nll": ("NLL after the last epoch", "NLL после последней эпохи"),
    "gradient_ratio": ("gradient norm, p99 / median", "норма градиента, p99 / медиана"),
    "roughness": ("roughness of the curve", "неровность кривой"),
    "epochs_to_copy": ("epochs to the baseline", "эпох до базового"),
    "steps_to_copy": ("steps to the baseline", "шагов до базового"),
    "seconds_to_copy": ("seconds to the baseline", "секунд до базового"),
    "epochs_to_best": ("epochs to 2 % of the best", "эпох до 2 % от лучшего"),
    "steps_to_best": ("steps to 2 % of the best", "шагов до 2 % от лучшего"),
    "seconds_to_best": ("seconds to 2 % of the best", "секунд до 2 % от лучшего"),
    "curve_area": ("mean NLL over the run", "среднее NLL за прогон"),
    "ece": ("ECE", "ECE"),
    "ece_raw": ("ECE, raw output", "ECE, сырой выход"),
    "music_overlap": ("overlap with real music", "совпадение с музыкой теста"),
    "free_density_ratio": ("density of ungoverned music / data", "плотность нерегулируемой музыки / данных"),
    "density_ratio": ("density, predicted / true", "плотность, предсказанная / истинная"),
    "step_density_error": ("error of the notes of a step", "ошибка числа нот на шаге"),
    "silent_predicted": ("steps predicted silent", "шаги, предсказанные пустыми"),
    "silent_ratio": ("silent steps, predicted / true", "пустые шаги, предсказанные / истинные"),
    **{
        f"recall_{name}": (f"recall, pitches {label}", f"полнота, высоты {RARITY_RU[name]}")
        for name, (_, label) in RARITY.items()
    },
    **{f"music_{name}_overlap": (label, MUSIC_RU[name]) for name, (label, _) in MUSIC.items()},
    **{f"music_{name}_distance": (label, MUSIC_RU[name]) for name, (label, _) in MUSIC.items()},
}
