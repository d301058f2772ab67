# The image for sessions, with a browser for the MCP preset `playwright`. It is apart from container/Dockerfile because the
# browser doubles the image's size and few sessions need it:
#
#   npm run image && docker build -t cc-docker/session-browser -f container/browser.Dockerfile container
#   SESSION_IMAGE=cc-docker/session-browser npm start
ARG BASE=cc-docker/session:latest
FROM ${BASE}

USER 0:0
# The base image asks no name service. This step needs one, and removes it again.
RUN sed -i 's/^hosts:.*/hosts: files dns/' /etc/nsswitch.conf \
 && apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium fonts-liberation \
 && apt-get clean \
 && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log \
 && sed -i 's/^hosts:.*/hosts: files/' /etc/nsswitch.conf
USER 1000:1000
