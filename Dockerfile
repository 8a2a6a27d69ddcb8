# The image holds one static binary, runs as nobody in particular and has no shell.
# GO_IMAGE must carry Go 1.26 or newer.
ARG GO_IMAGE=golang:1.26
FROM ${GO_IMAGE} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN scripts/build /out/gatewarden "$VERSION" && mkdir -p /out/state

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/gatewarden /gatewarden
COPY --from=build --chown=65532:65532 --chmod=0700 /out/state /var/lib/gatewarden
USER 65532:65532
VOLUME ["/var/lib/gatewarden"]
EXPOSE 8080 9090
ENTRYPOINT ["/gatewarden"]
CMD ["run", "--config", "/etc/gatewarden/gatewarden.yaml"]
