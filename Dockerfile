# muguet in a container:  docker build -t muguet .            (CPU)
#                         docker build -t muguet --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu130 .  (CUDA)
#   docker run --rm -v "$PWD:/data" muguet denoise cells.tif       (with --gpus all for CUDA)
ARG PYTHON=3.12
FROM python:${PYTHON}-slim

# The index of PyTorch decides between a build for CPUs and one for CUDA.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ARG EXTRAS=figures,classic,formats

WORKDIR /opt/muguet
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY src src
RUN pip install --no-cache-dir --index-url "${TORCH_INDEX}" "$(grep '^torch==' constraints.txt)" \
 && pip install --no-cache-dir -c constraints.txt ".[${EXTRAS}]"

WORKDIR /data
ENTRYPOINT ["muguet"]
CMD ["--help"]
