# A slim image that runs the package as an ordinary user:
#   docker build -t pianoroll_tf . && docker run --rm -v "$PWD:/work" pianoroll_tf pianoroll_tf.demo
FROM node:22-slim AS page
WORKDIR /page
COPY pianoroll_tf/serving/page .
RUN npm ci && npm run build

FROM python:3.12-slim

RUN useradd --create-home --uid 1000 music

WORKDIR /src
COPY setup.cfg pyproject.toml constraints.txt README.md ./
COPY pianoroll_tf pianoroll_tf
COPY --from=page /page/dist pianoroll_tf/serving/page/dist
COPY tuner tuner
RUN pip install --no-cache-dir --constraint constraints.txt ".[demo,grpc,serve,tuner]"

USER music
WORKDIR /work
ENTRYPOINT ["python", "-m"]
CMD ["pianoroll_tf.demo"]
