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

## info keys
$D create --name one base true >/dev/null
$D info --format '{{.Containers}} {{.ContainersRunning}} {{.ContainersPaused}} {{.ContainersStopped}} {{.Images}} {{.OSType}} {{.NCPU}} {{.MemTotal}} {{.Architecture}} {{.KernelVersion}} {{.OperatingSystem}} {{.OSVersion}} {{.Name}} {{.CgroupVersion}} {{.CgroupDriver}} {{.LoggingDriver}} {{.Debug}} {{.IndexServerAddress}}'
$D info --format '{{index .Plugins.Volume 0}} {{.SecurityOptions}} {{.Swarm.LocalNodeState}} {{.MemoryLimit}} {{.CPUSet}} {{.PidsLimit}} {{.IPv4Forwarding}} {{.ClientInfo.Context}} {{.NoProxy}}|{{.Labels}} {{.ExperimentalBuild}} {{.Warnings}}'
$D system info --format '{{.NoSuchKey}}' >/dev/null 2>&1; echo $?

## info lines
$D info | grep -E '^ (Containers|Images|OSType|Architecture|CPUs|Total Memory|Name|Kernel Version|Operating System|Cgroup Version|Swarm):|^  (Running|Stopped|Volume):'

## version keys
$D version --format '{{.Client.Os}} {{.Client.Arch}} {{.Client.Context}} {{.Server.Os}} {{.Server.Arch}} {{.Server.KernelVersion}} {{with .Server.Version}}yes{{end}} {{with .Client.Version}}yes{{end}} {{(index .Server.Components 0).Name}}'

## system df -v sections
$D create --name one -v named:/d base true >/dev/null
$D system df -v | grep -v '^sha\|^$' | sed 's/  */ /g; s/ *$//' | grep -E 'usage:|^[A-Z]+( [A-Z]+)*$' | sed 's/Build cache usage.*/Build cache usage/'

## inspect host config of mounts
$D create --name from -v named:/d -v /anon base true >/dev/null
$D create --name one --volumes-from from:ro --mount type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=700 --mount type=bind,source=/tmp,target=/b,bind-propagation=rslave,readonly --mount type=volume,source=nv,target=/nv,volume-nocopy,volume-label=a=b --mount type=volume,target=/plain base true >/dev/null
$D inspect one --format '{{json .HostConfig.VolumesFrom}} {{json .HostConfig.Mounts}} {{.HostConfig.ContainerIDFile}} {{.HostConfig.ConsoleSize}}'
$D inspect one --format '{{json .HostConfig.Ulimits}} {{json .HostConfig.BlkioDeviceReadBps}} {{.HostConfig.CpuCount}} {{json .HostConfig.DeviceRequests}} {{json .HostConfig.ReadonlyPaths}} {{len .HostConfig.MaskedPaths | lt 5}}'
$D create --name two --privileged --cidfile cid base true >/dev/null
$D inspect two --format '{{json .HostConfig.MaskedPaths}} {{json .HostConfig.ReadonlyPaths}} {{.HostConfig.ContainerIDFile}}'

## ps with filters that all or none meet
$D create --name c1 --expose 80 base >/dev/null; $D create --name c2 base >/dev/null
$D ps -a --filter is-task=false --format '{{.Names}}'; $D ps -a --filter is-task=true -q
$D ps -a --filter network=none -q | wc -l >/dev/null; $D ps -a --filter publish=80 -q
$D ps -a --filter expose=81 -q
for s in paused restarting removing; do $D ps -a --filter status=$s -q; echo $?; done
$D ps -n 0 -q | wc -l

## templates cut and pad
$D create --name c1 base >/dev/null
$D ps -a --format '{{.Names | printf "%.1s|%5s|%-5s|%.0s|"}}' 2>/dev/null; $D ps -a --format '{{printf "%.1s|%5s|%-5s|%05d" .Names .Names .Names 7}}'
$D inspect -f '{{printf "%s %d %t %v" .State.ExitCode .Name .State.Running .State.Pid}}' c1

## volume of an empty name
$D volume create '' | awk '{print length}'

## system df -v as JSON
$D create --name c1 base >/dev/null; $D system df -v --format '{{json .}}' | head -c 10

## ps with filters of every kind
for n in aa bb; do $D create --name $n -l x=$n base >/dev/null; done; $D run --name rr base true; $D run --name ff base sh -c 'exit 4'
p() { $D ps -a "$@" --format '{{.Names}}' 2>/dev/null | sort | tr '\n' ' '; echo "=${PIPESTATUS[0]}"; }
p -f exited=0; p -f exited=x; p -f name=/aa; p -f 'name=^/aa$'; p -f status=exited -f exited=4; p -f health=none; p -f health=frob; p -f is-task=x; p -f is-task=f
p -f label=x=aa -f label=x=bb; p -f 'name=['; p -f volume=none; p -f ancestor=base:latest; p -f status=running -f status=created; p -f id=zzz; p -f 'name=a.'; p -f name=A; p -f before=nothere

## ps names the mounts that have a source
$D create --name c1 --tmpfs /t -v vv:/a --mount type=tmpfs,dst=/u base >/dev/null
$D ps -a --format '{{.Mounts}} {{.LocalVolumes}}' | tr -d ,

## commands with quotes in them
$D create --name c1 base sh -c 'echo "a b" \ é' >/dev/null; $D create --name c2 base sh 'a"b' >/dev/null
$D ps -a --format '{{.Command}} {{json .Command}}'; $D ps -a --no-trunc --format '{{.Command}}'; $D ps -a --no-trunc | awk -F'  +' '{print $3}'; $D ps -a --format '' | head -n 1
