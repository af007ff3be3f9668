# Binds and tmpfs.

## bind of a directory both ways
mkdir h; echo in >h/a
$D run --rm -v $PWD/h:/m base sh -c 'cat /m/a; echo out >/m/b'
cat h/b

## bind of a file
echo one >f
$D run --rm -v $PWD/f:/etc/conf base sh -c 'cat /etc/conf; echo two >>/etc/conf'
cat f

## bind over a file of the image
echo mine >f
$D run --rm -v $PWD/f:/srv/page base cat /srv/page

## bind read-only
mkdir h
$D run --rm -v $PWD/h:/m:ro base touch /m/f; echo $?

## bind into a place that is not there
mkdir h; echo x >h/x
$D run --name c1 -v $PWD/h:/a/b/c base cat /a/b/c/x
$D rm c1

## a bind source that is missing, in long form
$D run --rm --mount type=bind,src=$PWD/nothere,dst=/m base true; echo $?

## invalid mode
mkdir h
$D run --rm -v $PWD/h:/m:frob base true; echo $?

## relative target
mkdir h
$D run --rm -v $PWD/h:m base true; echo $?

## target is the root
mkdir h
$D run --rm -v $PWD/h:/ base true; echo $?

## too many parts
$D run --rm -v a:b:c:d base true; echo $?

## empty part
$D run --rm -v :/x base true; echo $?

## unknown key of mount
$D run --rm --mount type=bind,src=/tmp,dst=/x,frob=1 base true; echo $?

## field of mount without a value
$D run --rm --mount type=bind,src base true; echo $?

## mount without a target
$D run --rm --mount type=bind,src=/tmp base true; echo $?

## mount of an unknown type
$D run --rm --mount type=frob,src=/tmp,dst=/x base true; echo $?

## mount mixes options of types
$D run --rm --mount type=bind,src=/tmp,dst=/x,volume-nocopy base true; echo $?

## nested binds in any order
mkdir -p a b; echo a >a/a; echo b >b/b
$D run --rm -v $PWD/b:/x/y -v $PWD/a:/x base sh -c 'ls /x /x/y'

## symlink as target is followed in the root
mkdir h; echo x >h/x
$D run --name c1 base ln -s /srv /lnk
$D commit c1 linked >/dev/null
$D run --rm -v $PWD/h:/lnk linked ls /srv

## a fifo between host and container
mkdir h; mkfifo h/p
(timeout 10 cat h/p >got) &
$D run --rm -v $PWD/h:/m base sh -c 'echo through >/m/p'
wait; cat got

## owner of files made in a bind
mkdir h
$D run --rm -u 1000:1000 -v $PWD/h:/m base sh -c 'touch /m/f' ; echo $?
chmod 777 h
$D run --rm -u 1000:1000 -v $PWD/h:/m base sh -c 'touch /m/f' ; echo $?
stat -c '%u %g' h/f

## inspect of binds
mkdir h
$D create --name c1 -v $PWD/h:/m:ro -v v1:/v base >/dev/null
$D inspect -f '{{range .Mounts}}{{.Type}} {{.Name}} {{.Source}} {{.Destination}} {{.Driver}} [{{.Mode}}] {{.RW}} {{.Propagation}}
{{end}}' c1 | sort
$D inspect -f '{{range .HostConfig.Binds}}{{.}}
{{end}}' c1 | sort
$D create --name c2 -v v1:/v base >/dev/null
$D inspect -f '{{.HostConfig.Binds}}' c2
$D inspect -f '{{json .HostConfig.Binds}}' c2

## ps shows mounts
mkdir h
$D create --name c1 -v v1:/v base >/dev/null
$D ps -a --format '{{.Names}} {{.Mounts}} {{.LocalVolumes}}'

## tmpfs is empty and in memory
$D run --rm --tmpfs /data base sh -c 'ls /data; grep -c " /data tmpfs" /proc/mounts'

## tmpfs with size and mode
$D run --rm --tmpfs /t:size=1m,mode=1770 base sh -c 'stat -c %a /t; df -k /t | tail -n 1 | tr -s " " | cut -d" " -f2'

## tmpfs by mount
$D run --rm --mount type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=0700 base sh -c 'stat -c %a /t'

## tmpfs with a bad option
$D run --rm --tmpfs /t:frob=1 base true; echo $?

## tmpfs does not show in diff
$D run --name c1 --tmpfs /t base touch /t/f
$D diff c1

## inspect of tmpfs
$D create --name c1 --tmpfs /t:size=1m base >/dev/null
$D inspect -f '{{.HostConfig.Tmpfs}}' c1
$D inspect -f '{{len .Mounts}}' c1

## bind over /dev/shm and below /proc
mkdir h; echo x >h/x
$D run --rm -v $PWD/h:/dev/shm base ls /dev/shm

## bind over /etc/hosts
echo 1.2.3.4 mine >f
$D run --rm -v $PWD/f:/etc/hosts base cat /etc/hosts
$D run --rm -v $PWD/f:/etc/resolv.conf base cat /etc/resolv.conf
$D run --rm -v $PWD/f:/etc/hostname base cat /etc/hostname

## unlink of a mount point is refused
mkdir h; touch f
$D run --rm -v $PWD/h:/m -v $PWD/f:/f base sh -c 'rmdir /m; echo $?; rm /f; echo $?'

## rename across a bind is a copy
mkdir h
$D run --rm -v $PWD/h:/m base sh -c 'echo x >/x; mv /x /m/x; ls /m'

## a bind file in a read-only root
echo x >f
$D run --rm --read-only -v $PWD/f:/f base sh -c 'echo y >/f; touch /g'; echo $?
cat f

## the last of two tmpfs at one place counts
$D run --rm --tmpfs /t:size=1m --tmpfs /t:size=2m base sh -c 'df -k /t | tail -1 | tr -s " " | cut -d" " -f2'; echo $?
