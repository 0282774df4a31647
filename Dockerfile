# Two images: `docker build --target agent .` is the agent, `docker build .` the server. Neither runs as root.

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN for program in netraven netraven-agent; do \
      CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /out/$program ./cmd/$program || exit 1; \
    done

FROM debian:bookworm-slim AS base
RUN useradd --system --uid 10001 --user-group --home-dir /var/lib/netraven --shell /usr/sbin/nologin netraven \
    && install -d -o netraven -g netraven -m 0700 /var/lib/netraven /var/lib/netraven-agent
COPY LICENSE THIRD_PARTY_NOTICES /usr/share/doc/netraven/

FROM base AS agent
COPY --from=build /out/netraven-agent /usr/local/bin/
USER netraven
VOLUME /var/lib/netraven-agent
ENTRYPOINT ["netraven-agent"]
CMD ["--help"]

FROM base AS server
# git: gitstore folds and serves repositories with it. curl: the health check.
RUN apt-get update \
    && apt-get install -y --no-install-recommends git ca-certificates curl \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/netraven /usr/local/bin/
USER netraven
VOLUME /var/lib/netraven
EXPOSE 8080 9090 9443
ENTRYPOINT ["netraven"]
CMD ["serve", "--data", "/var/lib/netraven"]
