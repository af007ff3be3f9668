# What a hostile command asks from inside (test/isolation), but for what test/isolation/ask.ts lists as meant to differ.

## questions from inside
L=/lib/x86_64-linux-gnu; [ -d $L ] || exit 0
V="-v /usr/bin/perl:/bin/perl:ro -v $L:$L:ro -v /lib64:/lib64:ro -v $QUESTIONS:/q.pl:ro"
MEANT='^(status Cap(Prm|Eff|Bnd)|list /dev|mkdir /sys/fs/cgroup/x|chmod /proc/keys|mount /proc/(keys|timer_list)|mount /sys/firmware|io_uring_setup|ioctl TIOCSTI|TIOCLINUX|socket vsock|read /proc/interrupts|open >> /sys/fs/cgroup/.*|mounts that propagate|(stat|list)mount|lsm_set_self_attr|fchmodat2|nfsservctl|tuxcall|cachestat|mseal):'
$D run --rm $V base perl /q.pl | grep -vE "$MEANT"

## questions from inside without the filter of system calls
L=/lib/x86_64-linux-gnu; [ -d $L ] || exit 0
V="-v /usr/bin/perl:/bin/perl:ro -v $L:$L:ro -v /lib64:/lib64:ro -v $QUESTIONS:/q.pl:ro"
MEANT='^(status Cap(Prm|Eff|Bnd)|list /dev|mkdir /sys/fs/cgroup/x|chmod /proc/keys|mount /proc/(keys|timer_list)|mount /sys/firmware|read /proc/interrupts|open >> /sys/fs/cgroup/.*|mounts that propagate):'
$D run --rm --security-opt seccomp=unconfined $V base perl /q.pl | grep -vE "$MEANT"

## limits: memory that is used up
$D run --name greedy -m 16m base tail /dev/zero; echo $?
$D inspect -f '{{.State.OOMKilled}} {{.State.ExitCode}} {{.HostConfig.Memory}} {{.HostConfig.MemorySwap}}' greedy

## limits: as inspect has them
$D create --name cc -m 64m --memory-reservation 32m --cpus 0.5 --cpu-shares 300 --cpuset-cpus 0 --pids-limit 20 --oom-score-adj 5 base true >/dev/null
$D inspect -f '{{with .HostConfig}}{{.Memory}} {{.MemorySwap}} {{.MemoryReservation}} {{.NanoCpus}} {{.CpuShares}} {{.CpusetCpus}} {{.PidsLimit}} {{.OomScoreAdj}}{{end}}' cc
$D create --name none base true >/dev/null
$D inspect -f '{{with .HostConfig}}{{.Memory}} {{.MemorySwap}} {{.NanoCpus}} {{.CpuShares}} {{json .CpusetCpus}} {{json .PidsLimit}}{{end}}' none

## limits: as the command sees them
$D run --rm -m 32m --cpus 0.5 --pids-limit 20 base sh -c 'cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes cpu/cpu.cfs_quota_us pids/pids.max; echo 1 > pids/pids.max'

## devices with modes
$D run --rm --device /dev/fuse:/dev/f:r base sh -c '(: </dev/f) && echo r; (: >/dev/f) && echo w; true'
$D run --rm --device /dev/fuse:/dev/f:w base sh -c '(: </dev/f) && echo r; (: >/dev/f) && echo w; true'

## health: as inspect and ps have it
$D run -d --name hh --health-cmd 'echo out; test -e /ok' --health-interval 300ms --health-retries 2 base sleep 100 >/dev/null
$D inspect -f '{{json .Config.Healthcheck}}' hh
for i in $(seq 60); do [ "$($D inspect -f '{{.State.Health.Status}}' hh)" = unhealthy ] && break; sleep 0.2; done
$D inspect -f '{{.State.Health.Status}} {{with index .State.Health.Log 0}}{{.ExitCode}} {{.Output}}{{end}}' hh
$D exec hh touch /ok
for i in $(seq 60); do [ "$($D inspect -f '{{.State.Health.Status}}' hh)" = healthy ] && break; sleep 0.2; done
$D ps --format '{{.Status}}'; $D ps --filter health=healthy --format '{{.Names}}'; $D ps --filter health=none --format '{{.Names}}'
$D stop -t 0 hh >/dev/null; $D inspect -f '{{.State.Health.Status}}' hh

## logs: of limited size
$D run --name ll --log-opt max-size=1k --log-opt max-file=3 base sh -c 'for i in $(seq 1 60); do echo line number $i of many; done' | tail -1
$D logs ll | tail -3; $D logs -n 2 ll; $D inspect -f '{{.HostConfig.LogConfig.Type}} {{index .HostConfig.LogConfig.Config "max-file"}}' ll
$D run --name mm --log-driver local base echo kept; $D logs mm
$D create --log-opt nope=1 base true 2>/dev/null; echo $?
