FROM base
ARG A=x
ARG NEEDED=${NEEDED:?missing}
ENV B=1 C="two words" EMPTY= STAR="*.txt" PATHS=a/b/c.tar.gz
ENV G=${B}-$C H=${NONE:-default} I=${NONE-unset} J=${B:+plus} K=${NONE:+none} L=${B?set} M=${NONE:-${B}/x}
ENV N=${EMPTY:-empty} O=${EMPTY-} P=${EMPTY+set} Q=${EMPTY:+set} R=${C:?} S=${A}$B${NONE}
ENV P1=${PATHS#*/} P2=${PATHS##*/} P3=${PATHS%.*} P4=${PATHS%%.*} P5=${PATHS/a/x} P6=${PATHS//\//-} P7=${PATHS//[/]/x}
ENV P8=${PATHS#${A}} P9=${PATHS%${NONE:-.gz}} Q1=${STAR#\*} Q2=${STAR/\*/all} Q3=${PATHS//?\/} Q4="${PATHS%/*}"
ENV Q5='${B}' Q6=\${B} Q7="\$B" Q8=$$ Q9=$1x R1="${C// /_}"
LABEL ${A}.key=$C "quoted $B"="${C}"
EXPOSE ${PORT:-8080} $B
WORKDIR /${A}/${PATHS%%/*}
VOLUME ["/v$B", "/${A}"]
VOLUME /w/${B}
STOPSIGNAL ${NONE:-SIGTERM}
COPY --chown=${NONE:-app} --chmod=${MODE:-600} ${NONE:-a}.txt ${PATHS%/*}/
COPY ["${NONE:-a}.txt", "/json ${B}"]
ADD ${NONE:-sub}/b.txt /added/${A:+yes}
RUN echo ${B} ${NONE:-shell} $NEEDED >/shell
USER ${NONE:-app}
CMD echo ${B}
