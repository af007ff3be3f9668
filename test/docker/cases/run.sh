# run and exec: what a command sees, and how it ends.

## exit status of the command
$D run --rm base sh -c 'exit 7'; echo $?

## command not found
$D run --rm base nothere 2>/dev/null; echo $?

## a container whose command has never run is created
$D run --name c1 base nothere 2>/dev/null; echo $?
$D inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.State.StartedAt}} {{.State.FinishedAt}}' c1
$D ps -a --format '{{.Names}} {{.Status}} {{.State}}'; $D ps -a --filter status=created -q | wc -l; $D ps -a --filter exited=127 -q | wc -l
$D start c1 2>/dev/null; echo $?; $D inspect -f '{{.State.Status}}' c1; $D rm c1

## command not executable
$D run --rm base /etc/passwd 2>/dev/null; echo $?

## image not found
$D run --rm --pull never nothere true; echo $?

## unknown option
$D run --frob base true 2>/dev/null; echo $?
$D create --frob base 2>/dev/null; echo $?
$D exec --frob x true 2>/dev/null; echo $?

## no image
$D run 2>/dev/null; echo $?

## killed by a signal
$D run --rm base sh -c 'kill -9 $$'; echo $?

## working directory, user, environment
$D run --rm -w /srv -u app -e A=1 -e B=2 base sh -c 'pwd; id -u; id -g; echo $A$B; echo $HOME'

## working directory that is not there is made
$D run --rm -w /new/dir base pwd

## user by number, by name and group
$D run --rm -u 1000 base id
$D run --rm -u app:staff base id
$D run --rm -u 12:34 base id
$D run --rm base id

## unknown user
$D run --rm -u frob base true; echo $?

## unknown group
$D run --rm -u root:frob base true; echo $?

## group-add
$D run --rm --group-add 77 --group-add extra base id

## environment of nothing
$D run --rm base env | sort | grep -v HOSTNAME

## env takes what the caller has
A=outer $D run --rm -e A -e NOTSET base sh -c 'echo $A; env | grep -c NOTSET'

## env-file
printf 'A=1\n# comment\nB=two words\nC\n' >e
C=3 $D run --rm --env-file e base sh -c 'echo "$A|$B|$C"'

## env-file with a bad line
printf 'A B=1\n' >e
$D run --rm --env-file e base true; echo $?

## env-file that is missing
$D run --rm --env-file nothere base true 2>/dev/null; echo $?

## host name
$D run --rm --hostname box base hostname
$D run --rm -h box2 base cat /etc/hostname
$D run --name c1 base hostname | wc -c

## entrypoint
$D run --rm --entrypoint echo base hello
$D run --rm --entrypoint /bin/sh base -c 'echo x'

## entrypoint and command of an image
$D import -c 'ENTRYPOINT ["echo","e"]' -c 'CMD ["c"]' $ROOT_TAR ec >/dev/null
$D run --rm ec
$D run --rm ec other
$D run --rm --entrypoint '' ec echo none

## no command
$D import $ROOT_TAR nocmd >/dev/null
$D run --rm nocmd; echo $?

## read-only root
$D run --rm --read-only base touch /x; echo $?

## standard input
echo input | $D run --rm -i base cat

## standard input is not passed without -i
echo input | $D run --rm base cat

## standard output and error
$D run --rm base sh -c 'echo out; echo err >&2'

## -t without a terminal
$D run --rm -it base true </dev/null; echo $?

## name in use
$D create --name c1 base >/dev/null
$D create --name c1 base; echo $?

## bad name
$D create --name 'a b' base; echo $?

## cidfile
$D run --rm --cidfile id base true
wc -c <id
$D run --rm --cidfile id base true 2>/dev/null; echo $?

## detached, then logs and wait
$D run -d --name c1 base sh -c 'echo one; echo two >&2; exit 3' >/dev/null
$D wait c1
$D logs c1
$D logs c1 2>/dev/null

## rm of a running container
$D run -d --name c1 base sleep 100 >/dev/null
$D rm c1; echo $?
$D rm -f c1
$D ps -aq

## run --rm -d removes at the end
$D run --rm -d --name c1 base true >/dev/null
sleep 1
$D ps -a --format '{{.Names}}'

## exec
$D run -d --name c1 base sleep 100 >/dev/null
$D exec c1 echo hi
$D exec -e X=1 -w /srv -u app c1 sh -c 'echo $X; pwd; id -un'
$D exec c1 sh -c 'exit 5'; echo $?
echo in | $D exec -i c1 cat
$D exec c1 nothere 2>/dev/null; echo $?

## exec in a container that does not run
$D create --name c1 base >/dev/null
$D exec c1 true; echo $?

## exec in an unknown container
$D exec nothere true; echo $?

## exec -d
$D run -d --name c1 base sleep 100 >/dev/null
$D exec -d c1 touch /made
sleep 1
$D exec c1 ls /made

## exec sees the processes of the command
$D run -d --name c1 base sleep 100 >/dev/null
$D exec c1 ps -o pid,args | head -n 2

## exec without a command
$D run -d --name c1 base sleep 100 >/dev/null
$D exec c1 2>/dev/null; echo $?

## stop, start, restart
$D run -d --name c1 base sh -c 'trap "exit 4" TERM; echo up; while :; do sleep 0.1; done' >/dev/null
sleep 0.5
$D stop c1
$D inspect -f '{{.State.Status}} {{.State.ExitCode}}' c1
$D start c1
$D inspect -f '{{.State.Status}}' c1
$D restart -t 5 c1
sleep 0.5
$D stop c1
$D logs c1

## kill with a signal
$D run -d --name c1 base sleep 100 >/dev/null
$D kill c1
$D wait c1
$D inspect -f '{{.State.Status}} {{.State.ExitCode}}' c1

## kill of a stopped one
$D create --name c1 base >/dev/null
$D kill c1; echo $?

## kill with an unknown signal
$D run -d --name c1 base sleep 100 >/dev/null
$D kill -s FROB c1; echo $?

## stop of an unknown one beside one that runs
$D run -d --name c1 base sh -c 'trap "exit 0" TERM; while :; do sleep 0.1; done' >/dev/null
sleep 0.3
$D stop nothere c1; echo $?

## start of one that runs
$D run -d --name c1 base sleep 100 >/dev/null
$D start c1; echo $?

## start -a
$D create --name c1 base sh -c 'echo hello; exit 6' >/dev/null
$D start -a c1; echo $?

## start keeps changes
$D run --name c1 base touch /mark
$D start c1 >/dev/null; $D wait c1 >/dev/null
$D diff c1

## logs of a foreground run
$D run --name c1 base sh -c 'echo a; echo b' >/dev/null
$D logs c1

## logs tail and times
$D run --name c1 base sh -c 'for i in 1 2 3 4; do echo $i; done' >/dev/null
$D logs --tail 2 c1
$D logs -n 1 c1
$D logs -t --tail 1 c1
$D logs --tail 0 c1

## logs of an unknown container
$D logs nothere; echo $?

## logs follows to the end
$D run -d --name c1 base sh -c 'echo 1; sleep 0.5; echo 2' >/dev/null
$D logs -f c1

## rename
$D create --name c1 base >/dev/null
$D rename c1 d1
$D ps -a --format '{{.Names}}'
$D rename nothere x; echo $?
$D create --name e1 base >/dev/null
$D rename d1 e1; echo $?

## wait of an unknown one
$D wait nothere; echo $?

## rm of an unknown one
$D rm nothere; echo $?
$D rm -f nothere; echo $?

## stop signal of the container
$D run -d --name c1 --stop-signal USR1 base sh -c 'trap "exit 9" USR1; while :; do sleep 0.1; done' >/dev/null
sleep 0.3
$D stop -t 5 c1
$D inspect -f '{{.State.ExitCode}} {{.Config.StopSignal}}' c1

## init is process 1
$D run --rm base sh -c 'echo $$'

## tmp is there and is writable
$D run --rm -u app base sh -c 'touch /tmp/x && stat -c %a /tmp'

## dev has the usual things
$D run --rm base sh -c 'ls /dev'

## top
$D run -d --name c1 base sleep 100 >/dev/null
$D top c1 | tail -n +2 | wc -l
$D top c1 -o pid,comm | tail -n 1 | sed 's/^[0-9]* *//'
$D stop -t 0 c1
$D top c1; echo $?

## create with options that nobody can mean
$D create -m frob base 2>/dev/null; echo $?
$D create --mount type=frob base 2>/dev/null; echo $?
$D create --mount frob base 2>/dev/null; echo $?
$D create --ulimit frob base 2>/dev/null; echo $?
$D create --env-file nothere base 2>/dev/null; echo $?
printf 'A B=1\n' >bad; $D create --env-file bad base 2>/dev/null; echo $?; $D create --label-file bad base 2>/dev/null; echo $?
$D create --add-host x base 2>/dev/null; echo $?
$D create --dns x base 2>/dev/null; echo $?
$D create --shm-size x base 2>/dev/null; echo $?
$D create --stop-timeout x base 2>/dev/null; echo $?
$D create --health-interval x base 2>/dev/null; echo $?
$D create --no-healthcheck --health-cmd x base 2>/dev/null; echo $?
$D create --security-opt frob base 2>/dev/null; echo $?
$D create --storage-opt frob base 2>/dev/null; echo $?
$D create --cpus x base 2>/dev/null; echo $?
$D create --expose frob base 2>/dev/null; echo $?
$D create -e = base 2>/dev/null; echo $?
$D create -l = base 2>/dev/null; echo $?
$D create --pid x base 2>/dev/null; echo $?
$D create -m frob nothere 2>/dev/null; echo $?

## create with what only the daemon knows
$D create --pull never nothere 2>/dev/null; echo $?
$D create -v a:b:c:d base 2>/dev/null; echo $?
$D create --tmpfs frob base 2>/dev/null; echo $?
$D create -w rel base 2>/dev/null; echo $?
$D create --volumes-from nothere base 2>/dev/null; echo $?
$D create --stop-signal FROB base 2>/dev/null; echo $?
$D create --cap-add frob base 2>/dev/null; echo $?
$D create --log-driver frob base 2>/dev/null; echo $?

## options that say nothing
$D run --rm --shm-size 0 base true; echo $?
$D run --rm -w '' base pwd
$D run --rm -h '' base hostname | wc -c
$D run --rm --userns host base true; echo $?
$D run --rm --platform linux base true; echo $?

## host names that DNS would not take
$D run --rm -h my_host base sh -c 'hostname; echo $HOSTNAME'

## exposed ports
$D import -c 'EXPOSE 53/udp' $ROOT_TAR ports >/dev/null
$D create --name c1 --expose 80 --expose 90/udp --expose 100-102 ports true >/dev/null
$D inspect -f '{{json .Config.ExposedPorts}}' c1
$D commit c1 more >/dev/null; $D inspect -f '{{json .Config.ExposedPorts}}' more

## signals of real time
for s in RTMIN+3 SIGRTMIN RTMAX-1 37; do $D create --stop-signal $s base >/dev/null; echo $?; done
$D run -d --name c1 --stop-signal RTMIN+3 base sh -c 'trap "exit 9" 37; echo up; while :; do sleep 0.1; done' >/dev/null
until $D logs c1 | grep -q up; do sleep 0.1; done
$D stop c1; $D inspect -f '{{.State.ExitCode}}' c1

## a signal without a handler
$D run -d --name c1 base sleep 100 >/dev/null
$D kill -s HUP c1; $D kill c1 >/dev/null 2>&1
$D wait c1

## stop without a handler
$D run -d --name c1 base sleep 100 >/dev/null
$D stop -t 1 c1; $D inspect -f '{{.State.Status}} {{.State.ExitCode}}' c1

## exec that cannot be started
$D run -d --name c1 base sleep 100 >/dev/null
$D exec -u frob c1 id >/dev/null 2>&1; echo $?
$D exec -w /nothere c1 pwd >/dev/null 2>&1; echo $?
$D exec -w rel c1 pwd >/dev/null 2>&1; echo $?
$D exec -d c1 nothere >/dev/null 2>&1; echo $?
$D exec --env-file nothere c1 true 2>/dev/null; echo $?

## switches with a value
$D run -d --name c1 base sleep 100 >/dev/null
$D exec -i=false -t=false c1 echo x
$D ps --no-trunc=false -q | awk '{print length}'
$D run --rm -i=true base true </dev/null; echo $?

## logs with details
$D run --name c1 -l a=x -l b=y -e C='d e' --log-opt labels=a --log-opt env=C base echo l >/dev/null
$D logs --details c1; $D logs --details -t c1 | cut -d ' ' -f 2-
$D run --name c2 base echo l >/dev/null; $D logs --details c2

## a device that is not there
$D run --rm --device /dev/nothere base true 2>/dev/null; echo $?

## a label file with a key alone
printf 'a=1\nb\n' >l; $D create --name c1 --label-file l base >/dev/null; $D inspect -f '{{json .Config.Labels}}' c1

## a small stack
$D run --ulimit stack=65536:70000 base sh -c 'ulimit -s; ulimit -Hs'; echo $?
$D run -d --name c1 --ulimit stack=65536 base sleep 100 >/dev/null
$D exec c1 sh -c 'ulimit -s'; echo $?

## names with a slash, and none
$D create --name /slash base >/dev/null; $D ps -a --format '{{.Names}}'; $D rename slash /other; $D inspect -f '{{.Name}}' other
$D run --rm --name= base echo unnamed

## the last of two flags counts
$D run --rm --rm=false --name c1 base true; $D rm c1; $D run --rm=false --rm --name c2 base true; $D ps -aq | wc -l
$D run --rm -i -i=false base cat </dev/null; echo $?

## name servers
$D run --rm --dns 1.2.3.4 --dns-search a.b --dns-opt ndots:1 --dns-opt rotate base cat /etc/resolv.conf | sort

## an empty user is the image's
printf 'FROM base\nUSER app\nWORKDIR /srv\n' | $D build -q -t im - >/dev/null
$D run --rm -u '' im id -u; $D run --rm -w '' im pwd; $D run -d --name c1 im sleep 100 >/dev/null; $D exec -u '' c1 id -u; $D exec -w '' c1 pwd
