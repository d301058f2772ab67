# The edge and the runner of docker-compose.yml: this project, installed. Sessions run in another image
# (container/Dockerfile), which the runner builds.
ARG BASE=node:24-bookworm-slim
FROM ${BASE}

# Certificate authorities: the edge does not start without any, and the runner calls the model over TLS.
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/*

# The registry for `npm` instead of its default, and a file with certificate authorities in the base image.
ARG NPM_CONFIG_REGISTRY
ARG NPM_CONFIG_CAFILE
WORKDIR /opt/cc-docker
COPY package.json package-lock.json ./
COPY container/mcp/ container/mcp/
# This also installs `claude` and the MCP servers: the runner puts them into the sessions' image, on the machine where
# it runs.
RUN npm ci --omit=dev --no-audit --no-fund --loglevel=error \
 && npm ci --prefix container/mcp --no-audit --no-fund --loglevel=error
COPY . .
