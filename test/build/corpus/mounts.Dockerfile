FROM base AS other
RUN mkdir /o && echo other >/o/file
FROM base
WORKDIR /w
RUN --mount=target=/src --mount=from=other,source=/o,target=/other cat /src/a.txt /other/file >/bind
RUN --mount=type=bind,source=sub,rw cat b.txt >/rw && echo new >written && cat written >>/rw
RUN --mount=type=bind,from=other,source=o,target=o,rw echo more >>o/file && cat o/file >/rw2
RUN --mount=type=cache,target=relative,id=one echo kept >relative/kept
RUN --mount=type=cache,target=/c,id=one cat /c/kept >/cached
RUN --mount=type=cache,from=other,source=/o,target=/c,id=two,uid=1000,mode=0700 cat /c/file >>/cached; stat -c '%u %a' /c >>/cached
RUN --mount=type=tmpfs,target=t,size=1m touch t/x && df t >/dev/null
RUN --mount=type=secret,id=token,target=secret cat secret >/secret
RUN --mount=type=secret,id=token stat -c '%a %u' /run/secrets/token >>/secret
RUN --mount=type=secret,id=token,env=TOKEN echo "$TOKEN" >>/secret
RUN --mount=type=secret,id=none cat /run/secrets/none 2>/dev/null || echo without >>/secret
RUN --mount=type=ssh echo "${SSH_AUTH_SOCK-none}" >/ssh
RUN ls -A /w >/left
