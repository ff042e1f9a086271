# The container image of Miroir: one program without a shell, as an unprivileged user.
#
#   docker build -t miroir:0.1.0 .
#
# Both bases can be replaced. The program is linked to glibc: RUNTIME must have the version of BUILDER or a newer one.
ARG BUILDER=rust:1.95-slim-bookworm
ARG RUNTIME=gcr.io/distroless/cc-debian12:nonroot
# Source of the program: the stage below, or an image with the same /out.
ARG PROGRAM=build

FROM ${BUILDER} AS build
WORKDIR /source
COPY . .
RUN cargo build --release --locked --package miroir --bin miroir --no-default-features \
  && install -D target/release/miroir /out/bin/miroir \
  && install -d /out/lib/miroir

FROM ${PROGRAM} AS program

FROM ${RUNTIME}
COPY --from=program /out/bin/miroir /usr/local/bin/miroir
# An empty folder, whose owner a new volume gets.
COPY --from=program --chown=65532:65532 /out/lib/ /var/lib/
COPY deploy/image/default.yaml /etc/miroir/miroir.yaml
# A number, so that Kubernetes can verify that the user is not root.
USER 65532:65532
# Default folder of the configuration.
WORKDIR /etc/miroir
VOLUME /var/lib/miroir
# The ports of clients and operators, and of metrics if `metrics.address` is set.
EXPOSE 7700 9090
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["/usr/local/bin/miroir", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/miroir"]
CMD ["serve"]
