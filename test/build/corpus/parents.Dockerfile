FROM base AS source
RUN mkdir -p /t/a/b/c/d/e /t/a/b2/c/d/e && touch /t/a/b/c/d/foo /t/a/b/c/d/e/bay /t/a/b2/c/d/e/bar && chmod 700 /t/a/b
FROM base
COPY --parents sub/deep/x a.txt /p1/
COPY --parents ./sub/**/keep /p2/
COPY --parents **/*.md /p3/
COPY --parents sub/./deep /p4/
COPY --parents --from=source /t/a/b/./c/d /p5/
COPY --parents --from=source /t/a/./*/c /p6/
COPY --parents --from=source /t/a/b*/./c/**/e /p7/
COPY --parents --from=source /t/a/b/c/d/. /p8
COPY --parents none* sub/b.txt /p9/
