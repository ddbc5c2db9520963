# linkbridge as an image without a shell, a package manager or root.
#
#   docker build -t linkbridge .
#   docker run --read-only --cap-drop ALL -p 8443:8443 -v linkbridge-data:/data \
#       -v ./linkbridge.toml:/etc/linkbridge/linkbridge.toml:ro linkbridge
#
# In the configuration, listeners are at 0.0.0.0, and `admin_listen` is at an address that only the inside reaches.
# The example configuration listens on loopback alone, which nobody outside the container reaches.

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked && mkdir /empty

# It has libc, libgcc and the certificates that are trusted, and a user `nonroot` (65532).
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /src/target/release/linkbridge /usr/local/bin/linkbridge
COPY --from=build --chown=nonroot:nonroot --chmod=0700 /empty /data
VOLUME /data
WORKDIR /data
EXPOSE 8443
# A drain is asked for by SIGTERM; give it time: `docker stop --time 60`.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/linkbridge"]
CMD ["serve", "--config", "/etc/linkbridge/linkbridge.toml", "--data", "/data"]
