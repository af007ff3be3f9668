FROM base
RUN mkdir -p /merge/usr/lib /merge/there && ln -s usr/lib /merge/lib && echo old >/merge/usr/lib/old && \
  echo file >/merge/dir && echo x >/merge/there/x
ADD tree.tar.gz /merge/
ADD tree.tar /plain/
ADD v7.tar /v7
ADD tree.tar.bz2 tree.tar.xz /both/
ADD --chown=app:app tree.tar /owned/
ADD plain.gz /files/
ADD a.txt /files/renamed
ADD sub /files/sub
ADD none* a.txt /files/some/
