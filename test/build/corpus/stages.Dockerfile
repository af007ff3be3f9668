FROM base AS Builder
RUN echo built >/x
FROM scratch AS unused
COPY nothing /
FROM builder
MAINTAINER "Anna" <anna@example.org>
COPY --from=BUILDER /x /y
HEALTHCHECK --interval=1m30s --timeout=2s --start-period=5s --retries=3 CMD cat /x || exit 1
ONBUILD COPY --chmod=600 a.txt /triggered
ONBUILD RUN <<EOF
cat /triggered >/copy
EOF
ENTRYPOINT ["/bin/cat"]
CMD ["/x"]
