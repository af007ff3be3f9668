FROM base AS source
RUN mkdir -p /out/d/e /out/empty && echo f >/out/d/e/f && chown -R app:app /out/d && ln -s d /out/link && \
  ln /out/d/e/f /out/hard && chmod 4711 /out/hard && mkdir /etc/conf.d && ln -s conf.d /etc/confs && \
  echo old >/etc/real && ln -s real /etc/linked && ln -s /gone/below /etc/dangling
FROM source
COPY a.txt /renamed
COPY a.txt sub/b.txt /into/
COPY sub /tree
COPY ["with space.txt", "/space dir/"]
COPY *.txt /wild/
COPY s?b/*.txt /wild2/
COPY --chown=app:staff sub/ /owned/
COPY --chown=7 a.txt /owned/seven
COPY --chmod=04755 a.txt /modes/octal
COPY --chmod=640 a.txt /modes/plain
COPY a.txt /etc/confs/
COPY a.txt /etc/linked
COPY sub/b.txt /etc/dangling
COPY sub/ /etc/confs/
WORKDIR /work
COPY a.txt .
COPY a.txt ./rel/
COPY --from=source /out/d /from/
COPY --from=source /out/link /out/hard /from2/
COPY --from=source /out/h* /from3/
COPY --from=0 /out/d/e/f /numbered
COPY link.txt /link
COPY link-dir /link-dir/
COPY . /all/
