# The command line:  docker build -t fm-keras .
#                    docker run --rm -it -v fm-keras-runs:/home/user/runs fm-keras run
FROM python:3.12-slim
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN useradd --create-home user \
    && install -d -o user -g user /home/user/runs /home/user/tensorflow_datasets

# The requirements weigh gigabytes and change rarely: a layer of their own, made from setup.py alone.
WORKDIR /src
COPY setup.py ./
RUN mkdir fm_keras cli \
    && echo '__version__ = "0"' > fm_keras/__init__.py \
    && touch cli/__init__.py README.md LICENSE \
    && pip install . \
    && pip uninstall --yes fm-keras \
    && rm -rf /src/*
COPY . .
RUN pip install --no-deps . \
    && rm -rf /src/*

USER user
WORKDIR /home/user
ENV TF_CPP_MIN_LOG_LEVEL=2 PYTHONUNBUFFERED=1
VOLUME ["/home/user/runs", "/home/user/tensorflow_datasets"]
ENTRYPOINT ["fm-keras"]
CMD ["--help"]
