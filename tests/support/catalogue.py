"""The messages of the reports as a gettext catalogue; as a script, updates every .po file."""

import itertools

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po
from repository import ROOT

from tuner.report.captions import FIGURES, MEANS, SECTIONS
from tuner.report.language import LANGUAGES, catalogue_path
from tuner.study.measures import MEASURES

METHODS = [("**.py", "python"), ("**.jinja", "jinja2")]


def messages() -> Catalog:
    """Every message of the code, the templates, the texts of sections and figures, and the table of measures."""
    found = Catalog()
    for message in itertools.chain(*SECTIONS.values(), MEANS.values(), *FIGURES.values()):
        if message:
            found.add(message, locations=[("tuner/report/captions.py", None)])
    for name, _, message, _, context in extract_from_dir(ROOT / "tuner", method_map=METHODS):
        found.add(message, locations=[(f"tuner/{name}", None)], context=context)
    for measure in MEASURES.values():
        for message in filter(None, (measure.label, measure.head, measure.unit)):
            found.add(message, locations=[("tuner/study/measures.py", None)])
    return found


def read(code: str) -> Catalog:
    """The catalogue of a language as its file holds it."""
    with catalogue_path(code).open("rb") as file:
        return read_po(file, locale=code)


def update(code: str) -> None:
    """Adds messages that the catalogue lacks, removes those that the code does not have any more."""
    catalogue = read(code)
    catalogue.update(messages(), no_fuzzy_matching=True)
    with catalogue_path(code).open("wb") as file:
        write_po(file, catalogue, width=120, ignore_obsolete=True, omit_header=False, include_lineno=False)


if __name__ == "__main__":
    for language in LANGUAGES:
        if language != "en":
            update(language)
