FROM base AS parent
ONBUILD ARG GIVEN=preset
ONBUILD COPY --chmod=600 a.txt /triggered
ONBUILD RUN cat /triggered >/copy && echo $GIVEN >>/copy
ONBUILD USER app
FROM parent
LABEL after=trigger
