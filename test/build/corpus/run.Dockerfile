FROM base
RUN echo shell $((1 + 2)) "$PATH" >/shell
RUN ["/bin/sh", "-c", "echo exec \"$0\" >/exec", "zero"]
WORKDIR /w
RUN mkdir sub && echo x >sub/kept && rm -rf sub && mkdir sub && echo y >sub/new
RUN mkdir -p /opaque/a && echo 1 >/opaque/a/1
RUN rm -r /opaque && mkdir /opaque && echo 2 >/opaque/2
RUN chmod 1777 /w && chown app /exec && ln -s /exec link && mkfifo pipe
USER app
RUN id -u >/tmp/id; id -g >>/tmp/id; echo "$HOME" >>/tmp/id
USER 1234:50
RUN id -u >/tmp/number; id -g >>/tmp/number
USER root
SHELL ["/bin/sh", "-ec"]
RUN (false || true) && echo ok >/ok
