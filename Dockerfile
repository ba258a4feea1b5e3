# The package in a slim image, run as an ordinary user:
#   docker build -t pianoroll_tf . && docker run --rm -v "$PWD:/work" pianoroll_tf pianoroll_tf.demo
FROM python:3.12-slim

RUN apt-get update \
    && apt-get install --yes --no-install-recommends libfluidsynth3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 music

WORKDIR /src
COPY setup.cfg pyproject.toml constraints.txt README.md ./
COPY pianoroll_tf pianoroll_tf
COPY tuner tuner
RUN pip install --no-cache-dir --constraint constraints.txt ".[demo,fluidsynth,serve,tuner]"

USER music
WORKDIR /work
ENTRYPOINT ["python", "-m"]
CMD ["pianoroll_tf.demo"]
