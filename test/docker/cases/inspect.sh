# inspect and its templates.

## inspect finds each kind
$D create --name c1 base >/dev/null; $D volume create v1 >/dev/null
$D inspect -f '{{.Name}}' c1
$D inspect -f '{{.RepoTags}}' base
$D inspect -f '{{.Mountpoint}}' v1

## inspect by type
$D create --name same base >/dev/null; $D volume create same >/dev/null; $D tag base same
$D inspect -f '{{.Name}}' same
$D inspect --type volume -f '{{.Driver}}' same
$D inspect --type image -f '{{.Os}}' same
$D inspect --type container -f '{{.State.Status}}' same
$D inspect --type frob same; echo $?

## inspect of what is missing
$D inspect nothere; echo $?
$D inspect --type volume nothere; echo $?
$D inspect --type image nothere; echo $?
$D inspect --type container nothere; echo $?

## inspect of several, one missing
$D create --name c1 base >/dev/null; $D volume create v1 >/dev/null
$D inspect -f '{{.Name}}' c1 nothere v1; echo $?

## inspect of the state
$D run --name c1 base sh -c 'exit 3'
$D inspect -f '{{.State.Status}} {{.State.Running}} {{.State.Paused}} {{.State.Restarting}} {{.State.OOMKilled}} {{.State.Dead}} {{.State.Pid}} {{.State.ExitCode}} [{{.State.Error}}]' c1

## inspect of the configuration
$D create --name c1 -e A=b -w /srv -u app -l k=v -h box --entrypoint echo base hi >/dev/null
$D inspect -f '{{.Config.Env}}|{{.Config.WorkingDir}}|{{.Config.User}}|{{.Config.Labels}}|{{.Config.Hostname}}|{{.Config.Entrypoint}}|{{.Config.Cmd}}|{{.Config.Image}}' c1
$D inspect -f '{{.Path}} {{.Args}}' c1
$D inspect -f '{{.Config.Tty}} {{.Config.OpenStdin}} {{.Config.AttachStdout}}' c1

## inspect of what is unset
$D create --name c1 base >/dev/null
$D inspect -f '[{{.Config.User}}][{{.Config.Domainname}}][{{.Config.Entrypoint}}][{{.Config.Volumes}}][{{.Config.Labels}}][{{.Config.OnBuild}}][{{.Config.ExposedPorts}}]' c1
$D inspect -f '{{json .Config.Entrypoint}} {{json .Config.Volumes}} {{json .Config.Labels}} {{json .Config.OnBuild}}' c1
$D inspect -f '{{.RestartCount}} {{.Platform}} [{{.HostConfig.Binds}}] {{.HostConfig.AutoRemove}} {{.HostConfig.Privileged}} {{.HostConfig.ReadonlyRootfs}}' c1
$D inspect -f '{{json .HostConfig.Binds}} {{json .HostConfig.Tmpfs}} {{json .HostConfig.VolumesFrom}} {{.HostConfig.RestartPolicy.Name}} {{.HostConfig.Memory}}' c1

## inspect has a name with a slash
$D create --name c1 base >/dev/null
$D inspect -f '{{.Name}}' c1

## inspect of network settings
$D create --name c1 base >/dev/null
$D inspect -f '[{{.NetworkSettings.IPAddress}}] [{{.NetworkSettings.Ports}}]' c1
$D inspect -f '{{range $n, $c := .NetworkSettings.Networks}}[{{$c.IPAddress}}]{{end}}' c1

## inspect of sizes
$D create --name c1 base >/dev/null
$D inspect -s -f '{{.SizeRw}}' c1
$D inspect -f '{{if .SizeRw}}yes{{else}}no{{end}}' c1

## inspect of the driver
$D create --name c1 base >/dev/null
$D inspect -f '{{if .Driver}}yes{{end}} {{if .GraphDriver.Name}}yes{{end}} {{if .GraphDriver.Data.UpperDir}}yes{{end}} {{if .GraphDriver.Data.LowerDir}}yes{{end}} {{if .GraphDriver.Data.MergedDir}}yes{{end}}' c1
$D inspect -f '{{if .GraphDriver.Name}}yes{{end}}' base

## json of the whole has one record a name
$D create --name c1 base >/dev/null; $D create --name c2 base >/dev/null
$D inspect c1 c2 | grep -c '^        "Id"'
$D inspect -f '{{json .}}' c1 | wc -l
$D inspect c1 | head -n 2

## functions
$D create --name c1 -e A=b -e C=d base a b c >/dev/null
$D inspect -f '{{join .Config.Cmd "-"}}' c1
$D inspect -f '{{upper .Name}} {{lower "ABC"}} {{title "abc"}}' c1
$D inspect -f '{{index .Config.Cmd 1}} {{len .Config.Cmd}}' c1
$D inspect -f '{{split .Config.Image "s"}}' c1
$D inspect -f '{{json .Config.Cmd}}' c1
$D inspect -f '{{println .Name}}' c1
$D inspect -f '{{print .Name 1 2 "x" "y"}}' c1
$D inspect -f '{{printf "%s %d %v %q" .Name 3 .Config.Cmd "q"}}' c1
$D inspect -f '{{truncate .Name 2}} {{pad "x" 1 2}}|' c1

## control
$D create --name c1 base a b >/dev/null
$D inspect -f '{{range .Config.Cmd}}<{{.}}>{{end}}' c1
$D inspect -f '{{range $i, $e := .Config.Cmd}}{{if $i}},{{end}}{{$e}}{{end}}' c1
$D inspect -f '{{with .Config}}{{.Image}}{{end}}' c1
$D inspect -f '{{if eq .State.Status "created"}}yes{{else}}no{{end}}' c1
$D inspect -f '{{if and .Name (not .Config.Tty)}}yes{{end}}' c1
$D inspect -f '{{range .Config.Volumes}}x{{else}}none{{end}}' c1
$D inspect -f '{{$x := .Name}}{{$x}}' c1
$D inspect -f '{{- .Name -}}' c1
$D inspect -f '{{.Config.Cmd}} {{.State}}' c1 | cut -c1-20

## lists and maps as Go prints them
$D create --name c1 -l a=1 -l b=2 base x y >/dev/null
$D inspect -f '{{.Config.Cmd}} {{.Config.Labels}}' c1
$D inspect -f '{{.Config.Labels.a}} {{index .Config.Labels "b"}} [{{index .Config.Labels "none"}}] [{{.Config.Labels.none}}]' c1
$D inspect -f '{{.Config.Tty}} {{.State.ExitCode}}' c1

## templates, the rest of Go's
$D create --name c1 -e A=1 -l 'x=<a&b>' base a b c >/dev/null
$D inspect -f '{{define "x"}}<{{.}}>{{end}}{{range .Config.Cmd}}{{template "x" .}}{{end}}{{block "y" .Config}}{{.Image}}{{end}}' c1
$D inspect -f '{{range .Config.Cmd}}{{if eq . "b"}}{{continue}}{{end}}{{.}}{{if eq . "c"}}{{break}}{{end}}{{end}}' c1
$D inspect -f '{{$x := 0}}{{range .Config.Cmd}}{{$x = .}}{{end}}{{$x}} {{'"'a'"'}} {{0x1F}} {{1e6}} {{index "abc" 1}} {{slice .Config.Cmd 0 1 2}}' c1
$D inspect -f '{{html .Config.Labels.x}} {{js "<a>"}} {{urlquery "a b&" 1}} {{and false (index .Config.Cmd 9)}} {{or .Name (index .Config.Cmd 9)}}' c1
$D inspect -f '{{printf "%05d|%-4s|%x|%X|%o|%b|%c|%U|%e|%g|%T|%#v|%+q|%[1]d|%5.1f" 3 "a" "hi" 255 8 5 65 65 1.5 2.5 "x" "y" "é" 1.25}}' c1
$D inspect -f '{{index .Config.Env 0}}\t{{index .Config.Cmd 1}}\n' c1
$D inspect -f '{{break}}' c1 >/dev/null 2>&1 || echo refused; $D inspect -f '{{template "none"}}' c1 >/dev/null 2>&1 || echo refused
$D inspect -f '{{eq "a" 1}}' c1 >/dev/null 2>&1 || echo refused; $D inspect -f '{{$y = 1}}' c1 >/dev/null 2>&1 || echo refused

## mistakes in templates
$D create --name c1 base >/dev/null
$D inspect -f '{{.Frob}}' c1; echo $?
$D inspect -f '{{.Config.Frob}}' c1; echo $?
$D inspect -f '{{frob .Name}}' c1; echo $?
$D inspect -f '{{.Name' c1; echo $?
$D inspect -f '{{index .Config.Cmd 9}}' c1; echo $?
$D inspect -f '{{range .Config.Cmd}}' c1; echo $?

## inspect of an empty format
$D create --name c1 base >/dev/null
$D container inspect --format '' c1 | head -n 1

## container inspect of an image's name
$D container inspect base; echo $?

## image inspect of a container's name
$D create --name c1 base >/dev/null
$D image inspect c1; echo $?

## inspect of the options of run
$D create --name c1 --cap-add CAP_NET_ADMIN --cap-drop CAP_MKNOD --group-add 77 --add-host a:1.2.3.4 --shm-size 1m --init --ulimit nofile=10:20 --stop-timeout 3 --security-opt no-new-privileges base >/dev/null
$D inspect -f '{{.HostConfig.CapAdd}} {{.HostConfig.CapDrop}} {{.HostConfig.GroupAdd}} {{.HostConfig.ExtraHosts}} {{.HostConfig.ShmSize}} {{.HostConfig.Init}} {{json .HostConfig.Ulimits}} {{.Config.StopTimeout}} {{.HostConfig.SecurityOpt}}' c1

## maps are in the order of their keys
$D create --name c1 --label zz=1 --label aa=2 --label Mm=3 --expose 90 --expose 80/udp --expose 443 -v /zz -v /aa --tmpfs /t2:size=1m --tmpfs /t1 --log-opt max-size=1m --log-opt max-file=2 base sh >/dev/null
for t in .Config.Labels .Config.ExposedPorts .Config.Volumes .HostConfig.Tmpfs .HostConfig.LogConfig; do
  $D inspect -f "{{json $t}} {{$t}}" c1
done
$D inspect c1 | grep -A 3 '"Labels"'
$D volume create --label zz=1 --label aa=2 --opt type=tmpfs --opt device=tmpfs --opt o=size=1m vol
$D volume inspect -f '{{json .Labels}} {{json .Options}} {{.UsageData}}' vol

## names of fields that JSON spells otherwise
$D create --name c1 --dns 1.2.3.4 base sh >/dev/null
for t in .ID .HostConfig.DNS .HostConfig.NanoCPUs .HostConfig.CPUShares .Config.MacAddress; do $D inspect -f "{{$t}}|" c1; done
$D image inspect -f '{{.ID}}' base >/dev/null; echo $?
$D ps -a --format '{{json .}}' | grep -o '"[A-Za-z]*":' | grep -E '"(ID|Image|Command|Names|Status)"' | tr '\n' ' '

## templates of what is absent
$D create --name c1 -l a=1 base x y >/dev/null
t() { $D inspect -f "$1" c1; echo "=$?"; }
t '{{len .HostConfig.Binds}} {{len .Config.Entrypoint}} {{len .Config.Volumes}} {{len .Config.Labels}} {{len .Mounts}}'
t '[{{index .Config.Labels "none"}}] [{{index .Config.Volumes "none"}}]'
t '[{{index .State "Status"}}] [{{index .State "Frob"}}]'
t '{{range .HostConfig.Binds}}x{{else}}none{{end}} {{with .Config.Entrypoint}}x{{else}}none{{end}}'
t '{{printf "%v %s" .HostConfig.Binds .HostConfig.Binds}} {{join .Config.Entrypoint ","}}|'
t '{{json .HostConfig.Binds}} {{json .Config.Volumes}} {{json nil}} {{json 1.5}}'
t '{{.State.Health.Status}}'

## templates with numbers and their types
$D create --name c1 -l a=1 base x y >/dev/null
t() { $D inspect -f "$1" c1; echo "=$?"; }
t '{{printf "%d %T %x %v" .HostConfig.ShmSize .HostConfig.ShmSize .HostConfig.ShmSize .HostConfig.ShmSize}}'
t '{{eq .HostConfig.ShmSize 67108864}} {{gt .HostConfig.ShmSize 5}} {{eq .State.ExitCode 0}} {{ne .Name "x"}}'
t '{{printf "%T %T" .HostConfig.ShmSize .HostConfig.OomScoreAdj}}'
t '{{printf "%T %T %T" .Config.Cmd .Config.Labels .Config.Env}}'
t '{{printf "%10s|%-10s|%.2s|%010d|%+d|%x|%08.3f|%6.2f%%" "ab" "cd" "efg" 7 8 255 1.5 2.25}}'
t '{{title "hello big-world x_y"}} {{slice .Name 1 3}} {{slice .Config.Cmd 1}}'

## templates that take what they cannot
$D create --name c1 -l a=1 base x y >/dev/null
for t in '{{len nil}}' '{{len .State.Running}}' '{{index .HostConfig.Binds 0}}' '{{index .Config.Cmd 2}}' '{{index .Config.Cmd -1}}' \
  '{{index .Config.Cmd "a"}}' '{{index .Config.Labels 1}}' '{{index .Name 99}}' '{{index nil 1}}' '{{(index .Mounts 0).Source}}' \
  '{{slice .Config.Cmd 3}}' '{{slice .Config.Cmd 1 0}}' '{{slice .Name 1 99}}' '{{slice .State 1}}' '{{lt .HostConfig.ShmSize 1.5}}' \
  '{{eq .State.Running "false"}}' '{{lt .Name 1}}' '{{lt .State.Running true}}' '{{eq .Config.Labels .Config.Labels}}' \
  '{{eq .Config.Cmd .Config.Cmd}}' '{{eq .Name}}' '{{ne .Name}}' '{{range .Name}}{{end}}' '{{range .State.Running}}{{end}}' \
  '{{.Config.Cmd.Foo}}' '{{.Config.Labels.a.b}}' '{{not}}' '{{and}}' '{{json}}' '{{json 1 2}}' '{{join .Config.Cmd}}' \
  '{{join .Name ","}}' '{{join .Config.Labels ","}}' '{{split .State.ExitCode "/"}}' '{{lower .State.Running}}' '{{lower 1}}' \
  '{{upper .Config.Cmd}}' '{{pad .Name 2}}' '{{pad .Name -1 0}}' '{{truncate .Name -1}}' '{{truncate .Id "a"}}' '{{printf 1}}' '{{printf}}'
do $D inspect -f "$t" c1; echo $?; done

## templates that are none
$D create --name c1 base >/dev/null
for t in '{{$x}}' '{{/*a*/ .Name}}' '{{}}' '{{end}}' '{{else}}' '{{if .Name}}a{{else}}b{{else}}c{{end}}' '{{if}}x{{end}}' '{{with}}{{end}}'
do $D inspect -f "$t" c1 >/dev/null || echo failed; done
