# Slim images that run the package as an ordinary user. The whole package, or only the server:
#   docker build -t pianoroll_tf . && docker run --rm -v "$PWD:/work" pianoroll_tf pianoroll_tf.demo
#   docker build --target serve -t pianoroll_tf:serve . && docker run --rm -p 127.0.0.1:8501:8501 \
#       -v "$PWD/saved_models:/models:ro" pianoroll_tf:serve /models/demo
FROM node:22.17.0-slim AS page
WORKDIR /page
COPY pianoroll_tf/serving/page/package.json pianoroll_tf/serving/page/package-lock.json ./
RUN npm ci
COPY pianoroll_tf/serving/page .
RUN npm run build

FROM python:3.12.11-slim-bookworm AS base
RUN useradd --create-home --uid 1000 music
WORKDIR /src
COPY setup.cfg pyproject.toml constraints.txt README.md LICENSE ./
# The dependencies depend on the files above alone, so a changed source does not install them again
COPY pianoroll_tf/__init__.py pianoroll_tf/__init__.py
RUN pip install --no-cache-dir --constraint constraints.txt ".[grpc,serve]"

FROM base AS serve
COPY pianoroll_tf pianoroll_tf
COPY --from=page /page/dist pianoroll_tf/serving/page/dist
RUN pip install --no-cache-dir --no-deps --force-reinstall .
USER music
WORKDIR /work
EXPOSE 8501 8500
HEALTHCHECK --interval=10s --start-period=120s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8501/readyz', timeout=2)"]
ENTRYPOINT ["python", "-m", "pianoroll_tf.serve", "--host", "0.0.0.0"]
CMD ["/models/demo"]

FROM base AS full
RUN pip install --no-cache-dir --constraint constraints.txt ".[demo,grpc,serve,tuner]"
COPY pianoroll_tf pianoroll_tf
COPY --from=page /page/dist pianoroll_tf/serving/page/dist
COPY tuner tuner
RUN pip install --no-cache-dir --no-deps --force-reinstall .
USER music
WORKDIR /work
ENTRYPOINT ["python", "-m"]
CMD ["pianoroll_tf.demo"]
