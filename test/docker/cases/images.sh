# Images: import, tag, ls, inspect, history, save, load, rm, prune.

## import prints the id
$D import $ROOT_TAR im1 | cut -c1-7
$D run --rm im1 cat /data/seed

## import with changes and a message
$D import -m hello -c 'ENV A=b' -c 'CMD echo x' $ROOT_TAR im1 >/dev/null
$D image inspect -f '{{.Comment}} {{.Config.Env}} {{json .Config.Cmd}}' im1
$D run --rm im1

## import from standard input
$D import - im1 <$ROOT_TAR | cut -c1-7

## import of a missing file
$D import nothere im1; echo $?

## import of what is no tar
echo x >f; $D import f im1 2>/dev/null; echo $?

## import with a bad change
$D import -c 'FROB x' $ROOT_TAR im1; echo $?

## tag
$D tag base other:1
$D images --format '{{.Repository}}:{{.Tag}}' | sort
$D run --rm other:1 echo ok

## tag of an unknown image
$D tag nothere x; echo $?

## tag with a bad name
$D tag base BAD; echo $?
$D tag base 'a b'; echo $?

## images as a table
$D images

## images of a name
$D tag base other:1; $D tag base other:2
$D images other --format '{{.Repository}}:{{.Tag}}' | sort
$D images other:2 --format '{{.Repository}}:{{.Tag}}'
$D images nothere

## images with ids
$D images -q
$D images -q --no-trunc
$D images --no-trunc --format '{{.ID}}'
$D images --digests --format '{{.Repository}} {{.Tag}} {{.Digest}}'

## images by template
$D images --format '{{.Repository}}|{{.Tag}}|{{.ID}}|{{.CreatedSince}}|{{.CreatedAt}}|{{.Size}}'
$D images --format 'table {{.Repository}}\t{{.Tag}}'
$D images --format '{{.Containers}} {{.SharedSize}} {{.UniqueSize}} {{.VirtualSize}}'

## images with filters
$D import -c 'LABEL a=b' $ROOT_TAR lab >/dev/null; $D tag base other:1
$D images --filter label=a=b --format '{{.Repository}}'
$D images --filter label=a --format '{{.Repository}}'
$D images --filter label=x --format '{{.Repository}}'
$D images --filter reference='oth*' --format '{{.Repository}}'
$D images --filter dangling=true -q
$D images --filter dangling=false --format '{{.Repository}}' | sort

## images before and since
sleep 1; $D import -c 'LABEL n=1' $ROOT_TAR later >/dev/null
$D images --filter before=later --format '{{.Repository}}'
$D images --filter since=base --format '{{.Repository}}'
$D images --filter since=nothere; echo $?

## images with an unknown filter
$D images --filter frob=1; echo $?

## image ls and list are one
$D image ls --format '{{.Repository}}'; $D image list --format '{{.Repository}}'

## inspect of an image
$D image inspect -f '{{.RepoTags}} {{.Os}} {{.Architecture}} {{.RootFS.Type}} {{len .RootFS.Layers}}' base
$D image inspect -f '{{.Config.User}}|{{.Config.WorkingDir}}|{{.Config.Entrypoint}}|{{.Config.Cmd}}|{{.Config.Volumes}}|{{.Config.Labels}}' base
$D image inspect -f '{{json .Config.Entrypoint}} {{json .Config.Volumes}} {{json .Config.Labels}}' base

## inspect of a missing image
$D image inspect nothere; echo $?

## inspect of an image by its id
I=$($D images -q base)
$D image inspect -f '{{.RepoTags}}' $I

## inspect of two images
$D tag base other
$D image inspect -f '{{len .RepoTags}}' base other

## history
$D import -m hello $ROOT_TAR im1 >/dev/null
$D history im1
$D history --format '{{.ID}}|{{.CreatedSince}}|{{.CreatedBy}}|{{.Size}}|{{.Comment}}' im1
$D history -q im1
$D history -H=false --format '{{.Comment}}' im1
$D history --no-trunc --format '{{.ID}}' im1

## history of a missing image
$D history nothere; echo $?

## history of a commit
$D run --name c1 base touch /f; $D commit -m two c1 im2 >/dev/null
$D history --format '{{.CreatedBy}}|{{.Comment}}' im2

## save and load
$D tag base saved:1
$D save -o t saved:1; $D rmi saved:1
$D load -i t
$D images saved --format '{{.Repository}}:{{.Tag}}'

## save to standard output and load from it
$D save base | $D load

## load quietly
$D save -o t base; $D load -q -i t

## save of a missing image
$D save nothere >/dev/null; echo $?

## load of a missing file
$D load -i nothere; echo $?

## rmi of a tag
$D tag base other
$D rmi other
$D images --format '{{.Repository}}'

## rmi of the last name
$D import -c 'LABEL a=b' $ROOT_TAR im1 >/dev/null
$D rmi im1 | sed 's/@.*//'
$D images -q | wc -l

## rmi of an image in use
$D import -c 'LABEL a=b' $ROOT_TAR im1 >/dev/null
$D create --name c1 im1 true >/dev/null
$D rmi im1 2>/dev/null; echo $?
$D rm c1; $D rmi -f im1 >/dev/null; echo $?

## rmi of a missing one beside one that is there
$D tag base other
$D rmi nothere other; echo $?

## rmi -f of a missing one
$D rmi -f nothere; echo $?

## image prune
$D import -c 'LABEL a=b' $ROOT_TAR >/dev/null
$D images -q --filter dangling=true | wc -l
$D image prune -f | tail -n 1
$D images -q --filter dangling=true | wc -l

## image prune -a leaves what is used
$D import -c 'LABEL a=b' $ROOT_TAR used >/dev/null; $D import -c 'LABEL a=c' $ROOT_TAR free >/dev/null
$D create used true >/dev/null; $D create base true >/dev/null
$D image prune -a -f >/dev/null
$D images --format '{{.Repository}}' | sort

## image prune by label
$D import -c 'LABEL a=b' $ROOT_TAR >/dev/null; $D import -c 'LABEL a=c' $ROOT_TAR >/dev/null
$D image prune -f --filter label=a=b >/dev/null
$D images -q --filter dangling=true | wc -l

## names with docker.io
$D tag base docker.io/library/full:1
$D images full --format '{{.Repository}}:{{.Tag}}'
$D image inspect -f '{{.RepoTags}}' docker.io/library/base
$D rmi docker.io/full:1

## a commit has no stop signal that nobody asked for
$D create --name c1 base >/dev/null; $D commit c1 im >/dev/null; $D inspect -f '[{{.Config.StopSignal}}]' im
$D create --name c2 --stop-signal INT base >/dev/null; $D commit c2 im >/dev/null; $D inspect -f '{{with .Config.StopSignal}}set{{end}}' im

## save of one image by several names
$D tag base xx:1; $D save base xx:1 base -o s.tar
tar xOf s.tar manifest.json | grep -o '"RepoTags":\[[^]]*\]'; tar xOf s.tar repositories >/dev/null 2>&1; $D rmi xx:1 >/dev/null; $D load -i s.tar | sort
