# ps and the system commands.

## ps with nothing
$D ps
$D ps -q
$D ps -a

## ps of a created one
$D create --name c1 base echo hi >/dev/null
$D ps
$D ps -a

## ps of a running one
$D run -d --name c1 base sleep 100 >/dev/null
$D ps

## ps of one that has ended
$D run --name c1 base sh -c 'exit 3'
$D ps -a --format '{{.Names}}|{{.Status}}|{{.State}}|{{.Image}}|{{.Command}}'

## ps by template
$D create --name c1 -l a=b -v v1:/v base sh -c 'a long command that is cut somewhere' >/dev/null
$D ps -a --format '{{.ID}}|{{.Names}}|{{.Image}}|{{.Command}}|{{.CreatedAt}}|{{.RunningFor}}|{{.Status}}|{{.State}}'
$D ps -a --format '{{.Labels}}|{{.Label "a"}}|{{.Label "none"}}|{{.Mounts}}|{{.LocalVolumes}}|{{.Ports}}'
$D ps -a --no-trunc --format '{{.ID}}|{{.Command}}'
$D ps -a --format 'table {{.Names}}\t{{.Status}}\t{{.Label "a"}}'

## tables of a template have titles
$D create --name c1 -l com.x.my-tier=web base >/dev/null; $D volume create v1 >/dev/null
$D ps -a --format 'table {{.Names}}\t{{.CreatedAt}}\t{{.RunningFor}}\t{{.LocalVolumes}}\t{{.Label "com.x.my-tier"}}'
$D images --format 'table {{.ID}}\t{{.CreatedSince}}\t{{.CreatedAt}}\t{{.Size}}'
$D volume ls --format 'table {{.Name | upper}}\t{{.Mountpoint}}\t{{.Scope}}'

## ps with sizes
$D create --name c1 base >/dev/null
$D ps -as --format '{{.Names}} {{.Size}}' | sed 's/(virtual.*//'
$D ps -as | head -n 1

## ps last and latest
for n in c1 c2 c3; do $D create --name $n base >/dev/null; done
$D ps -n 2 --format '{{.Names}}'
$D ps -l --format '{{.Names}}'
$D ps -lq | wc -l

## ps with filters of names
for n in web db webby; do $D create --name $n base >/dev/null; done
$D ps -a --filter name=web --format '{{.Names}}' | sort
$D ps -a --filter 'name=^web$' --format '{{.Names}}'
$D ps -a --filter name=nothere --format '{{.Names}}'
$D ps -a --filter name=web --filter name=db --format '{{.Names}}' | sort

## ps with filters of state
$D create --name c1 base >/dev/null; $D run --name c2 base sh -c 'exit 3'; $D run --name c3 base true
$D ps -a --filter status=created --format '{{.Names}}'
$D ps -a --filter status=exited --format '{{.Names}}' | sort
$D ps -a --filter exited=3 --format '{{.Names}}'
$D ps --filter status=exited --format '{{.Names}}' | sort
$D ps -a --filter status=frob; echo $?

## ps with filters of labels and volumes
$D create --name c1 -l a=b -v v1:/v base >/dev/null; $D create --name c2 -l a=c base >/dev/null
$D ps -a --filter label=a --format '{{.Names}}' | sort
$D ps -a --filter label=a=b --format '{{.Names}}'
$D ps -a --filter volume=v1 --format '{{.Names}}'
$D ps -a --filter volume=/v --format '{{.Names}}'

## ps with filters of ancestors
$D tag base other; $D create --name c1 base >/dev/null; $D create --name c2 other >/dev/null
$D ps -a --filter ancestor=base --format '{{.Names}}' | sort
$D ps -a --filter ancestor=nothere --format '{{.Names}}'

## ps before and since
for n in c1 c2 c3; do $D create --name $n base >/dev/null; done
$D ps -a --filter before=c2 --format '{{.Names}}'
$D ps -a --filter since=c2 --format '{{.Names}}'
$D ps -a --filter since=nothere; echo $?

## ps with an id
I=$($D create --name c1 base)
$D ps -a --filter id=$I --format '{{.Names}}'
$D ps -aq --no-trunc | grep -c $I

## ps with an unknown filter
$D ps --filter frob=1; echo $?

## ps with a filter that is none
$D ps --filter frob; echo $?

## ps of an unknown key
$D ps --format '{{.Frob}}'; echo $?

## ps with a template that is none
$D ps --format '{{.Names'; echo $?

## container ls has its names
$D create --name c1 base >/dev/null
$D container ls -a --format '{{.Names}}'; $D container list -a --format '{{.Names}}'; $D container ps -a --format '{{.Names}}'

## a row as JSON
$D create --name c1 -l a=b base >/dev/null
$D ps -a --format '{{json .Names}} {{json .Labels}} {{json .LocalVolumes}} {{json .State}} {{json .Ports}}'
$D images --format '{{json .Repository}} {{json .Tag}}'
$D volume create v1 >/dev/null; $D volume ls --format '{{json .Name}} {{json .Labels}}'

## container prune
$D run --name c1 base true; $D create --name c2 base >/dev/null; $D run -d --name c3 base sleep 100 >/dev/null
$D container prune -f | tail -n 1
$D ps -a --format '{{.Names}}'

## container prune by label and age
$D create --name c1 -l a=b base >/dev/null; $D create --name c2 base >/dev/null
$D container prune -f --filter label=a=b >/dev/null; $D ps -a --format '{{.Names}}'
$D container prune -f --filter until=24h >/dev/null; $D ps -a --format '{{.Names}}'

## container prune of nothing
$D container prune -f

## container prune with an unknown filter
$D container prune -f --filter frob=1; echo $?

## system prune
$D create --name c1 base >/dev/null; $D volume create >/dev/null; $D import -c 'LABEL a=b' $ROOT_TAR >/dev/null
$D system prune -f | tail -n 1
$D ps -aq; $D volume ls -q | wc -l; $D images -q | wc -l

## system df
$D system df --format '{{.Type}} {{.TotalCount}} {{.Active}}' | grep -v Build

## unknown command
$D frob 2>/dev/null; echo $?
$D volume frob 2>/dev/null; echo $?

## missing arguments
$D rm 2>/dev/null; echo $?
$D inspect 2>/dev/null; echo $?
$D tag base 2>/dev/null; echo $?
$D cp x 2>/dev/null; echo $?

## unknown option
$D ps --frob 2>/dev/null; echo $?
$D volume ls --frob 2>/dev/null; echo $?
$D build --frob . 2>/dev/null; echo $?

## version by template
$D version --format '{{.Client.Os}} {{.Client.Arch}} {{.Server.Os}}'
