# Berth's image: the bundled driver, Node, and the programs that it runs.
#   docker build -t berth .
#   docker build -t berth --build-arg BASE=debian:13-slim .
# BASE is any Debian 12 or newer with its package sources set up.
ARG BASE=debian:12-slim

FROM ${BASE} AS build
# Debian's Node only starts npm: the lock file brings the Node that builds and runs Berth.
RUN apt-get update && \
    apt-get install -y --no-install-recommends ca-certificates libatomic1 nodejs npm && \
    rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY package.json package-lock.json .npmrc tsconfig.json ./
RUN npm ci
# The build starts the driver once, to keep its compiled code beside it.
COPY bin bin
COPY proto proto
COPY scripts scripts
COPY src src
RUN npm run build

FROM ${BASE}
# nfs-common: mount.nfs. mount: mount and umount. libatomic1: Node.
# e2fsprogs, xfsprogs and util-linux (losetup, blkid) are for volumes with a filesystem of their own.
RUN apt-get update && \
    apt-get install -y --no-install-recommends \
      e2fsprogs libatomic1 mount nfs-common util-linux xfsprogs && \
    rm -rf /var/lib/apt/lists/*
COPY --from=build /build/node_modules/node/bin/node /usr/local/bin/node
COPY --from=build /build/dist/ /usr/lib/berth/dist/
COPY --from=build /build/bin/ /usr/lib/berth/bin/
COPY LICENSE /usr/lib/berth/
RUN ln -s /usr/lib/berth/bin/berth /usr/local/bin/berth
ENTRYPOINT ["/usr/lib/berth/bin/berth"]
