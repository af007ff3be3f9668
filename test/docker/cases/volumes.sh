# Volumes by themselves.

## create prints the name
$D volume create v1
$D volume inspect -f '{{.Name}} {{.Driver}} {{.Scope}}' v1

## create without a name makes an anonymous one
$D volume create
$D volume ls -q | wc -l

## create is idempotent
$D volume create v1
$D volume create v1
$D volume ls -q

## create with labels and options
$D volume create --label a=1 --label b v1
$D volume inspect -f '{{.Labels}} {{index .Labels "a"}}' v1
$D volume inspect -f '{{json .Labels}}' v1

## create refuses a bad name
$D volume create 'a b'
echo $?

## create takes name as an option
$D volume create --name v1
$D volume ls -q

## create refuses two names
$D volume create v1 v2; echo $?

## inspect of a missing one
$D volume inspect nothere; echo $?

## inspect of a missing one beside one that is there
$D volume create v1
$D volume inspect -f '{{.Name}}' v1 nothere; echo $?

## inspect of nothing
$D volume inspect 2>/dev/null; echo $?

## inspect by template
$D volume create --label x=y v1
$D volume inspect --format 'n={{.Name}} d={{.Driver}} m={{.Mountpoint}} o={{.Options}}' v1

## inspect of an unknown key
$D volume create v1
$D volume inspect --format '{{.Nothing}}' v1; echo $?

## ls as a table
$D volume create v1; $D volume create v2
$D volume ls

## ls with nothing
$D volume ls
$D volume ls -q

## ls by template
$D volume create --label a=b v1
$D volume ls --format '{{.Name}}|{{.Driver}}|{{.Scope}}|{{.Mountpoint}}|{{.Labels}}|{{.Label "a"}}'
$D volume ls --format 'table {{.Name}}\t{{.Driver}}'
$D volume ls --format '{{.Links}} {{.Size}}'

## ls with filters
$D volume create --label a=b one; $D volume create --label a=c two; $D volume create three
$D volume ls -q -f name=t
$D volume ls -q --filter label=a
$D volume ls -q --filter label=a=c
$D volume ls -q --filter driver=local
$D volume ls -q --filter driver=none
$D volume ls -q --filter dangling=true
$D volume ls -q --filter dangling=false

## ls with an unknown filter
$D volume ls --filter frob=1; echo $?

## ls with a bad value of a filter
$D volume ls --filter dangling=frob; echo $?

## ls sorts by name
for v in zz aa mm; do $D volume create $v >/dev/null; done
$D volume ls -q

## ls dangling with a container
$D volume create used >/dev/null; $D volume create free >/dev/null
$D create --name c1 -v used:/u base >/dev/null
$D volume ls -q -f dangling=true
$D volume ls -q -f dangling=0

## rm prints the name
$D volume create v1
$D volume rm v1
$D volume ls -q

## rm of several, one missing
$D volume create v1; $D volume create v2
$D volume rm v1 nothere v2; echo $?
$D volume ls -q

## rm of a missing one
$D volume rm nothere; echo $?

## rm -f of a missing one
$D volume rm -f nothere; echo $?

## rm of one in use
$D create --name c1 -v v1:/data base >/dev/null
$D volume rm v1; echo $?
$D rm c1
$D volume rm v1

## rm without a name
$D volume rm 2>/dev/null; echo $?

## prune takes anonymous ones, not those in use
$D create --name c1 -v /anon base >/dev/null
$D volume create >/dev/null
$D volume prune -f | grep -c Deleted
$D volume ls -q | wc -l

## prune by label
$D volume create --label keep=1 >/dev/null; $D volume create >/dev/null
$D volume prune -f --filter 'label!=keep' | tail -n 1
$D volume ls -q --filter label=keep=1 | wc -l

## data lives on in a volume
$D run --rm -v v1:/d base sh -c 'echo kept >/d/f'
$D run --rm -v v1:/d base cat /d/f
$D volume ls -q

## a volume is filled from the image
$D run --rm -v v1:/data base ls -R /data
$D run --rm -v v1:/x base cat /x/seed /x/sub/deep

## a volume is not filled with nocopy
$D run --rm -v v1:/data:nocopy base ls /data

## a volume that has files is not filled
$D run --rm -v v1:/d base touch /d/own
$D run --rm -v v1:/data base ls /data

## a filled volume has the owner and mode of the directory
$D run --rm -v v1:/home/app base stat -c '%u %g %a' /home/app /home/app/.profile

## volume create by option for a tmpfs
$D volume create --opt type=tmpfs --opt device=tmpfs --opt o=size=1m,mode=1777 tm
$D volume inspect -f '{{.Options}}' tm
$D run --rm -v tm:/t base stat -c '%a' /t

## an anonymous volume goes with --rm
$D run --rm -v /anon base true
$D volume ls -q | wc -l

## a named volume stays with --rm
$D run --rm -v v1:/a base true
$D volume ls -q

## an anonymous volume given by its id stays with --rm
V=$($D volume create)
$D run --rm -v $V:/a base touch /a/f
$D volume ls -q | wc -l

## rm -v takes anonymous volumes alone
$D create --name c1 -v /anon -v v1:/n base >/dev/null
$D volume ls -q | wc -l
$D rm -v c1
$D volume ls -q

## rm leaves anonymous volumes
$D create --name c1 -v /anon base >/dev/null
$D rm c1
$D volume ls -q | wc -l

## volumes-from
$D create --name c1 -v v1:/one -v /two base >/dev/null
$D run --rm --volumes-from c1 base sh -c 'echo x >/one/x; echo y >/two/y'
$D run --rm --volumes-from c1:ro base sh -c 'cat /one/x /two/y; echo z >/one/z'; echo $?

## volumes-from an unknown container
$D run --rm --volumes-from nothere base true; echo $?

## volumes-from with a bad mode
$D create --name c1 -v v1:/one base >/dev/null
$D run --rm --volumes-from c1:frob base true; echo $?

## two volumes on one target
$D run --rm -v a1:/x -v b1:/x base true; echo $?

## a volume read-only
$D run --rm -v v1:/d:ro base touch /d/f; echo $?

## VOLUME of an image makes an anonymous volume
$D import -c 'VOLUME /data' -c 'CMD ["sh"]' $ROOT_TAR vol >/dev/null
$D run --name c1 vol touch /data/new
$D inspect -f '{{range .Mounts}}{{.Type}} {{.Destination}} {{.RW}}{{end}}' c1
$D diff c1
$D rm -v c1
$D volume ls -q | wc -l

## -v on the VOLUME of an image wins
$D import -c 'VOLUME /data' $ROOT_TAR vol >/dev/null
$D run --rm -v mine:/data vol ls /data
$D volume ls -q

## volume-subpath and other keys of mount
$D run --rm --mount type=volume,src=v1,dst=/d,volume-nocopy base sh -c 'ls /d; touch /d/f'
$D run --rm --mount type=volume,source=v1,target=/d,readonly base touch /d/g; echo $?
$D volume inspect -f '{{.Name}}' v1

## labels of a volume made by mount
$D run --rm --mount type=volume,src=v1,dst=/d,volume-label=a=b base true
$D volume inspect -f '{{.Labels}}' v1

## ls by names as regular expressions
for v in v1 v2 other; do $D volume create $v >/dev/null; done
n() { $D volume ls -q "$@" | tr '\n' ' '; echo "=$?"; }
n -f name=^v; n -f 'name=v1$'; n -f name=the; n -f 'name=^v1$' -f name=other; n -f 'name=v.'; n -f name=V1; n -f 'name=['

## volumes-from and its modes
$D create --name src -v v1:/aa -v v2:/bb:ro base >/dev/null
f() { $D run --rm --volumes-from "$@" base sh -c 'for d in aa bb; do touch /$d/x 2>/dev/null && echo $d rw || echo $d ro; done' 2>/dev/null; echo $?; }
f src; f src:ro; f src:rw; f src:z; f src:Z; f src:; f src:frob; f nothere; f src:ro:x; f ''
