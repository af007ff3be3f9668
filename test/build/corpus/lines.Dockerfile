#   a comment that is no directive
# escape=`

  from base AS first
ENV A=x\\
ENV B=1 \
    # a comment within

    C="two words" \
    D=th\ ree E='$B' F="$B \$B \n"
env OLD the   old "form" $B
ENV G=${B}-$C H=${NONE:-default} J=${B:+plus} K=${NONE:+none} M=${NONE:-${B}/x}
RUN echo "$A|$B|$C|$D|$E|$F|$OLD" >/env; \
# between
    echo "one \
    line" >>/env
RUN echo 'a \
b' > /quoted
LABEL "key with blanks"="value $B" plain=$C multi="a\
b" old.style=x
LABEL legacy a label  of words
WORKDIR /w$B
WORKDIR rel/${C}
WORKDIR ../up
RUN pwd >/pwd
VOLUME ["/v$B", "/plain"]
VOLUME /w$B/data /other
EXPOSE 80 53/udp $B-3/tcp
USER app:staff
STOPSIGNAL SIGUSR1
SHELL ["/bin/sh", "-ec"]
CMD echo $HOME "x"
