# build: a Dockerfile by both, and what the image does.

## build of a file with RUN, COPY, ENV
echo hi >f
printf 'FROM base\nENV A=b\nRUN echo $A >/made\nCOPY f /f\nCMD ["cat","/made","/f"]\n' >Dockerfile
$D build -q -t im1 . 2>/dev/null | cut -c1-7
$D run --rm im1

## a wildcard that matches nothing
printf 'FROM base\nCOPY no* /x\nCOPY no* /y/\nCOPY nope[.]txt /z/w/\nCOPY --from=base /no* /q/\nADD no* /a\n' >Dockerfile
$D build -q -t img . >/dev/null; echo $?; $D run --rm img sh -c 'ls -d /x /y /z /q /a 2>/dev/null'

## build with arguments and stages
printf 'FROM base AS one\nARG X=1\nRUN echo $X >/x\nFROM base\nCOPY --from=one /x /y\nCMD cat /y\n' >Dockerfile
$D build -q -t im1 --build-arg X=2 . >/dev/null 2>&1
$D run --rm im1

## build with a target
printf 'FROM base AS one\nCMD ["echo","one"]\nFROM base AS two\nCMD ["echo","two"]\n' >Dockerfile
$D build -q -t im1 --target one . >/dev/null 2>&1
$D run --rm im1

## build sets the configuration
printf 'FROM base\nLABEL a=b c="d e"\nWORKDIR /w/x\nUSER app\nEXPOSE 80/tcp\nVOLUME /vol\nENTRYPOINT ["echo"]\nCMD ["x"]\nSTOPSIGNAL USR1\n' >Dockerfile
$D build -q -t im1 . >/dev/null 2>&1
$D image inspect -f '{{.Config.Labels}}|{{.Config.WorkingDir}}|{{.Config.User}}|{{.Config.ExposedPorts}}|{{.Config.Volumes}}|{{.Config.Entrypoint}}|{{.Config.Cmd}}|{{.Config.StopSignal}}' im1
$D run --rm im1

## build that fails
printf 'FROM base\nRUN exit 3\n' >Dockerfile
$D build -q -t im1 . >/dev/null 2>&1; echo $?
$D images -q im1

## build without a Dockerfile
$D build -q . >/dev/null 2>&1; echo $?

## build of a file of another name
printf 'FROM base\nCMD echo other\n' >other
$D build -q -t im1 -f other . >/dev/null 2>&1
$D run --rm im1

## build with .dockerignore
touch a.txt b.txt; printf '*.txt\n!b.txt\n' >.dockerignore
printf 'FROM base\nCOPY . /ctx/\n' >Dockerfile
$D build -q -t im1 . >/dev/null 2>&1
$D run --rm im1 ls /ctx

## build with ADD of a tar
mkdir d; echo x >d/f; tar -C d -czf t.tgz f
printf 'FROM base\nADD t.tgz /un/\nCOPY t.tgz /raw/\n' >Dockerfile
$D build -q -t im1 . >/dev/null 2>&1
$D run --rm im1 ls /un /raw

## build with COPY and owners
echo x >f; chmod 600 f
printf 'FROM base\nCOPY --chown=app:staff f /f\nCOPY --chown=12 f /g\n' >Dockerfile
$D build -q -t im1 . >/dev/null 2>&1
$D run --rm im1 stat -c '%u %g %a' /f /g

## build with wildcards
touch a1 a2 b1
printf 'FROM base\nCOPY a* /ctx/\n' >Dockerfile
$D build -q -t im1 . >/dev/null 2>&1
$D run --rm im1 ls /ctx

## build COPY of what is missing
printf 'FROM base\nCOPY nothere /x\n' >Dockerfile
$D build -q . >/dev/null 2>&1; echo $?

## build with WORKDIR relative
printf 'FROM base\nWORKDIR /a\nWORKDIR b\nRUN pwd >/p\n' >Dockerfile
$D build -q -t im1 . >/dev/null 2>&1
$D run --rm im1 cat /p

## build with ONBUILD
printf 'FROM base\nONBUILD RUN echo built >/ob\n' >Dockerfile
$D build -q -t im1 . >/dev/null 2>&1
printf 'FROM im1\nCMD cat /ob\n' >Dockerfile
$D build -q -t im2 . >/dev/null 2>&1
$D run --rm im2

## build with SHELL
printf 'FROM base\nSHELL ["/bin/sh","-x","-c"]\nRUN echo a >/a\nCMD cat /a\n' >Dockerfile
$D build -q -t im1 . >/dev/null 2>&1
$D image inspect -f '{{.Config.Shell}} {{json .Config.Cmd}}' im1

## build with HEALTHCHECK
printf 'FROM base\nHEALTHCHECK --interval=5s CMD true\n' >Dockerfile
$D build -q -t im1 . >/dev/null 2>&1
$D image inspect -f '{{json .Config.Healthcheck}}' im1

## build with labels and two tags
printf 'FROM base\n' >Dockerfile
$D build -q -t im1 -t im2:x --label k=v . >/dev/null 2>&1
$D image inspect -f '{{.Config.Labels}}' im1 im2:x

## build from standard input
printf 'FROM base\nCMD echo in\n' | $D build -q -t im1 - >/dev/null 2>&1
$D run --rm im1

## build with ENV in words
printf 'FROM base\nENV A=1 B="two words" C=$A\nENV D ${A}x\nRUN echo "$A|$B|$C|$D" >/o\nCMD cat /o\n' >Dockerfile
$D build -q -t im1 . >/dev/null 2>&1
$D run --rm im1

## build with USER and files
printf 'FROM base\nUSER app\nRUN touch /tmp/x\nRUN stat -c %%u /tmp/x >/tmp/o\nCMD cat /tmp/o\n' >Dockerfile
$D build -q -t im1 . >/dev/null 2>&1
$D run --rm im1

## build removes files of the base
printf 'FROM base\nRUN rm -r /data && touch /gone\n' >Dockerfile
$D build -q -t im1 . >/dev/null 2>&1
$D run --rm im1 ls -d /gone
$D run --rm im1 ls -d /data 2>/dev/null; echo $?

## build iidfile
printf 'FROM base\n' >Dockerfile
$D build -q --iidfile id . >/dev/null 2>&1
cut -c1-7 id

## build with FROM scratch
cp /bin/busybox .
printf 'FROM scratch\nCOPY busybox /bb\nENTRYPOINT ["/bb"]\nCMD ["echo","tiny"]\n' >Dockerfile
$D build -q -t im1 . >/dev/null 2>&1
$D run --rm im1

## build RUN with mounts
printf '# syntax-free\nFROM base\nRUN --mount=type=tmpfs,target=/t touch /t/x && ls /t >/o\nCMD cat /o\n' >Dockerfile
$D build -q -t im1 . >/dev/null 2>&1
$D run --rm im1

## build with an unknown instruction
printf 'FROM base\nFROB x\n' >Dockerfile
$D build -q . >/dev/null 2>&1; echo $?

## a base image without PATH
printf 'FROM base\nENV PATH=$PATH:/more\nRUN echo $PATH >/p\n' >Dockerfile
$D build -q -t t . >/dev/null; $D run --rm t cat /p; $D inspect -f '{{json .Config.Env}}' t
printf 'FROM base\nENV A=b\n' >Dockerfile; $D build -q -t t . >/dev/null; $D inspect -f '{{json .Config.Env}}' t

## instructions without an argument, and a signal that is none
for t in ARG ENV WORKDIR USER VOLUME LABEL EXPOSE STOPSIGNAL CMD ENTRYPOINT 'STOPSIGNAL FROB' 'STOPSIGNAL 15' 'STOPSIGNAL sigterm' 'STOPSIGNAL RTMIN+3'
do printf "FROM base\n$t\n" >Dockerfile; $D build -q -t t . >/dev/null 2>&1; echo "$t: $?"; done
printf 'FROM base\nCMD\n' >Dockerfile; $D build -q -t t . >/dev/null; $D inspect -f '{{json .Config.Cmd}}' t
