# syntax=docker/dockerfile:1
FROM base
ARG WHO=world
ENV EMPTY=""
RUN --mount=type=tmpfs,target=/scratch \
  --network=none \
  <<EOF
echo first >/scratch/x
cat /scratch/x >/one
EOF
RUN cat <<A >/two && cat <<B >>/two
a $WHO
A
b
B
RUN <<EOF 3<<IN cat - /dev/fd/3 >/three
from zero
EOF
from three
IN
RUN echo 'use cat <<EOF' >/four && echo "or cat <<EOF" >>/four
RUN <<-"EOT" >/five cat
	indented $WHO
	EOT
RUN <<EOT
#!/bin/sh -e
# kept
echo "script $WHO" >/six
EOT
COPY <<EOF <<"raw.txt" <<-tabs /copied/
"quoted" \$WHO $WHO \\ \n ${EMPTY:-${WHO}/x} it's
EOF
"quoted" \$WHO $WHO \\ \n
raw.txt
	cut
		all
	tabs
COPY --chmod=600 --chown=app:staff <<secret /etc/secret
s
secret
RUN ["/bin/sh", "-c", "echo '<<EOF' >/eight"]
