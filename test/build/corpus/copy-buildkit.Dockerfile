FROM base
RUN mkdir /etc/conf.d && ln -s conf.d /etc/confs && echo old >/etc/real && ln -s real /etc/linked
COPY --link a.txt /linked/
COPY *.txt lock* /wild/
COPY a.txt lock*.json sub/no*.x /some/
COPY --chmod=u=rwX,go=rX sub /modes/
COPY --chmod=a-x,u+s sub/deep/x /modes/set
COPY --chown=app:staff --chmod=0400 <<here /modes/
text
here
COPY caf? /names/
COPY --exclude=*.MD s* /excluded/
ADD --unpack=false tree.tar.gz /packed/
ADD --unpack sub/../tree.tar /unpacked/
COPY a.txt "/quoted dir/"
COPY a\.txt /escaped
