# Berth's image: the bundled driver, Node, and the programs that it runs. docs/development.md says how to build it.
#   docker build --tag berth .
# BUILD needs Node and npm of any supported version, strip, and the libraries of Node's own binaries (libatomic1).
# BASE is any Debian 12 or newer with its package sources set up.
ARG BUILD=docker.io/library/node:26-trixie
ARG BASE=docker.io/library/debian:13-slim

# The npm packages, of which one brings the Node that builds and runs Berth, for the architecture that is built for.
FROM ${BUILD} AS packages
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# Node's symbols are a fifth of its size, and serve debuggers alone.
RUN npm ci && strip node_modules/node/bin/node

# A root filesystem with what the driver runs, and nothing that only installs or configures packages.
FROM ${BASE} AS root
COPY scripts/image /tmp/image
RUN sh /tmp/image/install.sh && sh /tmp/image/slim.sh && rm -r /tmp/image

# One layer, so that what was removed takes no space. What follows it changes with the sources.
FROM scratch AS runtime
COPY --from=root / /
COPY --from=packages /build/node_modules/node/bin/node /usr/local/bin/node

# The build starts the driver once, to keep its compiled code beside it.
FROM packages AS build
COPY tsconfig.json ./
COPY bin bin
COPY proto proto
COPY scripts scripts
COPY src src
RUN npm run build

FROM runtime
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Berth" \
      org.opencontainers.image.description="A CSI driver: volumes for Kubernetes out of plain storage." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="https://github.com/berth-csi/berth" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
COPY LICENSE /usr/lib/berth/
COPY --from=build /build/bin/ /usr/lib/berth/bin/
COPY --from=build /build/dist/ /usr/lib/berth/dist/
RUN ["ln", "-s", "/usr/lib/berth/bin/berth", "/usr/local/bin/berth"]
# Root, since both roles mount: CAP_SYS_ADMIN is nothing that another user could be given in Kubernetes.
# tini reaps the helpers that outlive the mount which started them; Node as process 1 would keep them as zombies.
ENTRYPOINT ["/usr/bin/tini", "--", "/usr/lib/berth/bin/berth"]
