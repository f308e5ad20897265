# Two images.
# The command line:       docker build -t fm-keras .
#                         docker run --rm -it -v fm-keras-runs:/home/user/runs fm-keras run
# saved_models/, hosted:  docker build -t fm-keras-serving --target serving .
#                         docker run --rm -p 127.0.0.1:8500:8500 -p 127.0.0.1:8501:8501 fm-keras-serving

# TensorFlow Serving is published for amd64 alone; elsewhere use `fm-keras serve`, see docs/serving.md.
ARG SERVING_VERSION=2.19.1
FROM tensorflow/serving:${SERVING_VERSION} AS serving
COPY saved_models /models
# Arguments of `docker run` are added to these; port 8500 speaks gRPC, 8501 REST.
ENTRYPOINT ["/usr/bin/tf_serving_entrypoint.sh", \
            "--model_config_file=/models/models.config", \
            "--model_config_file_poll_wait_seconds=60", \
            "--monitoring_config_file=/models/monitoring.config"]

# The last stage is what `docker build` makes unless it is told otherwise.
FROM python:3.12-slim AS cli
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN useradd --create-home user \
    && install -d -o user -g user /home/user/runs /home/user/saved_models /home/user/tensorflow_datasets

# The requirements weigh gigabytes and change rarely: a layer of their own, made from setup.py alone.
WORKDIR /src
COPY setup.py ./
RUN mkdir fm_keras cli \
    && echo '__version__ = "0"' > fm_keras/__init__.py \
    && touch cli/__init__.py README.md LICENSE \
    && pip install ".[serve]" \
    && pip uninstall --yes fm-keras \
    && rm -rf /src/*
COPY setup.py pyproject.toml README.md LICENSE ./
COPY fm_keras fm_keras
COPY cli cli
RUN pip install --no-deps . \
    && rm -rf /src/*

USER user
WORKDIR /home/user
ENV TF_CPP_MIN_LOG_LEVEL=2 PYTHONUNBUFFERED=1
VOLUME ["/home/user/runs", "/home/user/tensorflow_datasets"]
ENTRYPOINT ["fm-keras"]
CMD ["--help"]
