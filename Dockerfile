# Two stages: build the environment, then ship it with the default checkpoint. CPU only, runs as a plain user.
FROM python:3.11-slim AS build
WORKDIR /app
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
# The CPU build of torch: an index of CPU wheels can be given, e.g. --build-arg TORCH_INDEX=<url>
ARG TORCH_INDEX=
RUN pip install --no-cache-dir ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} torch==2.13.0
COPY pyproject.toml README.md LICENSE ./
COPY model ./model
COPY service ./service
COPY training ./training
RUN pip install --no-cache-dir '.[train]'

FROM python:3.11-slim
RUN useradd --create-home --uid 10001 stance
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HF_HUB_OFFLINE=1 \
    STANCE_HOST=0.0.0.0 \
    STANCE_PORT=8000
USER stance
WORKDIR /home/stance
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]
CMD ["stance", "serve"]
